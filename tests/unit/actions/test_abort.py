"""`git deploy abort` on targets in memory."""

from __future__ import annotations

import pytest

from sartoris.actions.abort import RollbackIncomplete, WorkTreeNotReset
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def live(world: World) -> World:
    """One release is live everywhere, and the next is, but not finished."""
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit_upstream()
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    world.heal()
    world.did.clear()
    world.sent.clear()
    return world


def first(world: World) -> str:
    return next(iter(world.published))


def test_before_the_sync_no_target_hears_of_it(world: World) -> None:
    commit = world.repository.head()
    world.repository.commit_upstream()
    enter(world, "start")
    assert enter(world, "abort").succeeded
    assert world.repository.head() == commit
    assert world.orders() == []
    assert world.status().kind == "none"


def test_the_fleet_goes_back_first_then_the_working_repository(live: World) -> None:
    assert enter(live, "abort").succeeded
    assert live.orders() == [("switch", first(live), ("web1", "web2", "web3"))]
    assert live.did[0] == f"go-to {live.published[first(live)]}"
    assert [step.split()[1] for step in live.did[1:]] == [
        *("post-tree-update", "post-reset", "post-abort")
    ]
    assert live.desired is not None
    assert live.desired.release == first(live)


def test_a_target_that_does_not_hold_the_old_release_fetches_it(live: World) -> None:
    live.targets["web2"].held.remove(first(live))
    assert enter(live, "abort").succeeded
    assert live.orders()[1:] == [
        ("fetch", first(live), ("web2",)),
        ("switch", first(live), ("web2",)),
    ]


def test_one_that_is_not_back_is_named_and_the_rest_is(live: World) -> None:
    live.targets["web2"].away = True
    failed = enter(live, "abort")
    assert isinstance(failed.error, RollbackIncomplete)
    assert "web2" in failed.error.message
    assert failed.error.next_steps[0] == "git deploy converge"
    assert live.status().kind == "none"
    live.heal()
    assert enter(live, "converge").succeeded
    assert set(live.live().values()) == {first(live)}


def test_a_first_rollout_leaves_nothing_live(world: World) -> None:
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    world.heal()
    assert enter(world, "abort").succeeded
    assert set(world.live().values()) == {""}
    assert world.desired is None


def test_one_that_was_killed_can_only_be_gone_on_with(live: World) -> None:
    life = Life(enough=lambda: live.live()["web1"] == first(live))
    assert enter(live, "abort", life=life).killed
    for name in ("finish", "resync", "sync"):
        refused = enter(live, name)
        assert refused.error is not None
        assert refused.error.next_steps[0] == "git deploy abort"
    assert enter(live, "abort").succeeded
    assert set(live.live().values()) == {first(live)}


def test_without_a_rollout_there_is_nothing_to_abort(world: World) -> None:
    refused = enter(world, "abort")
    assert refused.error is not None
    assert refused.error.next_steps == ("git deploy start",)


def test_a_fleet_that_went_back_without_the_repository_is_not_nothing_changed(live: World) -> None:
    live.broken = {"go-to"}
    refused = enter(live, "abort").error
    assert isinstance(refused, WorkTreeNotReset)
    assert f"Live on the servers again: {first(live)}" in refused.message
    assert set(live.live().values()) == {first(live)}
    live.heal()
    assert enter(live, "abort").succeeded
    assert live.status().kind == "none"
