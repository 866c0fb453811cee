"""A command is killed at each of its steps in turn; what `status` advises then leads to an end."""

from __future__ import annotations

import pytest

from sartoris.config.values import CountOrPercent
from tests.unit.actions.again import each_death
from tests.unit.actions.any_order import come_to_an_end
from tests.unit.actions.promises import Before, check
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

LENIENT = {"max_failed": CountOrPercent(1)}
# What was typed before, and the command that is killed.
STORIES = {
    "start": ((), "start"),
    "the first sync": (("start",), "sync"),
    "hotfix": (("start", "sync", "commit"), "hotfix"),
    "push-hotfix": (("start", "sync", "hotfix", "commit"), "push-hotfix"),
    "sync": (("start", "sync", "commit", "start"), "sync"),
    "resync": (("start", "sync", "commit", "start", "two fail"), "resync"),
    "finish": (("start", "sync", "commit", "start", "not finished"), "finish"),
    "abort of the first sync": (("start", "not finished"), "abort"),
    "abort": (("start", "sync", "commit", "start", "not finished"), "abort"),
    "revert": (("start", "sync", "commit", "start", "sync"), "revert"),
    "revert in a rollout": (("start", "sync", "commit", "start", "sync", "start"), "revert"),
    "converge": (("start", "sync", "commit", "start", "web2 left behind"), "converge"),
}


def tell(world: World, chapter: str) -> None:
    """One thing that was done before."""
    match chapter:
        case "commit":
            world.repository.commit()
        case "two fail":
            for target in (world.targets["web1"], world.targets["web2"]):
                target.wrong = {"switch"}
            assert enter(world, "sync").error is not None
            world.heal()
        case "not finished":
            world.broken = {"post-sync"}
            assert enter(world, "sync").error is not None
            world.heal()
        case "web2 left behind":
            world.targets["web2"].away = True
            assert enter(world, "sync").succeeded
            world.targets["web2"].heal()
        case _:
            assert enter(world, chapter).succeeded


@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_step_it_comes_to_an_end(name: str) -> None:
    """In turn, the first and the second of what is advised is done after it."""
    story, killed = STORIES[name]

    def tell_all(world: World) -> None:
        for chapter in story:
            tell(world, chapter)

    for steps, (world, life) in enumerate(each_death(tell_all, settings=LENIENT)):
        release = next(iter(world.published), "")
        before = Before.of(world)
        typed = enter(world, killed, release=release, life=life)
        check(world, before, typed)
        come_to_an_end(world, choose=steps % 2)
    assert steps > 10
