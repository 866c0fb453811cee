"""The table of situations and commands is complete, and no advice leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from sartoris.errors import Refused
from sartoris.rollout.delivery import DELIVERIES
from sartoris.rollout.lock import NoRollout
from sartoris.rollout.state import Progress, RolloutState
from sartoris.rollout.transitions import TABLE, NotNow, Situation, require_allowed, situation

QUESTIONS = {"status", "report", "show"}
COMMANDS = sorted({name for row in TABLE.values() for name in {*row.leads_to, *row.with_force}})
STATE = RolloutState(
    session="1", action="start", prefix="slot0", slot="slot0", rollout_tag="slot0-1"
)


def every_state() -> list[RolloutState]:
    """All that a situation may depend on, in every combination."""
    may_be: dict[str, Iterable[Any]] = {
        "action": ("start", "hotfix", "revert"),
        "progress": Progress,
        "way": DELIVERIES,
        "aborting": (True, False),
        "returning": ("", "a" * 40),
        "is_after_half": (False, True),
        "is_rolled_back": (False, True),
        "ended": ("", "finished"),
    }
    return [
        replace(STATE, **dict(zip(may_be, values, strict=True)))
        for values in product(*may_be.values())
    ]


def states_in(here: Situation) -> list[RolloutState]:
    return [state for state in every_state() if situation(state) is here]


OPEN = [one for one in Situation if one is not Situation.NONE]


def command_of(step: str) -> str:
    return step.removeprefix("git deploy ").split()[0]


def test_every_situation_has_a_row() -> None:
    assert set(TABLE) == set(Situation)


def test_every_state_on_disk_has_a_situation_and_every_situation_a_state() -> None:
    assert {situation(state) for state in every_state()} == set(OPEN)
    assert situation(None) is Situation.NONE


@pytest.mark.parametrize("here", OPEN)
def test_what_is_advised_is_allowed_there(here: Situation) -> None:
    row = TABLE[here]
    advised = {command_of(step) for step in row.next_steps} - QUESTIONS
    assert advised
    assert advised <= set(row.leads_to)


@pytest.mark.parametrize("here", OPEN)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_allowed_or_refused_with_another_that_is_allowed(
    name: str, here: Situation
) -> None:
    for state in states_in(here):
        if name in TABLE[here].leads_to:
            require_allowed(name, state)
            continue
        with pytest.raises(Refused) as refused:
            require_allowed(name, state)
        steps = [command_of(step) for step in refused.value.next_steps]
        assert name not in steps
        if not isinstance(refused.value, NoRollout):
            assert set(steps) - QUESTIONS <= set(TABLE[here].leads_to)
            assert refused.value.message


@pytest.mark.parametrize("name", sorted({*COMMANDS} - {*TABLE[Situation.NONE].leads_to}))
def test_without_a_rollout_a_command_that_needs_one_says_to_start(name: str) -> None:
    with pytest.raises(NoRollout) as refused:
        require_allowed(name, None)
    assert refused.value.next_steps == ("git deploy start",)


@pytest.mark.parametrize("here", OPEN)
def test_every_situation_leads_out(here: Situation) -> None:
    seen, todo = {here}, [here]
    while Situation.NONE not in seen:
        assert todo, f"from {here} the advice leads to {seen} only"
        row = TABLE[todo.pop()]
        for step in row.next_steps:
            there = row.leads_to.get(command_of(step), here)
            if there not in seen:
                seen.add(there)
                todo.append(there)


@pytest.mark.parametrize("here", OPEN)
def test_force_allows_what_the_row_names_and_no_more(here: Situation) -> None:
    state = states_in(here)[0]
    row = TABLE[here]
    for name in COMMANDS:
        if name in row.leads_to or name in row.with_force:
            require_allowed(name, state, force=True)
        else:
            with pytest.raises((NotNow, NoRollout)):
                require_allowed(name, state, force=True)
