"""The steps from a tag to a fleet that has it live: what each leaves, and what is done when."""

from __future__ import annotations

import pytest

from sartoris.actions.roll_out import GateClosed, LockLost
from sartoris.hooks import HookContext, Phase
from sartoris.rollout.state import Progress
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def next_one(world: World) -> World:
    """One release is live, the next is started."""
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    return world


def kinds(world: World) -> list[str]:
    return [event.kind() for event in world.events]


def test_the_desired_state_changes_between_the_last_fetch_and_the_first_switch(
    next_one: World,
) -> None:
    next_one.events.clear()
    enter(next_one, "sync")
    story = [kind for kind in kinds(next_one) if kind in ("desired-state-changed", "stage-started")]
    assert story == ["stage-started", "desired-state-changed", "stage-started"]


def test_the_state_says_switching_before_any_target_is_asked_to(next_one: World) -> None:
    life = Life(enough=lambda: bool(next_one.state) and _progress(next_one) is Progress.SWITCHING)
    switched = len(next_one.orders("switch"))
    assert enter(next_one, "sync", life=life).killed
    assert len(next_one.orders("switch")) == switched


def _progress(world: World) -> Progress:
    assert world.state is not None
    return world.state.progress


def test_a_lock_that_was_taken_away_stops_it_before_the_switch(next_one: World) -> None:
    live = next_one.live()

    def lose(phase: Phase, _: HookContext) -> None:
        if phase is Phase.POST_TAG:
            next_one.records.lock.path.unlink(missing_ok=True)

    next_one.on_hook = lose
    stopped = enter(next_one, "sync")
    assert isinstance(stopped.error, LockLost)
    assert "Nothing has switched, anywhere" in stopped.error.message
    assert next_one.live() == live


def test_a_resync_that_fails_takes_those_back_that_an_earlier_one_switched(next_one: World) -> None:
    """web1 switched in a sync that was killed; the resync that fails goes to the others only."""
    old = next_one.live()["web1"]
    life = Life(enough=lambda: next_one.live()["web1"] != old)
    assert enter(next_one, "sync", life=life).killed
    for name in ("web2", "web3"):
        next_one.targets[name].wrong = {"service"}
    closed = enter(next_one, "resync")
    assert isinstance(closed.error, GateClosed)
    assert next_one.live()["web1"] == old


def test_a_roll_back_tells_targets_that_come_back(next_one: World) -> None:
    old = next_one.live()["web1"]
    next_one.targets["web2"].wrong = {"service"}
    enter(next_one, "sync")
    wanted = next_one.wanted["slot0"]
    assert wanted.current is not None
    assert (wanted.current.release, wanted.pending) == (old, None)
