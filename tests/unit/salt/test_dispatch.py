"""Who has answered, who is at it, and who is not there: by a wire and a clock of the tests' own.

With real minions: tests/salt. What is here needs a silence at a certain second, or minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.dispatch import FIND_JOB, Dispatch, Job, MasterSilent, Timeouts

OUTCOME = {"ok": True, "action": "fetch", "error": ""}
ORDER = {"version": 1, "action": "fetch", "timeout": 600}
# What a minion does with a job: its return after so many seconds, or None for never.
Behaviour = Callable[["Wire", str, str, int], tuple[float, Any] | None]


def good(wire: Wire, minion: str, function: str, number: int) -> tuple[float, Any]:
    del wire, minion, number
    return (0.1, {} if function == FIND_JOB else OUTCOME)


def dead(wire: Wire, minion: str, function: str, number: int) -> None:
    del wire, minion, function, number


@dataclass
class Wire:
    """Minions by name, and what each does. `away` are seconds in which the master is away."""

    minions: dict[str, Behaviour]
    away: tuple[float, float] = (0, 0)
    gather_job_timeout: float = 5.0
    now: float = 0.0
    sent: list[tuple[float, str, tuple[str, ...]]] = field(default_factory=list)
    coming: list[tuple[float, Return]] = field(default_factory=list)
    cache: dict[tuple[str, str], Return] = field(default_factory=dict)
    older: tuple[str, ...] = ()  # whose module does not sign
    sign_always: tuple[str, ...] = ()  # who have signed before

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        del arguments
        self._require_master()
        self.sent.append((self.now, function, tuple(minions)))
        known = [name for name in minions if name in self.minions]
        if jid:
            return Job(jid, frozenset(known))  # minions take no job twice
        jid = str(len(self.sent))
        for name in known:
            number = sum(f == function and name in to for _, f, to in self.sent)
            returned = self.minions[name](self, name, function, number)
            if returned is not None:
                self.coming.append((self.now + returned[0], self.sign(jid, name, returned[1])))
        return Job(jid, frozenset(known))

    def returns(self, jids: Sequence[str], seconds: float) -> list[Return]:
        self._require_master()
        mine = sorted((one for one in self.coming if one[1].jid in jids), key=lambda one: one[0])
        if not mine or mine[0][0] > self.now + seconds:
            self.now += seconds
            return []
        self.coming.remove(mine[0])
        self.now = max(self.now, mine[0][0])
        return [mine[0][1]]

    def sign(self, jid: str, name: str, value: Any) -> Return:
        """The return of a minion, which signs what is an outcome if its module does so."""
        signs = name not in self.older and isinstance(value, dict) and "ok" in value
        answer = Return(jid, name, value, vouched=signs)
        self.cache.setdefault((jid, name), answer)
        return answer

    def unsigned(self, jid: str, minion: str) -> Return | None:
        return self.cache.get((jid, minion)) if minion not in self.sign_always else None

    def _require_master(self) -> None:
        if self.away[0] <= self.now < self.away[1]:
            self.coming = [one for one in self.coming if not self.away[0] <= one[0] < self.away[1]]
            raise MasterSilent("the master does not answer")

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def dispatch(self, *names: str, **order: Any) -> dict[str, dict[str, Any]]:
        """The outcomes by minion, with the second `at` which each came."""
        dispatch = Dispatch(
            self,
            "git_deploy.fetch",
            {**ORDER, **order},
            timeouts=Timeouts(),
            clock=lambda: self.now,
            pause=self.pause,
        )
        found = {one["target"]: {**one, "at": self.now} for one in dispatch.to(names)}
        assert set(found) == set(names), "one outcome for each"
        return found

    def asked(self) -> list[float]:
        return [at for at, function, _ in self.sent if function == FIND_JOB]

    def orders(self) -> list[tuple[str, ...]]:
        return [names for _, function, names in self.sent if function != FIND_JOB]


def slow(seconds: float) -> Behaviour:
    """Takes a while, and says that it is at it."""

    def behaviour(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any]:
        del wire, name, number
        return (0.1, {"jid": "1"}) if function == FIND_JOB else (seconds, OUTCOME)

    return behaviour


def loses_the_order(times: int) -> Behaviour:
    """Answers that nothing runs there, until it was sent the order once more than `times`."""

    def behaviour(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any] | None:
        del wire, name
        if function == FIND_JOB:
            return (0.1, {})
        return (0.1, OUTCOME) if number > times else None

    return behaviour


def test_whoever_answers_is_not_asked_again() -> None:
    wire = Wire({"web1": good, "web2": good})
    found = wire.dispatch("web1", "web2")
    assert all(one["ok"] for one in found.values())
    assert wire.orders() == [("web1", "web2")]
    assert not wire.asked()


def test_one_that_the_master_does_not_know_is_named_at_once() -> None:
    found = Wire({"web1": good}).dispatch("web1", "stranger")
    assert found["stranger"]["message"] == "the master has no accepted key of it"
    assert found["stranger"]["at"] == 0


def test_one_that_is_silent_twice_is_given_up_within_seconds() -> None:
    wire = Wire({"web1": good, "web2": dead})
    found = wire.dispatch("web1", "web2")
    assert (found["web2"]["error"], found["web2"]["at"] < 9) == ("unreachable", True)
    assert len(wire.asked()) == 2


def test_one_may_be_silent_for_as_long_as_salt_s_own_setting_says() -> None:
    wire = Wire({"web1": dead}, gather_job_timeout=60)
    assert 60 < wire.dispatch("web1")["web1"]["at"] < 65


def test_one_that_is_silent_once_is_heard() -> None:
    def overloaded(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any] | None:
        if function == FIND_JOB and number == 1:
            return None
        return slow(30.0)(wire, name, function, number)

    found = Wire({"web1": overloaded}).dispatch("web1")
    assert found["web1"]["ok"]


def test_one_that_is_slow_is_waited_for_and_asked_less_and_less() -> None:
    wire = Wire({"web1": slow(300.0)})
    assert wire.dispatch("web1")["web1"]["ok"]
    pauses = [
        round(later - earlier)
        for earlier, later in zip(wire.asked(), wire.asked()[1:], strict=False)
    ]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 16


def test_one_that_is_at_it_for_ever_is_timed_out_after_the_agent_s_own_time() -> None:
    found = Wire({"web1": slow(10_000.0)}).dispatch("web1", timeout=60)
    assert found["web1"]["error"] == "timeout"
    assert 90 <= found["web1"]["at"] < 110


def test_one_that_lost_the_order_gets_it_again() -> None:
    wire = Wire({"web1": loses_the_order(1), "web2": good})
    assert wire.dispatch("web1", "web2")["web1"]["ok"]
    assert wire.orders() == [("web1", "web2"), ("web1",)]


def test_one_that_loses_it_every_time_is_given_up() -> None:
    wire = Wire({"web1": loses_the_order(99)})
    assert wire.dispatch("web1")["web1"]["message"] == "it lost the order 3 times"
    assert len(wire.orders()) == 3


def test_a_master_that_is_away_for_a_while_is_waited_for() -> None:
    def ends(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any]:
        if function == FIND_JOB and wire.now > 3:
            return (0.1, {})
        return slow(3.0)(wire, name, function, number) or (0, {})

    wire = Wire({"web1": slow(20.0), "web2": ends}, away=(1.0, 15.0))
    found = wire.dispatch("web1", "web2")
    assert found["web1"]["ok"]
    assert found["web2"]["error"] == "", "its return was lost, and the order sent again"


def test_one_that_finds_back_late_is_not_given_up_too_early() -> None:
    def reconnects(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any] | None:
        if 0 < wire.now < 30:
            return None
        return slow(40.0)(wire, name, function, number)

    found = Wire({"web1": reconnects}, away=(1.0, 5.0)).dispatch("web1")
    assert found["web1"]["ok"]


def test_a_master_that_stays_away_gives_everybody_an_outcome() -> None:
    found = Wire({"web1": slow(20.0), "web2": good}, away=(1.0, 10_000.0)).dispatch("web1", "web2")
    assert found["web2"]["ok"]
    assert (found["web1"]["error"], found["web1"]["message"]) == (
        "unreachable",
        "the master went away",
    )
    assert found["web1"]["at"] < 60


def test_a_master_that_is_away_from_the_start_is_nobody_s_fault() -> None:
    found = Wire({"web1": good}, away=(0.0, 10_000.0)).dispatch("web1")
    assert found["web1"]["message"] == "the master does not answer"
    assert found["web1"]["at"] == 0


def test_an_answer_that_is_empty_is_not_an_outcome() -> None:
    def empty(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any]:
        del wire, name, function, number
        return (0.1, {})

    assert Wire({"web1": empty}).dispatch("web1")["web1"]["error"] == "crashed"


@dataclass
class Forged(Wire):
    """Somebody answers every order in the name of each of `victims`, and first: by an event, and in
    the master's job cache. For those that are down, it says that they are not at it, too.
    """

    victims: tuple[str, ...] = ()
    answer: Any = None

    def publish(
        self, function: str, arguments: Sequence[Any], minions: Sequence[str], jid: str = ""
    ) -> Job:
        job = super().publish(function, arguments, minions, jid)
        for name in set(minions) & set(self.victims):
            if function != FIND_JOB or self.minions[name] is dead:
                answer = Return(job.jid, name, {} if function == FIND_JOB else self.answer)
                self.cache[job.jid, name] = answer
                self.coming.append((self.now + 0.05, answer))
        return job


LIE = {"ok": True, "action": "fetch", "error": "", "live": "a lie"}


def test_what_a_minion_has_signed_counts_whatever_came_before_in_its_name() -> None:
    wire = Forged({"web1": good, "web2": slow(30.0)}, victims=("web1", "web2"), answer=LIE)
    wire.sign_always = ("web1", "web2")
    found = wire.dispatch("web1", "web2")
    assert [one.get("live") for one in found.values()] == [None, None]
    assert [one["ok"] for one in found.values()] == [True, True]
    assert found["web1"]["at"] < 1


def test_nobody_is_believed_for_one_that_is_down() -> None:
    wire = Forged({"web1": dead}, victims=("web1",), answer=LIE, sign_always=("web1",))
    found = wire.dispatch("web1")
    assert (found["web1"]["ok"], found["web1"]["error"]) == (False, "not-signed")
    assert "its key has not signed" in found["web1"]["message"]
    assert len(wire.orders()) == 3, "the master may have kept the lie, and not its own answer"


def test_a_failure_that_is_not_signed_is_not_believed_at_once_either() -> None:
    lie = {"ok": False, "action": "fetch", "error": "no-space"}
    wire = Forged({"web1": slow(5.0)}, victims=("web1",), answer=lie, sign_always=("web1",))
    assert wire.dispatch("web1")["web1"]["ok"]


def test_an_older_module_does_not_sign_and_is_believed_when_it_is_done() -> None:
    def until_done(wire: Wire, name: str, function: str, number: int) -> tuple[float, Any]:
        done = function == FIND_JOB and wire.now > 20.0
        return (0.1, {}) if done else slow(20.0)(wire, name, function, number) or (0.0, {})

    wire = Wire({"web1": good, "web2": until_done}, older=("web1", "web2"))
    found = wire.dispatch("web1", "web2")
    assert [one["ok"] for one in found.values()] == [True, True]
    assert (found["web1"]["at"] < 3, found["web2"]["at"] > 20) == (True, True)


def test_a_minion_that_signed_before_is_not_believed_without() -> None:
    wire = Wire({"web1": good}, older=("web1",), sign_always=("web1",))
    assert wire.dispatch("web1")["web1"]["error"] == "not-signed"


def test_one_question_is_answered_once() -> None:
    """So that nobody is sent an order again because another says `no` for them twice."""

    def says_no_for_web1(wire: Wire, name: str, function: str, number: int) -> Any:
        if function != FIND_JOB:
            return slow(3.0)(wire, name, function, number)
        wire.coming += [(wire.now + 0.01, Return(str(len(wire.sent)), name, {}))] * 5
        return None

    wire = Wire({"web1": says_no_for_web1})
    assert wire.dispatch("web1")["web1"]["ok"]
    assert len(wire.orders()) == 1
