"""`git deploy check` says "ready" where a start would start, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sartoris.actions.check import Ready
from sartoris.rollout.lock import exclusively
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

OTHER = "Another One <another@example.org>"


def test_what_is_ready_starts_and_is_left_as_it_was(world: World) -> None:
    world.repository.commit_upstream()
    head = world.repository.head()
    assert enter(world, "check").result == Ready("slot0")
    assert (world.did, world.repository.head(), world.repository.names) == ([], head, {})
    assert world.status().kind == "none"
    assert enter(world, "start").succeeded


def held_by_somebody(world: World) -> None:
    enter(world, "start")
    world.repository.who = OTHER


def own_rollout_open(world: World) -> None:
    enter(world, "start")


def remote_gone(world: World) -> None:
    world.repository.not_there = {"main"}


def both_have_moved(world: World) -> None:
    world.repository.contains = lambda *_: False  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (held_by_somebody, "a rollout is in progress: Some Deployer"),
        (own_rollout_open, "your rollout is in progress already"),
        (remote_gone, "could not be fetched from `origin`"),
        (both_have_moved, "have diverged"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_where_a_start_is_refused_so_is_the_check(
    world: World, spoil: Callable[[World], None], says: str
) -> None:
    spoil(world)
    refused = enter(world, "check")
    assert refused.error is not None
    assert says in refused.error.message


def test_the_remote_is_not_asked_where_the_start_would_not(world: World) -> None:
    world.repository.not_there = {"main"}
    assert enter(world, "check", remote=False).succeeded


def test_while_a_command_runs_nothing_is_ready(world: World) -> None:
    with exclusively(world.records.running, "somebody"):
        refused = enter(world, "check")
    assert refused.error is not None
    assert "another `git deploy` is running" in refused.error.message


def test_ones_own_start_that_was_killed_is_no_obstacle_and_stays(world: World) -> None:
    world.repository.commit_upstream()
    enter(world, "start", life=Life(20))
    assert enter(world, "check").succeeded
    assert world.status().kind == "started"


def test_what_force_may_not_take_over_is_not_ready(world: World) -> None:
    held_by_somebody(world)
    assert enter(world, "check", force=True).succeeded
    world.repository.who = "Some Deployer <deployer@example.org>"
    world.broken = {"publish"}
    enter(world, "sync")
    world.repository.who = OTHER
    refused = enter(world, "check", force=True)
    assert refused.error is not None
    assert "is tagged already" in refused.error.message


def test_a_prefix_that_was_never_used_is_not_ready(world: World) -> None:
    enter(world, "start")
    enter(world, "sync")
    refused = enter(world, "check", prefix="slto0")
    assert refused.error is not None
    assert "slto0 was never deployed here" in refused.error.message


def test_what_the_start_would_ask_is_told(world: World) -> None:
    enter(world, "start")
    enter(world, "sync")
    world.config = replace(world.config, branch="production")
    ready = enter(world, "check").result
    assert isinstance(ready, Ready)
    assert "production is what is deployed" in ready.asks[0]
