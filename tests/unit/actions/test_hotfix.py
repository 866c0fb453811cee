"""`git deploy hotfix` in memory."""

from __future__ import annotations

from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


def test_it_pulls_nothing(world: World) -> None:
    here = world.repository.head()
    world.repository.commit_upstream()
    assert enter(world, "hotfix").succeeded
    assert world.repository.head() == here
    assert not any(step.startswith("pull") for step in world.did)


def test_hooks_of_a_start_run_but_not_those_of_a_pull(world: World) -> None:
    enter(world, "hotfix")
    hooks = [step for step in world.did if step.startswith("hook")]
    assert hooks == [f"hook {name}" for name in ("pre-start", "post-tag", "pre-pull", "post-start")]


def test_what_ships_is_the_fix_on_top(world: World) -> None:
    enter(world, "hotfix")
    fix = world.repository.commit()
    assert enter(world, "sync").succeeded
    assert [*world.published.values()] == [fix]
