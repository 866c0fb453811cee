"""`git deploy converge` on targets in memory."""

from __future__ import annotations

import pytest

from sartoris.actions.converge import StillBehind
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def behind(lenient: World) -> World:
    """web2 was away when the release came."""
    enter(lenient, "start")
    lenient.targets["web2"].away = True
    enter(lenient, "sync")
    lenient.sent.clear()
    return lenient


def release_of(world: World) -> str:
    assert world.desired is not None
    return world.desired.release


def test_it_asks_all_and_brings_those_that_are_behind(behind: World) -> None:
    behind.heal()
    release = release_of(behind)
    assert enter(behind, "converge").succeeded
    assert behind.orders() == [
        ("status", "", ("web1", "web2", "web3")),
        ("fetch", release, ("web2",)),
        ("switch", release, ("web2",)),
    ]


def test_when_all_are_current_it_only_asks(behind: World) -> None:
    behind.heal()
    enter(behind, "converge")
    behind.sent.clear()
    assert enter(behind, "converge").succeeded
    assert [action for action, _, _ in behind.orders()] == ["status"]


def test_one_that_is_still_away_is_named(behind: World) -> None:
    failed = enter(behind, "converge")
    assert isinstance(failed.error, StillBehind)
    assert "web2" in failed.error.message


def test_it_does_not_run_ahead_of_a_rollout_whose_gate_is_closed(behind: World) -> None:
    old = release_of(behind)
    behind.repository.commit()
    enter(behind, "start")
    for target in behind.targets.values():
        target.wrong = {"fetch"}
    enter(behind, "sync")
    behind.heal()
    assert enter(behind, "converge").succeeded
    assert set(behind.live().values()) == {old}


def test_what_a_first_rollout_left_is_withdrawn(world: World) -> None:
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    world.heal()
    world.targets["web2"].away = True
    enter(world, "abort")
    world.heal()
    assert world.live()["web2"]
    assert enter(world, "converge").succeeded
    assert world.live()["web2"] == ""


def test_where_nothing_was_deployed_it_is_refused(world: World) -> None:
    refused = enter(world, "converge")
    assert refused.error is not None
    assert refused.error.next_steps == ("git deploy start",)
    assert world.orders() == []
