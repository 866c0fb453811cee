"""`git deploy revert` on targets in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.actions.roll_out import SyncResult
from sartoris.config.values import CountOrPercent
from sartoris.rollout.transitions import Situation, situation
from tests.unit.actions.again import each_death
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

ONE_BY_ONE = {"batch": CountOrPercent(1)}


@pytest.fixture
def twice(world: World) -> World:
    """Two releases were live; the second is."""
    roll_out(world)
    world.repository.commit()
    roll_out(world)
    world.did.clear()
    world.sent.clear()
    return world


def roll_out(world: World) -> str:
    """Start and sync; the release."""
    assert enter(world, "start").succeeded
    typed = enter(world, "sync")
    assert isinstance(typed.result, SyncResult)
    return typed.result.state.release


def first(world: World) -> str:
    return next(iter(world.published))


def test_targets_that_hold_the_release_are_only_switched(twice: World) -> None:
    old = first(twice)
    assert enter(twice, "revert", release=old).succeeded
    assert twice.orders() == [("switch", old, ("web1", "web2", "web3"))]
    assert set(twice.live().values()) == {old}
    assert twice.desired is not None
    assert twice.desired.release == old


def test_a_target_that_does_not_hold_it_fetches_first(twice: World) -> None:
    old = first(twice)
    twice.targets["web2"].held.remove(old)
    enter(twice, "converge")  # asks what each holds
    twice.sent.clear()
    assert enter(twice, "revert", release=old).succeeded
    assert twice.orders() == [
        ("fetch", old, ("web2",)),
        ("switch", old, ("web1", "web2", "web3")),
    ]


def test_the_fleet_goes_back_before_the_working_repository(twice: World) -> None:
    old = first(twice)
    enter(twice, "revert", release=old)
    steps = [one.split()[0] for one in twice.did if not one.startswith("hook")]
    assert steps == ["make-tag", "make-tag", "publish", "go-to", "push-tags"]
    assert twice.repository.head() == twice.published[old]


def test_it_ends_ones_own_open_rollout(twice: World) -> None:
    twice.repository.commit()
    enter(twice, "start")
    assert enter(twice, "revert", release=first(twice)).succeeded
    assert twice.status().kind == "none"


def test_the_open_rollout_of_another_person_stays(twice: World) -> None:
    enter(twice, "start")
    before = twice.state
    twice.repository.who = "Another One <another@example.org>"
    assert enter(twice, "revert", release=first(twice)).error is not None
    assert twice.state == before
    assert twice.orders() == []


def test_a_pre_start_hook_that_fails_leaves_nothing(twice: World) -> None:
    twice.broken = {"pre-start"}
    tags, live = dict(twice.repository.names), twice.live()
    assert enter(twice, "revert", release=first(twice)).error is not None
    assert twice.status().kind == "none"
    assert (twice.repository.names, twice.live()) == (tags, live)


@pytest.fixture
def half_switched(tmp_path: Path) -> World:
    world = World(tmp_path, settings=ONE_BY_ONE)
    switch_half(world)
    return world


def switch_half(world: World) -> None:
    """A sync is killed when one target of three has switched to the second release."""
    old = roll_out(world)
    world.repository.commit()
    enter(world, "start")
    life = Life(enough=lambda: world.targets["web1"].live != old)
    assert enter(world, "sync", life=life).killed
    world.sent.clear()


def test_one_that_fails_after_a_killed_sync_takes_everyone_back(half_switched: World) -> None:
    """The second wave of the revert fails; the third had neither switched in it nor in the sync."""
    world = half_switched
    assert world.desired is not None
    new = world.desired.release
    world.targets["web2"].live, world.targets["web2"].held = new, [new]
    failed = enter(world, "revert", release=first(world))
    assert failed.error is not None
    assert f"Live is: {new}" in failed.error.message
    assert set(world.live().values()) == {new}


def test_one_whose_gate_closes_after_a_killed_sync_can_be_aborted(half_switched: World) -> None:
    """Then all have what they should: what the killed sync had decided on."""
    world = half_switched
    assert world.desired is not None
    old, new = first(world), world.desired.release
    world.targets["web3"].held.remove(old)
    enter(world, "resync", life=Life(20))  # asks what each holds
    world.targets["web3"].wrong = {"fetch"}
    failed = enter(world, "revert", release=old)
    assert failed.error is not None
    assert "Nothing has switched, anywhere" not in failed.error.message
    world.heal()
    assert enter(world, "abort").succeeded
    assert set(world.live().values()) == {new}


def test_a_revert_that_is_complete_is_not_half_of_anything(half_switched: World) -> None:
    old = first(half_switched)
    assert enter(half_switched, "revert", release=old).succeeded
    assert set(half_switched.live().values()) == {old}


def test_one_that_stops_early_leaves_half_a_fleet_its_way_back(half_switched: World) -> None:
    world = half_switched
    assert len(set(world.live().values())) == 2
    world.broken = {"pre-start"}
    assert enter(world, "revert", release=first(world)).error is not None
    assert world.status().kind != "none"
    world.heal()
    for force in (False, True):
        refused = enter(world, "start", force=force).error
        assert refused is not None
        assert any("abort" in step for step in refused.next_steps)
    assert enter(world, "abort").succeeded
    assert len(set(world.live().values())) == 1
    assert world.status().kind == "none"


def test_killed_anywhere_while_it_takes_over_there_is_a_rollout_with_a_way_back() -> None:
    """A half-switched fleet is never left to nobody."""
    for steps, (world, life) in enumerate(each_death(switch_half, settings=ONE_BY_ONE)):
        if not enter(world, "revert", release=first(world), life=life).killed:
            break
        is_open = world.status().kind != "none"
        assert is_open or len(set(world.live().values())) == 1, steps
        if is_open and situation(world.state) is not Situation.ENDED:
            assert enter(world, "abort").succeeded, steps
        else:
            enter(world, "converge")
        assert len(set(world.live().values())) == 1, steps
        assert world.status().kind == "none", steps
    assert steps > 20
