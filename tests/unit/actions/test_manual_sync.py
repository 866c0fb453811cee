"""`git deploy manual-sync` in memory."""

from __future__ import annotations

from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


def test_it_tags_and_sends_nothing(world: World) -> None:
    enter(world, "start")
    assert enter(world, "manual-sync").succeeded
    assert world.orders() == []
    assert world.published == {}
    assert world.state is not None
    assert world.state.rollout_tag in world.repository.pushed


def test_it_stays_open_until_somebody_says_that_it_is_done(world: World) -> None:
    enter(world, "start")
    enter(world, "manual-sync")
    assert world.status().next_steps == ("git deploy finish", "git deploy abort")
    assert enter(world, "resync").error is not None
    assert enter(world, "finish").succeeded
    assert world.status().kind == "none"


def test_an_abort_makes_a_tag_that_is_for_the_servers(world: World) -> None:
    enter(world, "start")
    enter(world, "manual-sync")
    tags = len(world.repository.names)
    assert enter(world, "abort").succeeded
    assert len(world.repository.names) == tags + 1
    assert any("bring" in line for line in world.warnings())
