"""`git deploy finish` on targets in memory."""

from __future__ import annotations

from sartoris.rollout.state import Progress
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


def test_targets_that_come_back_get_the_release_whose_sync_was_killed_after_its_switch(
    world: World,
) -> None:
    """Seed's story: killed between `synced` and the word to targets that were away."""
    enter(world, "start")
    life = Life(enough=lambda: _progress(world) is Progress.SYNCED)
    assert enter(world, "sync", life=life).killed
    assert world.wanted["slot0"].pending is not None
    assert enter(world, "finish").succeeded
    wanted = world.wanted["slot0"]
    assert wanted.pending is None
    assert wanted.current is not None
    assert wanted.current.release == world.live()["web1"]


def test_a_resync_that_goes_back_only_half_way_leaves_nothing_to_finish(lenient: World) -> None:
    """It was synced, without web1; its resync fails, and not everyone can be rolled back."""
    world = lenient
    enter(world, "start")
    enter(world, "sync")
    before = world.live()["web2"]
    world.repository.commit()
    enter(world, "start")
    world.targets["web1"].away = True
    world.broken = {"post-sync"}
    enter(world, "sync")
    assert _progress(world) is Progress.SYNCED
    world.heal()
    world.targets["web1"].wrong = {"switch"}
    world.targets["web2"].away = True
    assert enter(world, "resync").error is not None
    assert world.live()["web3"] == before
    assert enter(world, "finish").error is not None
    assert world.state is not None


def _progress(world: World) -> Progress:
    assert world.state is not None
    return world.state.progress
