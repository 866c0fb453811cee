"""Minions that have fetched hear the switch in that job: by a wire and a clock of the tests' own.

With real minions: tests/salt/test_waiting.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import FIND_JOB, Dispatch, Job
from sartoris.salt.runner.waiting import STAND_BY, WaitingMinions

from .test_dispatch import ORDER, OUTCOME, Wire, dead, good

SWITCHED = {**OUTCOME, "action": "switch"}
RELEASE = {"repository": "wiki", "slot": "slot0", "release": "t1", "commit": "c1"}


def at_it(wire: Wire, minion: str, function: str, number: int) -> tuple[float, Any]:
    """Does its work, and says that it still stands by."""
    return (0.1, {"jid": "1"}) if function == FIND_JOB else good(wire, minion, function, number)


@dataclass
class Listening(Wire):
    """A wire whose minions stand by when the order says so; those in `deaf` hear nothing then."""

    deaf: Sequence[str] = ()
    lost: bool = False  # whether the jobs in which they listen are gone
    jobs: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # "" for a new one

    def __post_init__(self) -> None:
        self.waiting = WaitingMinions(lambda: self.now)

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        before = list(self.coming)
        job = super().publish(function, arguments, minions, jid)
        if function == FIND_JOB:
            return job
        self.jobs.append((jid, tuple(minions)))
        coming = [one for one in self.coming if one not in before]
        if jid and not self.lost:
            coming = list(self._heard(jid, minions))
        elif function == "git_deploy.switch":
            coming = [(at, replace(one, value=SWITCHED)) for at, one in coming]
        else:
            coming = [(at, replace(one, waits=True)) for at, one in coming]
        self.coming = [*before, *coming]
        return job

    def _heard(self, jid: str, minions: Sequence[str]) -> Iterator[tuple[float, Return]]:
        for name in minions:
            if self.minions[name] is not dead:
                after, value = (STAND_BY, OUTCOME) if name in self.deaf else (0.1, SWITCHED)
                yield self.now + after, Return(jid, name, value, vouched=True)

    def carry_out(self, action: str, *names: str, **order: Any) -> dict[str, dict[str, Any]]:
        dispatch = Dispatch(
            self,
            f"git_deploy.{action}",
            {**ORDER, **RELEASE, "action": action, **order},
            waiting=self.waiting,
            clock=lambda: self.now,
            pause=self.pause,
        )
        found = {one["target"]: {**one, "at": self.now} for one in dispatch.to(names)}
        assert set(found) == set(names), "one outcome for each"
        return found


def test_the_switch_is_sent_under_the_id_of_the_job_that_stands_by() -> None:
    wire = Listening({"web1": good, "web2": good, "web3": good})
    wire.carry_out("fetch", "web1", "web2", "web3")
    found = wire.carry_out("switch", "web1", "web2", "web3")
    assert {one["action"] for one in found.values()} == {"switch"}
    assert wire.jobs == [("", ("web1", "web2", "web3")), ("1", ("web1", "web2", "web3"))]


def test_who_did_not_stand_by_is_sent_a_job_of_its_own() -> None:
    wire = Listening({"web1": good, "web2": good, "web3": good})
    wire.carry_out("fetch", "web1", "web2")
    found = wire.carry_out("switch", "web1", "web2", "web3")
    assert {one["action"] for one in found.values()} == {"switch"}
    assert wire.jobs[1:] == [("1", ("web1", "web2")), ("", ("web3",))]


def test_those_who_fetched_by_different_jobs_hear_it_in_their_own() -> None:
    wire = Listening({"web1": good, "web2": good})
    wire.carry_out("fetch", "web1")
    wire.carry_out("fetch", "web2")
    wire.carry_out("switch", "web1", "web2")
    assert wire.jobs[2:] == [("1", ("web1",)), ("2", ("web2",))]


def test_one_that_heard_nothing_is_sent_the_switch_when_it_says_so() -> None:
    wire = Listening({"web1": good, "web2": at_it}, deaf=["web2"])
    wire.carry_out("fetch", "web1", "web2")
    found = wire.carry_out("switch", "web1", "web2")
    assert found["web1"]["at"] < 1
    assert (found["web2"]["at"] > STAND_BY, found["web2"]["action"]) == (True, "switch")
    assert wire.jobs[1:] == [("1", ("web1", "web2")), ("", ("web2",))]


def test_one_that_died_while_it_stood_by_is_named_within_seconds() -> None:
    wire = Listening({"web1": good, "web2": good})
    wire.carry_out("fetch", "web1", "web2")
    wire.minions["web2"] = dead
    found = wire.carry_out("switch", "web1", "web2")
    assert found["web1"]["ok"]
    assert (found["web2"]["error"], found["web2"]["at"] < 9) == ("unreachable", True)


def test_one_whose_job_is_gone_is_sent_the_switch() -> None:
    wire = Listening({"web1": good, "web2": good})
    wire.carry_out("fetch", "web1", "web2")
    wire.lost = True
    found = wire.carry_out("switch", "web1", "web2")
    assert all(one["ok"] and one["action"] == "switch" for one in found.values())
    assert wire.jobs[2:] == [("", ("web1", "web2"))]


def test_a_switch_that_comes_late_is_a_job_of_its_own() -> None:
    wire = Listening({"web1": good, "web2": good})
    wire.carry_out("fetch", "web1", "web2")
    wire.now += STAND_BY - 0.5
    wire.carry_out("switch", "web1", "web2")
    assert wire.jobs[1:] == [("", ("web1", "web2"))]


@pytest.mark.parametrize("other", [{"release": "t2"}, {"slot": "slot1"}, {"commit": "c2"}])
def test_a_switch_to_another_release_is_a_job_of_its_own(other: dict[str, str]) -> None:
    wire = Listening({"web1": good, "web2": good})
    wire.carry_out("fetch", "web1", "web2")
    wire.carry_out("switch", "web1", "web2", **other)
    assert wire.jobs[1:] == [("", ("web1", "web2"))]


def test_a_canary_leaves_the_others_waiting() -> None:
    wire = Listening({"web1": good, "web2": good, "web3": good})
    wire.carry_out("fetch", "web1", "web2", "web3")
    wire.carry_out("switch", "web1")
    wire.carry_out("switch", "web2", "web3")
    assert wire.jobs[1:] == [("1", ("web1",)), ("1", ("web2", "web3"))]


def test_a_second_switch_is_a_job_of_its_own() -> None:
    wire = Listening({"web1": good})
    wire.carry_out("fetch", "web1")
    wire.carry_out("switch", "web1")
    wire.carry_out("switch", "web1")
    assert wire.jobs[1:] == [("1", ("web1",)), ("", ("web1",))]
