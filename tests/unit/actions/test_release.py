"""`git deploy release` in memory."""

from __future__ import annotations

from pathlib import Path

from sartoris.actions.sync import release
from sartoris.rollout.checks import TagsNotAllowed
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


def test_it_tags_and_finishes_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, settings={"can_make_tags": True})
    enter(world, "start")
    with world.command("release") as command:
        state = release(command)
    assert world.repository.names[state.rollout_tag] == world.repository.head()
    assert world.orders() == []
    assert world.status().kind == "none"


def test_where_tags_may_not_be_made_nothing_changes(world: World) -> None:
    enter(world, "start")
    before = world.state
    tags = dict(world.repository.names)
    with world.command("release") as command:
        try:
            release(command)
        except TagsNotAllowed as refused:
            assert refused.next_steps  # noqa: PT017 - the world is looked at after it
    assert (world.state, world.repository.names) == (before, tags)
