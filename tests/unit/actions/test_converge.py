"""`git deploy converge` on targets in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sartoris.actions.choice import choose, release_before
from sartoris.actions.converge import RolloutOpen, StillBehind, converge
from sartoris.rollout.command import Command
from sartoris.rollout.lock import LockHeld
from sartoris.rollout.transitions import NotNow
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def behind(lenient: World) -> World:
    """web2 was away when the release came."""
    enter(lenient, "start")
    lenient.targets["web2"].away = True
    enter(lenient, "sync")
    lenient.sent.clear()
    return lenient


def release_of(world: World) -> str:
    assert world.desired is not None
    return world.desired.release


def test_it_asks_all_and_brings_those_that_are_behind(behind: World) -> None:
    behind.heal()
    release = release_of(behind)
    assert enter(behind, "converge").succeeded
    assert behind.orders() == [
        ("status", "", ("web1", "web2", "web3")),
        ("fetch", release, ("web2",)),
        ("switch", release, ("web2",)),
    ]


def test_when_all_are_current_it_only_asks(behind: World) -> None:
    behind.heal()
    enter(behind, "converge")
    behind.sent.clear()
    assert enter(behind, "converge").succeeded
    assert [action for action, _, _ in behind.orders()] == ["status"]


def test_one_that_is_still_away_is_named(behind: World) -> None:
    failed = enter(behind, "converge")
    assert isinstance(failed.error, StillBehind)
    assert "web2" in failed.error.message


def test_one_that_does_not_answer_is_asked_once_and_only_those_asked_are_told_of(
    behind: World,
) -> None:
    release = release_of(behind)
    for names, others in (
        ((), f"The other 2 targets that were asked have {release} live."),
        (("web1", "web2"), f"The other target that was asked, web1, has {release} live."),
        (("web2",), ""),
    ):
        behind.sent.clear()
        with behind.command("converge") as command, pytest.raises(StillBehind) as failed:
            converge(command, names)
        assert [action for action, _, asked in behind.orders() if "web2" in asked] == ["status"]
        assert others in failed.value.message
        assert ("other" in failed.value.message) == bool(others)


def test_it_does_not_run_ahead_of_a_rollout_whose_gate_is_closed(behind: World) -> None:
    old = release_of(behind)
    behind.repository.commit()
    enter(behind, "start")
    for target in behind.targets.values():
        target.wrong = {"fetch"}
    enter(behind, "sync")
    behind.heal()
    assert enter(behind, "converge").succeeded
    assert set(behind.live().values()) == {old}


def test_what_a_first_rollout_left_is_withdrawn(world: World) -> None:
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    world.heal()
    world.targets["web2"].away = True
    enter(world, "abort")
    world.heal()
    assert world.live()["web2"]
    assert enter(world, "converge").succeeded
    assert world.live()["web2"] == ""


def test_where_nothing_was_deployed_it_is_refused(world: World) -> None:
    refused = enter(world, "converge")
    assert refused.error is not None
    assert refused.error.next_steps == ("git deploy start",)
    assert world.orders() == []


@pytest.fixture
def half_switched(world: World) -> World:
    """A second release of which only web1 has heard when its sync was killed."""
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    heard = Life(enough=lambda: len(set(world.live().values())) > 1)
    assert enter(world, "sync", life=heard).killed
    world.sent.clear()
    return world


def test_what_a_rollout_has_half_switched_is_left_to_it(half_switched: World) -> None:
    refused = enter(half_switched, "converge")
    assert isinstance(refused.error, RolloutOpen)
    assert refused.error.next_steps[0].startswith("git deploy resync")
    assert half_switched.orders() == []
    assert enter(half_switched, "resync").succeeded
    assert enter(half_switched, "converge").succeeded


def test_a_revert_that_was_interrupted_is_not_begun_again(half_switched: World) -> None:
    world = half_switched
    enter(world, "resync")
    first = min(world.published)
    heard = Life(enough=lambda: len(set(world.live().values())) > 1)
    assert enter(world, "revert", release=first, life=heard).killed
    with pytest.raises(NotNow) as refused, world.command("revert") as command:
        choose(command, first)
    assert refused.value.next_steps[0].startswith("git deploy resync")
    assert enter(world, "resync").succeeded
    assert set(world.live().values()) == {first}


def test_a_rollback_that_was_interrupted_does_not_go_further_back_when_typed_again(
    half_switched: World,
) -> None:
    world = half_switched
    enter(world, "resync")
    world.repository.commit()
    enter(world, "start")
    enter(world, "sync")
    first, second, _ = sorted(world.published)
    heard = Life(enough=lambda: len(set(world.live().values())) > 1)
    assert enter(world, "revert", release=second, life=heard).killed

    def by_number(command: Command) -> object:
        return choose(command, "1")

    for typed in (release_before, by_number):
        with (
            pytest.raises(NotNow, match="would go further") as refused,
            world.command("revert") as command,
        ):
            typed(command)
        assert refused.value.next_steps[0].startswith("git deploy resync")
    with world.command("revert") as command:
        assert choose(command, first).release == first, "a tag says what is meant"


def test_whose_rollout_is_in_the_way_is_said_before_a_rollback_asks(half_switched: World) -> None:
    half_switched.repository.who = "Another One <another@example.org>"
    with pytest.raises(LockHeld), half_switched.command("revert") as command:
        release_before(command)


def test_a_rollout_that_told_no_target_is_named_and_no_obstacle(behind: World) -> None:
    behind.heal()
    behind.repository.commit()
    enter(behind, "start")
    behind.broken = {"publish"}
    enter(behind, "sync")
    behind.heal()
    assert enter(behind, "converge").succeeded
    assert any("git deploy resync" in line for line in behind.warnings())


def move_the_path(world: World, path: str) -> None:
    """As `git config deploy.path` does."""
    world.config = replace(world.config, path=path)
    world.take_up_files()


@pytest.mark.parametrize("path", ["/opt/wiki/php-{prefix}", "/opt/other"])
def test_nothing_becomes_live_at_a_path_that_has_seen_no_sync(behind: World, path: str) -> None:
    behind.heal()
    move_the_path(behind, path)
    assert enter(behind, "converge").succeeded
    assert {one.order.path for one in behind.sent} == {"/srv/wiki/php-slot0"}
    assert set(behind.live().values()) == {release_of(behind)}
    assert any("deploy.path has moved since" in line for line in behind.warnings())


@pytest.mark.parametrize("path", ["/opt/wiki/php-{prefix}", "/opt/other"])
def test_a_path_that_has_moved_is_something_new(behind: World, path: str) -> None:
    behind.heal()
    move_the_path(behind, path)
    enter(behind, "start")
    assert enter(behind, "sync").succeeded
    behind.sent.clear()
    assert enter(behind, "converge").succeeded
    filled = path.replace("{prefix}", "slot0")
    assert {one.order.path for one in behind.sent} == {filled}
