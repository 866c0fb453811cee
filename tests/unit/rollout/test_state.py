"""Where a rollout stands, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.fleet.desired import Desired
from sartoris.rollout.state import Progress, RolloutState, StateDamaged, StateFile
from sartoris.rollout.transitions import explain

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
progresses = st.sampled_from(Progress)


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "rollout.json")


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
    assert StateFile(file.path).read() == state
    file.remove()
    assert file.read() is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"progress": "flying"}', '{"progress": "tagged"}']
)
def test_a_damaged_state_is_refused_by_name_with_the_way_out(file: StateFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(StateDamaged, match=r"rollout\.json, cannot be read") as caught:
        file.read()
    assert caught.value.next_steps[-1].startswith("git deploy abort")


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
