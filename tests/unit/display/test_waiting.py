"""Whoever waits for a stage is told for whom."""

from __future__ import annotations

from queue import SimpleQueue

from sartoris.display.log_lines import Reminder
from sartoris.display.waiting import Waiting
from tests.unit.fleet.recorded import outcome


def test_those_who_have_not_answered_are_named() -> None:
    waiting = Waiting("fetch", ["web1", "web2", "web3"])
    assert waiting.describe(70) == "0 of 3: waiting for web1, web2, web3"
    waiting.heard(outcome("web1"))
    waiting.heard(outcome("web2", "no-space", "full"))
    assert waiting.describe(70) == "2 of 3, 1 failed: waiting for web3"
    waiting.heard(outcome("web3"))
    assert waiting.describe(70) == "3 of 3, 1 failed"


def test_as_many_are_named_as_fit_and_one_always() -> None:
    waiting = Waiting("fetch", [f"web{number}" for number in range(120)])
    told = waiting.describe(60)
    assert told == "0 of 120: waiting for web0, web1, web2, web3 and 116 more"
    assert waiting.describe(5) == "0 of 120: waiting for web0 and 119 more"


def test_a_reminder_comes_again_and_again_until_it_is_stopped() -> None:
    said = SimpleQueue[str]()
    reminder = Reminder(lambda: said.put("still"), first=0, again=0)
    assert [said.get(timeout=10) for _ in range(3)] == ["still"] * 3
    reminder.stop()


def test_a_stage_that_is_over_before_the_first_reminder_has_none() -> None:
    said = SimpleQueue[str]()
    Reminder(lambda: said.put("still"), first=3600).stop()
    assert said.empty()
