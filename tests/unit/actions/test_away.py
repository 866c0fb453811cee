"""Going on without a dead server: for one command, or until it is back."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sartoris.actions.away import NotAway, bring_back, take_out
from sartoris.actions.converge import StillBehind
from sartoris.actions.roll_out import GateClosed, SyncResult
from sartoris.config.values import CountOrPercent
from sartoris.display.reporting import report_lines
from sartoris.errors import Refused, WrongUsage
from sartoris.events import TargetBack, TargetTakenOut
from sartoris.queries.report import report
from sartoris.rollout.away import Away, AwayFile
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def dead(world: World) -> World:
    """web2 died after the first release; a second is started."""
    enter(world, "start")
    enter(world, "sync")
    world.targets["web2"].away = True
    world.repository.commit()
    enter(world, "start")
    world.sent.clear()
    return world


def away(world: World, target: str, why: str = "disk died") -> None:
    with world.command("away") as command:
        take_out(command, target, why)


def back(world: World, *targets: str) -> None:
    with world.command("back") as command:
        bring_back(command, targets)


def asked(world: World) -> set[str]:
    return {name for _, _, names in world.orders() for name in names}


def release_of(world: World) -> str:
    assert world.desired is not None
    return world.desired.release


def told(world: World) -> str:
    with world.command("report") as command:
        return "\n".join(one.text for one in report_lines(report(command), time.time()))


def test_one_that_is_away_is_not_asked_and_does_not_count(dead: World) -> None:
    away(dead, "web2")
    done = enter(dead, "sync").result
    assert isinstance(done, SyncResult)
    assert (done.total, done.left_behind) == (2, ())
    assert "disk died" in done.left_out["web2"]
    assert asked(dead) == {"web1", "web3"}


def test_every_report_names_it_with_who_and_why(dead: World) -> None:
    away(dead, "web2")
    enter(dead, "sync")
    text = told(dead)
    assert "2 of 2 targets current, 1 away." in text
    assert "by Some Deployer: disk died" in text
    assert "git deploy back web2" in text
    assert "web2" not in asked(dead)


def test_it_gets_the_release_before_it_counts_again(dead: World) -> None:
    away(dead, "web2")
    enter(dead, "sync")
    dead.heal()
    back(dead, "web2")
    assert dead.live()["web2"] == release_of(dead)
    assert dead.records.away.read() == {}
    assert any(isinstance(event, TargetBack) for event in dead.events)


def test_one_that_cannot_be_brought_stays_away(dead: World) -> None:
    away(dead, "web2")
    enter(dead, "sync")
    with pytest.raises(StillBehind):
        back(dead, "web2")
    assert "web2" in dead.records.away.read()


def test_converging_it_by_name_says_how_it_comes_back(dead: World) -> None:
    from sartoris.actions.converge import converge

    away(dead, "web2")
    with dead.command("converge") as command, pytest.raises(WrongUsage) as refused:
        converge(command, ["web2"])
    assert refused.value.next_steps[0].startswith("git deploy back web2")


def test_what_is_no_target_or_not_away_or_the_last_is_refused(dead: World) -> None:
    with pytest.raises(WrongUsage):
        away(dead, "web9")
    with pytest.raises(NotAway):
        back(dead, "web1")
    away(dead, "web1")
    away(dead, "web2")
    with pytest.raises(Refused, match="the last target"):
        away(dead, "web3")


def test_who_took_it_out_is_in_the_journal(dead: World) -> None:
    away(dead, "web2")
    (event,) = [one for one in dead.events if isinstance(one, TargetTakenOut)]
    assert (event.target, event.by, event.why) == (
        "web2",
        "Some Deployer <deployer@example.org>",
        "disk died",
    )


def test_without_leaves_it_out_of_this_command_only(dead: World) -> None:
    assert enter(dead, "sync", without=("web2",)).succeeded
    assert asked(dead) == {"web1", "web3"}
    assert "converge web2" in told(dead)


def test_without_a_name_that_is_no_target_is_wrong_usage(dead: World) -> None:
    refused = enter(dead, "sync", without=("web9",))
    assert isinstance(refused.error, WrongUsage)


def test_more_may_fail_for_one_command(dead: World) -> None:
    done = enter(dead, "sync", max_failed=CountOrPercent(1)).result
    assert isinstance(done, SyncResult)
    assert done.left_behind == ("web2",)


def test_the_gate_names_the_ways_and_a_resync_by_them_goes_on(dead: World) -> None:
    refused = enter(dead, "sync")
    assert isinstance(refused.error, GateClosed)
    steps = [step.partition("#")[0].strip() for step in refused.error.next_steps]
    assert "git deploy resync --without web2" in steps
    assert "git deploy away web2 && git deploy resync" in steps
    assert enter(dead, "resync", without=("web2",)).succeeded


def test_the_ways_on_keep_what_was_typed(dead: World) -> None:
    refused = enter(dead, "sync", adopt=True)
    assert isinstance(refused.error, GateClosed)
    steps = [step.partition("#")[0].strip() for step in refused.error.next_steps]
    assert steps[:3] == [
        "git deploy resync --adopt",
        "git deploy resync --adopt --without web2",
        "git deploy away web2 && git deploy resync --adopt",
    ]


def test_where_all_fail_no_way_without_them_is_named(dead: World) -> None:
    for target in dead.targets.values():
        target.away = True
    refused = enter(dead, "sync")
    assert refused.error is not None
    assert not any("away" in step for step in refused.error.next_steps)


def test_a_dead_target_is_asked_once_in_a_resync(dead: World) -> None:
    enter(dead, "sync")
    dead.sent.clear()
    refused = enter(dead, "resync")
    assert refused.error is not None
    assert "unreachable" in refused.error.message
    assert [action for action, _, names in dead.orders() if "web2" in names] == ["status"]


def test_one_that_is_still_dead_stays_away_and_the_way_back_is_the_same_command(
    dead: World,
) -> None:
    away(dead, "web2")
    assert enter(dead, "sync").succeeded
    dead.sent.clear()
    with pytest.raises(StillBehind) as refused:
        back(dead, "web2")
    assert "Still away: web2" in refused.value.message
    assert "other" not in refused.value.message
    assert dead.orders() == [("status", "", ("web2",))]
    assert [step.partition("#")[0].strip() for step in refused.value.next_steps] == [
        "git deploy back web2",
        "git deploy report",
    ]
    assert set(dead.records.away.read()) == {"web2"}


def test_one_removed_from_the_fleet_while_away_is_forgotten(dead: World) -> None:
    away(dead, "web2")
    del dead.targets["web2"]
    back(dead, "web2")
    assert dead.records.away.read() == {}


def test_what_a_later_version_wrote_beside_the_targets_is_kept(tmp_path: Path) -> None:
    file = AwayFile(tmp_path / "away.json")
    one = {"since": 1.0, "by": "Ann <a@example.org>", "why": "", "until": "Monday"}
    file.path.write_text(json.dumps({"version": 1, "targets": {"web1": one}, "checked": 7}))
    file.write({**file.read(), "web2": Away(since=2.0, by="Ben <b@example.org>")})
    written = json.loads(file.path.read_text())
    assert (written["checked"], written["targets"]["web1"]["until"]) == (7, "Monday")
