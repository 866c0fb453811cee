"""`git deploy push-hotfix` in memory."""

from __future__ import annotations

import pytest

from sartoris.actions.push_hotfix import Pushed
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def fixed(world: World) -> World:
    """A hotfix is committed, and the remote has gone on."""
    enter(world, "hotfix")
    world.repository.commit(push=False)
    world.repository.commit_upstream()
    world.did.clear()
    return world


def test_it_merges_pushes_and_returns_to_the_fix(fixed: World) -> None:
    fix = fixed.repository.head()
    typed = enter(fixed, "push-hotfix")
    assert isinstance(typed.result, Pushed)
    assert fixed.repository.upstream_tip == typed.result.merged
    assert fixed.repository.head() == typed.result.commit == fix
    assert fixed.did == [
        "merge main",
        "push-head origin main",
        f"step-back {fix}",
        "hook post-tree-update",
        "hook post-reset",
    ]


@pytest.mark.parametrize("what", ["merge", "push-head"])
def test_what_fails_leaves_the_fix_and_a_rollout_to_sync(fixed: World, what: str) -> None:
    fix, there = fixed.repository.head(), fixed.repository.upstream_tip
    fixed.broken = {what}
    assert enter(fixed, "push-hotfix").error is not None
    assert (fixed.repository.head(), fixed.repository.upstream_tip) == (fix, there)
    assert fixed.status().next_steps == ("git deploy sync", "git deploy abort")


def test_the_merge_of_one_that_was_killed_never_ships(fixed: World) -> None:
    fix = fixed.repository.head()
    life = Life(enough=lambda: fixed.repository.head() != fix)
    assert enter(fixed, "push-hotfix", life=life).killed
    assert enter(fixed, "sync").error is not None
    assert enter(fixed, "push-hotfix").succeeded
    assert fixed.repository.head() == fix


def test_without_a_rollout_there_is_nothing_to_push(world: World) -> None:
    refused = enter(world, "push-hotfix")
    assert refused.error is not None
    assert refused.error.next_steps == ("git deploy start",)
