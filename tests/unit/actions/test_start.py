"""`git deploy start` in memory."""

from __future__ import annotations

import pytest

from sartoris.actions.start import Started
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

OTHER = "Another One <another@example.org>"


def test_its_steps_are_hooks_the_start_tag_and_the_pull(world: World) -> None:
    newest = world.repository.commit_upstream()
    typed = enter(world, "start")
    assert world.did == [
        "hook pre-start",
        f"make-tag {start_tag(world)}",
        "hook post-tag",
        "hook pre-pull",
        "pull main",
        "hook post-pull",
        "hook post-tree-update",
        "hook post-start",
    ]
    assert isinstance(typed.result, Started)
    assert (typed.result.commit, typed.result.moved) == (newest, True)


def start_tag(world: World) -> str:
    assert world.state is not None
    return world.state.start_tag


def test_no_target_is_asked_anything(world: World) -> None:
    enter(world, "start")
    assert world.orders() == []


@pytest.mark.parametrize("what", ["pre-start", "post-tag", "pull", "post-pull", "post-start"])
def test_whatever_fails_nothing_has_changed(world: World, what: str) -> None:
    commit = world.repository.head()
    world.repository.commit_upstream()
    world.broken = {what}
    assert enter(world, "start").error is not None
    assert world.repository.head() == commit
    assert world.repository.names == {}
    assert world.status().kind == "none"


def test_another_person_does_not_start_beside_it(world: World) -> None:
    enter(world, "start")
    before = world.state
    world.repository.who = OTHER
    refused = enter(world, "start")
    assert refused.error is not None
    assert "a rollout is in progress: Some Deployer" in refused.error.message
    assert world.state == before


def test_with_force_another_person_takes_over_what_is_not_tagged(world: World) -> None:
    enter(world, "start")
    world.repository.who = OTHER
    assert enter(world, "start", force=True).succeeded
    assert world.status().holder is not None
    assert world.records.lock.holder() is not None


def test_what_is_tagged_is_not_taken_over_but_taken_to_its_end(world: World) -> None:
    enter(world, "start")
    world.broken = {"publish"}
    enter(world, "sync")
    world.heal()
    before = world.state
    world.repository.who = OTHER
    refused = enter(world, "start", force=True)
    assert refused.error is not None
    assert refused.error.next_steps == (
        "git deploy status   # whose it is",
        "git deploy --force resync",
        "git deploy --force abort",
    )
    assert world.state == before


def test_ones_own_start_that_was_killed_is_cleared_away(world: World) -> None:
    world.repository.commit_upstream()
    enter(world, "start", life=Life(20))
    assert world.status().kind == "started"
    assert enter(world, "start").succeeded
    assert len(world.repository.names) == 1


def test_a_start_of_what_is_known_makes_no_other_tag(world: World) -> None:
    enter(world, "start")
    first = start_tag(world)
    enter(world, "abort")
    world.repository.names[first] = world.repository.head()
    enter(world, "start")
    assert start_tag(world) == first


def test_it_warns_of_what_was_reverted(world: World) -> None:
    for _ in range(2):
        world.repository.commit()
        enter(world, "start")
        enter(world, "sync")
    bad = world.repository.head()
    enter(world, "revert", release=next(iter(world.published)))
    world.repository.checked_out = world.repository.upstream_tip = bad
    enter(world, "start")
    assert any("was found bad" in line for line in world.warnings())
