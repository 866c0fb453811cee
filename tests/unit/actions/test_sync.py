"""`git deploy sync` on targets in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.actions.roll_out import GateClosed, SyncResult
from sartoris.config.values import CountOrPercent
from sartoris.errors import Refused
from sartoris.rollout.state import Progress
from tests.unit.actions.memory import Target
from tests.unit.actions.typing_commands import Typed, enter
from tests.unit.actions.world import World


@pytest.fixture
def started(world: World) -> World:
    enter(world, "start")
    world.did.clear()
    return world


def result_of(typed: Typed) -> SyncResult:
    assert isinstance(typed.result, SyncResult)
    return typed.result


def test_its_steps_are_check_tag_publish_fetch_switch_and_the_end(started: World) -> None:
    release = result_of(enter(started, "sync")).state.release
    everyone = ("web1", "web2", "web3")
    assert started.orders() == [("fetch", release, everyone), ("switch", release, everyone)]
    assert [step.split()[0:2] for step in started.did] == [
        ["hook", "pre-sync"],
        ["compose", started.repository.head()],
        ["make-tag", release],
        ["hook", "post-tag"],
        ["push-tags", started.did[4].split()[1]],
        ["publish", release],
        ["hook", "post-sync"],
        ["hook", "post-finish"],
    ]
    assert started.status().kind == "none"


def test_what_is_live_is_what_the_desired_state_names(started: World) -> None:
    release = result_of(enter(started, "sync")).state.release
    assert set(started.live().values()) == {release}
    assert started.desired is not None
    assert (started.desired.release, started.desired.source) == (
        release,
        started.repository.head(),
    )


@pytest.mark.parametrize("what", ["pre-sync", "compose", "make-tag", "post-tag", "push-tags"])
def test_what_fails_before_the_tag_is_pushed_leaves_the_start(started: World, what: str) -> None:
    tags, state = dict(started.repository.names), started.state
    started.broken = {what}
    refused = enter(started, "sync")
    assert isinstance(refused.error, Refused)
    assert started.repository.names == tags
    assert started.orders() == []
    assert started.state is not None
    assert state is not None
    assert started.state.progress is Progress.STARTED
    started.heal()
    assert enter(started, "sync").succeeded


def test_too_many_that_cannot_fetch_close_the_gate_and_nobody_switches(started: World) -> None:
    started.targets["web2"].wrong = {"fetch"}
    closed = enter(started, "sync")
    assert isinstance(closed.error, GateClosed)
    assert "Nothing has switched, anywhere. Live is still: nothing" in closed.error.message
    assert started.orders("switch") == []
    assert started.desired is None
    assert started.status().next_steps == ("git deploy resync", "git deploy abort")


def test_as_many_as_may_fail_are_left_behind(lenient: World) -> None:
    enter(lenient, "start")
    lenient.targets["web2"].away = True
    typed = result_of(enter(lenient, "sync"))
    assert typed.left_behind == ("web2",)
    assert lenient.orders("switch")[0][2] == ("web1", "web3")


@pytest.fixture
def careful(tmp_path: Path) -> World:
    """One release is live on four targets; the next goes to one after the other."""
    settings = {"batch": CountOrPercent(1), "canary": ("web3",), "max_failed": CountOrPercent(0)}
    world = World(tmp_path, ("web1", "web2", "web3", "web4"), settings)
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    world.sent.clear()
    return world


def test_canaries_switch_first_then_batch_by_batch(careful: World) -> None:
    enter(careful, "sync")
    waves = [targets for _, _, targets in careful.orders("switch")]
    assert waves == [("web3",), ("web1",), ("web2",), ("web4",)]


def test_a_wave_that_fails_is_the_last_and_those_before_it_go_back(careful: World) -> None:
    old = careful.live()["web1"]
    careful.targets["web1"].held.clear()
    break_on_the_new(careful.targets["web1"], old)
    closed = enter(careful, "sync")
    assert isinstance(closed.error, GateClosed)
    assert f"Every target that had switched was rolled back. Live is: {old}" in closed.error.message
    waves = [(release == old, targets) for _, release, targets in careful.orders("switch")]
    assert waves == [(False, ("web3",)), (False, ("web1",)), (True, ("web1", "web3"))]
    assert set(careful.live().values()) == {old}


def break_on_the_new(target: Target, old: str) -> None:
    """It loses what it fetched before its switch, and still has the old release."""

    class Forgetful(list[str]):
        def append(self, _: str) -> None:
            """As if it were there."""

    target.held = Forgetful([old])


def test_one_whose_way_back_fails_too_is_named(careful: World) -> None:
    careful.targets["web1"].wrong = {"switch"}
    closed = enter(careful, "sync")
    assert isinstance(closed.error, GateClosed)
    assert "roll back failed on 1 of 4 targets" in closed.error.message
    assert careful.status().explanation.startswith("switching was interrupted")


def test_a_target_that_answers_too_late_goes_back_with_the_others(started: World) -> None:
    started.targets["web2"].late = True
    started.targets["web2"].held = ["other"]
    assert isinstance(enter(started, "sync").error, GateClosed)
    started.heal()
    assert enter(started, "abort").succeeded
    assert set(started.live().values()) == {""}


def test_a_post_sync_hook_that_fails_leaves_a_rollout_to_finish(started: World) -> None:
    started.broken = {"post-sync"}
    failed = enter(started, "sync")
    assert failed.error is not None
    steps = [step.split()[2] for step in failed.error.next_steps]
    assert steps == ["resync", "finish", "abort"]
    assert len(set(started.live().values())) == 1
    started.heal()
    assert enter(started, "finish").succeeded


def test_nothing_new_is_not_synced_again(world: World) -> None:
    enter(world, "start")
    enter(world, "sync")
    enter(world, "start")
    tags = dict(world.repository.names)
    assert enter(world, "sync").error is not None
    assert world.repository.names == tags
    assert world.status().kind == "none", "there is no lock that somebody would have to end"
    enter(world, "start")
    assert enter(world, "sync", force=True).succeeded


def test_targets_that_come_back_wait_until_it_is_live(started: World) -> None:
    started.targets["web1"].wrong = {"switch"}
    enter(started, "sync")
    record = started.wanted["slot0"]
    assert (record.current, record.pending) == (None, None)
    started.heal()
    release = result_of(enter(started, "resync")).state.release
    record = started.wanted["slot0"]
    assert record.current is not None
    assert (record.current.release, record.pending) == (release, None)
