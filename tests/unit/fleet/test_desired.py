"""What each slot should have, in one file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sartoris.documents import NewerVersion
from sartoris.fleet.desired import DesiredState, Found
from tests.documents import add_field
from tests.unit.fleet.test_slot_fleet import OLD


@pytest.fixture
def state(tmp_path: Path) -> DesiredState:
    return at(tmp_path / "deploy" / "desired.json")


def at(path: Path) -> DesiredState:
    return DesiredState(path, recover=lambda _: Found({}))


def test_nothing_is_desired_before_the_first_rollout(state: DesiredState) -> None:
    assert state.of("slot0") is None
    assert state.slots() == {}


def test_what_is_set_is_there_for_the_next_process(state: DesiredState) -> None:
    state.set(OLD)
    assert at(state.path).of("slot0") == OLD


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


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"slot0": {"no": "such field"}}', "null", '{"version": 1}']
)
def test_a_damaged_or_lost_file_is_asked_for_elsewhere(tmp_path: Path, text: str) -> None:
    reasons: list[str] = []

    def recover(why: str) -> Found:
        reasons.append(why)
        return Found({"slot0": OLD}, "rebuilt")

    state = DesiredState(tmp_path / "desired.json", recover=recover)
    state.path.write_text(text)
    assert state.of("slot0") == OLD
    assert reasons[0]
    state.set(replace(OLD, slot="slot1"))
    assert set(at(state.path).slots()) == {"slot0", "slot1"}
    state.path.unlink()
    assert state.of("slot0") == OLD
    assert reasons[-1] == ""


def test_a_file_from_before_there_were_versions_is_read(state: DesiredState) -> None:
    state.path.parent.mkdir()
    state.path.write_text(json.dumps({"slot0": OLD.to_json()}))
    assert state.of("slot0") == OLD
    state.set(replace(OLD, slot="slot1"))
    written = json.loads(state.path.read_text())
    assert (written["version"], sorted(written["slots"])) == (1, ["slot0", "slot1"])


def test_what_a_later_version_says_is_kept_of_slots_that_stay(state: DesiredState) -> None:
    state.set(OLD)
    add_field(state.path, "site_map", "b")
    add_field(state.path, "slots", {"slot0": {**OLD.to_json(), "weight": 7}})
    state.set(replace(OLD, slot="slot1"))
    written = json.loads(state.path.read_text())
    assert (written["site_map"], written["slots"]["slot0"]["weight"]) == ("b", 7)
    assert "weight" not in written["slots"]["slot1"]


def test_it_is_rebuilt_wherever_the_file_was_cut_off(tmp_path: Path) -> None:
    state = DesiredState(
        tmp_path / "desired.json", recover=lambda _: Found({"slot0": OLD}, "rebuilt")
    )
    state.set(OLD)
    text = state.path.read_text().rstrip()
    for length in range(len(text)):
        state.path.write_text(text[:length])
        assert state.of("slot0") == OLD


def test_a_newer_version_is_refused_and_stays(state: DesiredState) -> None:
    state.set(OLD)
    text = add_field(state.path, "version", 2)
    for use in (state.slots, lambda: state.set(OLD), lambda: state.unset("slot0")):
        with pytest.raises(NewerVersion, match="upgrade Sartoris"):
            use()
    assert state.path.read_text() == text
