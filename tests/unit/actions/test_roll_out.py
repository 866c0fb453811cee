"""The steps from a tag to a fleet that has it live: what each leaves, and what is done when."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.actions.abort import RollbackIncomplete
from sartoris.actions.roll_out import GateClosed, LockLost
from sartoris.config.values import CountOrPercent
from sartoris.display.reporting import report_lines
from sartoris.hooks import HookContext, Phase
from sartoris.queries.report import report
from sartoris.rollout.state import Progress
from sartoris.rollout.transitions import Situation, situation
from tests.unit.actions.life import Life
from tests.unit.actions.test_sync import break_on_the_new
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
    assert "Nothing has switched: no target was told to" in stopped.error.message
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


def test_who_cannot_be_asked_is_not_said_to_be_unchanged(next_one: World) -> None:
    old = next_one.live()["web1"]
    next_one.targets["web2"].away = True
    stopped = enter(next_one, "sync")
    assert isinstance(stopped.error, GateClosed)
    assert "Live is still" not in stopped.error.message
    assert f"Live is {old} on web1, web3" in stopped.error.message
    assert "What is live is not known of web2 (unreachable)" in stopped.error.message


@pytest.fixture
def one_by_one(tmp_path: Path) -> World:
    """One release is live, the next is started, and goes to one target after the other."""
    world = World(tmp_path, settings={"batch": CountOrPercent(1), "max_failed": CountOrPercent(1)})
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    return world


def test_a_gate_takes_those_back_who_have_the_release_although_nobody_told_them(
    one_by_one: World,
) -> None:
    """The state says nothing of web3, web3 does."""
    world = one_by_one
    old = world.live()["web1"]

    def bring(phase: Phase, context: HookContext) -> None:
        if phase is Phase.POST_TAG:
            world.targets["web3"].live = context.rollout_tag

    world.on_hook = bring
    for name in ("web1", "web2"):
        world.targets[name].wrong = {"service"}
    closed = enter(world, "sync")
    assert isinstance(closed.error, GateClosed)
    assert world.live()["web3"] == old


def test_a_roll_back_names_those_who_do_not_say_what_they_have(one_by_one: World) -> None:
    one_by_one.targets["web3"].away = True
    break_on_the_new(one_by_one.targets["web2"], one_by_one.live()["web1"])
    closed = enter(one_by_one, "sync")
    assert isinstance(closed.error, GateClosed)
    assert "Every target that had switched was rolled back" in closed.error.message
    assert "What is live is not known of web3 (unreachable)" in closed.error.message


@pytest.fixture
def rolled_back(tmp_path: Path) -> World:
    """web1 had switched when web2 failed to, so both are back."""
    world = World(tmp_path, settings={"batch": CountOrPercent(1)})
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    break_on_the_new(world.targets["web2"], world.live()["web1"])
    assert isinstance(enter(world, "sync").error, GateClosed)
    assert situation(world.state) is Situation.ROLLED_BACK
    return world


def test_an_abort_after_a_roll_back_asks_every_target_again(rolled_back: World) -> None:
    world = rolled_back
    old, state = world.live()["web1"], world.state
    assert state is not None
    world.targets["web3"].live = state.release
    assert enter(world, "abort").succeeded
    assert world.live()["web3"] == old


def test_who_does_not_answer_an_abort_after_a_roll_back_is_not_said_to_be_back(
    rolled_back: World,
) -> None:
    rolled_back.targets["web1"].away = True
    told = enter(rolled_back, "abort")
    assert isinstance(told.error, RollbackIncomplete)
    assert "unreachable" in told.error.message
    assert "web1" in told.error.message


def test_a_resync_after_a_roll_back_that_stops_does_not_say_that_nothing_had_switched(
    rolled_back: World,
) -> None:
    rolled_back.targets["web3"].away = True
    stopped = enter(rolled_back, "resync")
    assert isinstance(stopped.error, GateClosed)
    assert "Nothing has switched, anywhere" not in stopped.error.message


def test_an_abort_after_a_roll_back_tells_nobody_to_go_back_who_is_back(
    rolled_back: World,
) -> None:
    rolled_back.sent.clear()
    assert enter(rolled_back, "abort").succeeded
    assert rolled_back.orders() == [("status", "", ("web1", "web2", "web3"))]


def test_after_a_roll_back_a_report_says_that_the_release_is_nowhere_and_what_tells_why(
    rolled_back: World,
) -> None:
    assert rolled_back.state is not None
    release = rolled_back.state.release
    with rolled_back.command("report") as command:
        told = [line.text for line in report_lines(report(command), 0.0)]
    here = told.index("3 of 3 targets current.")
    assert told[here + 1 : here + 4] == [
        f"{release} is live on none of them; git deploy history {release} tells why.",
        "Next: git deploy resync   # tries it again, once the cause is fixed",
        "Next: git deploy abort   # gives it up",
    ]
