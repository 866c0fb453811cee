"""What a minion returned, as an outcome. Salt calls a return a failure for two reasons."""

from __future__ import annotations

from typing import Any

import pytest

from sartoris.salt.runner.answers import Return, outcome_of

GOOD = {"ok": True, "action": "status", "error": ""}
BAD = {"ok": False, "action": "status", "error": "no-space", "message": "full", "output": "0 MiB"}


def outcome(value: Any, *, ran: bool, of_slot: bool = True) -> dict[str, Any]:
    return outcome_of(Return("1", "web1", value, ran), "status", of_slot=of_slot)


@pytest.mark.parametrize("ran", [True, False])
def test_an_outcome_that_is_not_ok_counts_whatever_salt_calls_it(ran: bool) -> None:
    assert outcome(BAD, ran=ran) == {**BAD, "target": "web1"}


@pytest.mark.parametrize("ran", [True, False])
def test_of_the_outcomes_of_all_slots_each_counts(ran: bool) -> None:
    slots = {"/srv/a": GOOD, "/srv/b": BAD}
    found = outcome(slots, ran=ran, of_slot=False)
    assert (found["ok"], found["slots"]) == (False, slots)


@pytest.mark.parametrize(
    "value",
    ["'git_deploy.status' is not available.", {"git_deploy.status": "is not available."}, {}, None],
    ids=str,
)
@pytest.mark.parametrize("of_slot", [True, False])
def test_what_could_not_be_run_is_a_missing_agent(value: Any, of_slot: bool) -> None:
    assert outcome(value, ran=False, of_slot=of_slot)["error"] == "agent-missing"


def test_a_minion_without_slots_is_well() -> None:
    found = outcome({}, ran=True, of_slot=False)
    assert (found["ok"], found["slots"]) == (True, {})


def test_anything_else_that_ran_is_a_bug() -> None:
    assert outcome("text", ran=True)["error"] == "crashed"


def test_a_return_is_read_whatever_release_of_the_runner_has_sent_it() -> None:
    sent: dict[str, Any] = {"jid": "1", "minion": "web1", "value": {"ok": True}, "ran": True}
    of_an_older = Return.from_json({**sent, "stands_by": False, "of_a_later_one": 1})
    assert of_an_older == Return(**sent, cached=True), "it has looked into the job cache only"
    proven = {**sent, "vouched": True, "cached": False}
    assert Return.from_json(proven) == Return(**proven)
    assert Return(**proven, waits=True).to_json() == proven


def test_the_signature_is_not_part_of_the_outcome() -> None:
    signed = {**GOOD, "signature": "abc"}
    assert outcome(signed, ran=True) == {**GOOD, "target": "web1"}
    assert outcome({"/srv/a": signed}, ran=True, of_slot=False)["slots"] == {"/srv/a": GOOD}
