"""`git deploy resync` on targets in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def stopped(world: World) -> World:
    """A sync whose gate was closed by web2."""
    enter(world, "start")
    world.targets["web2"].wrong = {"fetch"}
    enter(world, "sync")
    world.heal()
    world.did.clear()
    world.sent.clear()
    return world


def release_of(world: World) -> str:
    assert world.state is not None
    return world.state.release


def test_it_brings_the_same_release_to_those_without_it(stopped: World) -> None:
    release, everyone = release_of(stopped), ("web1", "web2", "web3")
    assert enter(stopped, "resync").succeeded
    assert stopped.orders() == [
        ("status", "", everyone),
        ("fetch", release, everyone),
        ("switch", release, everyone),
    ]
    assert not any(step.startswith("make-tag") for step in stopped.did)


def test_those_that_have_it_live_get_no_order(lenient: World) -> None:
    enter(lenient, "start")
    lenient.targets["web2"].away = True
    lenient.broken = {"post-sync"}
    enter(lenient, "sync")
    lenient.heal()
    lenient.sent.clear()
    release = release_of(lenient)
    assert enter(lenient, "resync").succeeded
    assert lenient.orders("fetch", "switch") == [
        ("fetch", release, ("web2",)),
        ("switch", release, ("web2",)),
    ]


def test_a_service_that_did_not_start_is_due_again(lenient: World) -> None:
    enter(lenient, "start")
    lenient.targets["web2"].wrong = {"service"}
    lenient.broken = {"post-sync"}
    enter(lenient, "sync")
    lenient.heal()
    assert "service" in lenient.targets["web2"].due
    assert enter(lenient, "resync").succeeded
    assert "service" not in lenient.targets["web2"].due


def test_a_tag_that_was_not_made_is_made_and_everyone_is_brought(world: World) -> None:
    enter(world, "start")
    life = Life(enough=lambda: world.state is not None and bool(world.state.rollout_tag))
    assert enter(world, "sync", life=life).killed
    tag = release_of(world)
    assert not world.repository.has_tag(tag)
    assert enter(world, "resync").succeeded
    assert world.repository.has_tag(tag)
    assert set(world.live().values()) == {tag}


def test_a_started_rollout_has_nothing_to_repeat(world: World) -> None:
    enter(world, "start")
    refused = enter(world, "resync")
    assert refused.error is not None
    assert refused.error.next_steps[0] == "git deploy sync"


def test_another_person_needs_force_and_holds_the_lock_then(stopped: World) -> None:
    stopped.repository.who = "Another One <another@example.org>"
    assert enter(stopped, "resync").error is not None
    assert stopped.orders() == []
    assert enter(stopped, "resync", force=True).succeeded


def lose_journal(world: World) -> None:
    for path in world.records.directory.glob("journal.sqlite*"):
        path.unlink()


def test_a_lost_journal_takes_no_tag_from_a_release_that_is_live(world: World) -> None:
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    tag = release_of(world)
    lose_journal(world)
    world.broken = {"push-tags"}
    assert enter(world, "resync").succeeded
    assert world.repository.has_tag(tag)
    assert set(world.live().values()) == {tag}


def test_a_tag_that_servers_may_have_stays_although_the_journal_is_lost(world: World) -> None:
    """Of a rollout by hand only its state knows that the tag was pushed."""
    enter(world, "start")
    enter(world, "manual-sync")
    state = world.state
    assert state is not None
    assert state.tag_is_made
    for older in (False, True):
        if older:  # which did not write that down
            world.records.state.write(replace(state, tag_is_made=False))
        lose_journal(world)
        world.broken = {"push-tags"}
        refused = enter(world, "resync")
        assert refused.error is not None
        assert "synchronised by hand" in refused.error.message
        assert world.repository.has_tag(state.rollout_tag)
