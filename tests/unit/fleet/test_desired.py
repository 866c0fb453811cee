"""What each slot should have, in one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sartoris.errors import Refused
from sartoris.fleet.desired import DesiredState
from tests.unit.fleet.test_slot_fleet import OLD


@pytest.fixture
def state(tmp_path: Path) -> DesiredState:
    return DesiredState(tmp_path / "deploy" / "desired.json")


def test_nothing_is_desired_before_the_first_rollout(state: DesiredState) -> None:
    assert state.of("slot0") is None
    assert state.slots() == {}


def test_what_is_set_is_there_for_the_next_process(state: DesiredState) -> None:
    state.set(OLD)
    assert DesiredState(state.path).of("slot0") == OLD


def test_slots_do_not_touch_each_other(state: DesiredState) -> None:
    other = replace(OLD, slot="slot1", release="slot1-1", deploy_text="line\n\udcff")
    state.set(OLD)
    state.set(other)
    state.set(replace(OLD, release="slot0-2"))
    assert state.of("slot1") == other
    state.unset("slot0")
    assert state.slots() == {"slot1": other}


def test_to_unset_what_is_not_set_changes_nothing(state: DesiredState) -> None:
    state.set(OLD)
    state.unset("slot9")
    assert state.of("slot0") == OLD


@pytest.mark.parametrize("text", ["", "{", "[]", '{"slot0": {"no": "such field"}}', "null"])
def test_a_damaged_file_is_refused_by_name(state: DesiredState, text: str) -> None:
    state.path.parent.mkdir()
    state.path.write_text(text)
    with pytest.raises(Refused, match=r"desired\.json, cannot be read"):
        state.slots()
