"""Where a rollout stands, on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.documents import NewerVersion, text_of
from sartoris.fleet.desired import Desired
from sartoris.rollout.state import Progress, RolloutState, StateFile
from sartoris.rollout.transitions import explain
from tests.documents import add_field

BEFORE = Desired(
    slot="slot0",
    prefix="slot0",
    path="/srv/wiki",
    release="slot0-1",
    commit="a" * 40,
    source="b" * 40,
    rollout="slot0-1",
    since=1.5,
)
STATE = RolloutState(session="one", action="start", prefix="slot0", slot="slot0")
STATE_TEXT = text_of(STATE.to_json())
progresses = st.sampled_from(Progress)


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "rollout.json", recover=lambda _: None)


def test_no_file_is_no_rollout(file: StateFile) -> None:
    assert file.read() is None
    file.remove()


def test_a_state_is_the_same_after_a_round_trip(file: StateFile) -> None:
    state = STATE.reach(
        Progress.SWITCHING,
        before=BEFORE,
        left_behind=("web1",),
        message="caf\udce9\n",
        aborting=True,
    )
    file.write(state)
    assert StateFile(file.path, recover=lambda _: None).read() == state
    file.remove()
    assert file.read() is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("[]", "it is no JSON object"),
        ("{}", "the field session is missing"),
        ('{"version": 0}', "its version is no number"),
        (STATE_TEXT.replace("starting", "flying"), "the field progress is not as expected"),
        (STATE_TEXT.replace('"fleet"', '"horse"'), "the field way is not as expected"),
        (STATE_TEXT.replace('"aborting": false', '"aborting": 0'), "int instead of bool"),
        (STATE_TEXT.replace('"left_behind": []', '"left_behind": "web1"'), "str instead of list"),
        (STATE_TEXT.replace('"before": null', '"before": {}'), "the field slot is missing"),
    ],
)
def test_a_damaged_state_is_asked_for_elsewhere_with_the_reason(
    tmp_path: Path, text: str, why: str
) -> None:
    reasons: list[str] = []

    def recover(reason: str) -> RolloutState:
        reasons.append(reason)
        return STATE

    file = StateFile(tmp_path / "rollout.json", recover=recover)
    file.path.write_text(text)
    assert file.read() is STATE
    assert why in reasons[0]
    file.path.unlink()
    assert file.read() is STATE
    assert reasons[1:] == [""]


def test_a_state_is_damaged_wherever_it_was_cut_off(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "rollout.json", recover=lambda why: replace(STATE, rebuilt=why))
    for length in range(len(STATE_TEXT.rstrip())):
        file.path.write_text(STATE_TEXT[:length])
        found = file.read()
        assert found
        assert found.rebuilt


def test_what_a_later_version_says_in_a_state_is_kept(file: StateFile) -> None:
    file.write(STATE.reach(Progress.TAGGED, before=BEFORE))
    add_field(file.path, "prepared_at", 12)
    add_field(file.path, "before", {**BEFORE.to_json(), "weight": 7})
    state = file.read()
    assert state
    file.write(state.reach(Progress.PUBLISHED))
    written = json.loads(file.path.read_text())
    assert (written["prepared_at"], written["before"]["weight"]) == (12, 7)
    assert (written["version"], written["progress"]) == (1, "published")


def test_a_state_of_a_newer_version_is_refused_and_never_moved_away(file: StateFile) -> None:
    file.write(STATE)
    add_field(file.path, "version", 2)
    with pytest.raises(NewerVersion) as caught:
        file.read()
    said = "was written by a newer Sartoris (version 2; this one reads up to 1); upgrade Sartoris"
    assert said in caught.value.message
    assert not any("mv " in step for step in caught.value.next_steps)


def test_a_state_is_written_down_elsewhere_before_it_is_written(tmp_path: Path) -> None:
    seen: list[tuple[object, bool]] = []
    path = tmp_path / "rollout.json"
    file = StateFile(
        path,
        recover=lambda _: None,
        written=lambda document: seen.append((document, path.exists())),
    )
    file.write(STATE)
    assert seen == [(STATE.to_json(), False)]


def test_a_damaged_state_is_kept_beside_the_next_one(file: StateFile) -> None:
    file.path.write_text("half")
    file.write(STATE)
    assert file.path.with_name("rollout.json.unreadable-1").read_text() == "half"
    assert file.read() == STATE


@given(st.lists(progresses, max_size=10))
def test_a_rollout_only_goes_forward(steps: list[Progress]) -> None:
    state = STATE
    for step in steps:
        after = state.reach(step)
        assert after.progress >= state.progress
        assert after.progress >= step
        state = after


@given(progresses, progresses)
def test_progress_is_in_the_order_in_which_it_is_listed(one: Progress, other: Progress) -> None:
    places = list(Progress)
    assert (one < other) is (places.index(one) < places.index(other))
    assert (one <= other) is (places.index(one) <= places.index(other))
    assert (one > other) is (other < one)
    assert (one >= other) is (other <= one)


@given(progresses)
def test_before_the_switch_nothing_may_be_live(progress: Progress) -> None:
    assert STATE.reach(progress).may_be_live is (progress in (Progress.SWITCHING, Progress.SYNCED))


def test_the_two_ways_back_say_what_was_undone() -> None:
    switched = STATE.reach(
        Progress.SWITCHING, rollout_tag="slot0-2", release="slot0-2", before=BEFORE
    )
    assert switched.rolled_back().progress is Progress.PUBLISHED
    assert not switched.rolled_back().may_be_live
    untagged = STATE.reach(Progress.TAGGED, rollout_tag="slot0-2", source="c" * 40).untagged()
    assert (untagged.progress, untagged.rollout_tag, untagged.source) == (Progress.STARTED, "", "")


@pytest.mark.parametrize("action", ["start", "revert"])
@pytest.mark.parametrize("aborting", [False, True])
@pytest.mark.parametrize("progress", Progress)
def test_every_state_is_explained_and_leads_on(
    progress: Progress, aborting: bool, action: str
) -> None:
    state = RolloutState(
        session="one",
        action=action,
        prefix="slot0",
        slot="slot0",
        progress=progress,
        aborting=aborting,
    )
    explained, steps = explain(state, None)
    assert explained
    assert "git deploy abort" in steps
    assert all(step.startswith("git deploy ") for step in steps)
    explained, steps = explain(state, 4321)
    assert "process 4321" in explained
    assert steps == ()


def test_an_abort_that_was_cut_short_leads_nowhere_but_on() -> None:
    state = STATE.reach(Progress.SYNCED, aborting=True)
    _, steps = explain(state, None)
    assert steps == ("git deploy abort", "git deploy report")
