"""`git deploy report` beside an open rollout, and after `deploy.path` has moved."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from sartoris.display.reporting import report_lines
from sartoris.queries.report import report
from tests.unit.actions.life import Life
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three targets with a release."""
    made = World(tmp_path)
    enter(made, "start")
    enter(made, "sync")
    return made


def told(world: World) -> str:
    with world.command("report") as command:
        return "\n".join(one.text for one in report_lines(report(command), time.time()))


def test_what_a_rollout_has_half_switched_is_gone_on_with(world: World) -> None:
    world.repository.commit()
    enter(world, "start")
    heard = Life(enough=lambda: len(set(world.live().values())) > 1)
    assert enter(world, "sync", life=heard).killed
    text = told(world)
    assert "A rollout of slot0 is open" in text
    assert "switching was interrupted" in text
    assert "Next: git deploy resync" in text
    assert "converge" not in text


def test_a_rollout_that_is_only_started_leaves_targets_to_converge(world: World) -> None:
    enter(world, "start")
    world.targets["web2"].live = ""
    text = told(world)
    assert "started, not synced yet" in text
    assert "Next: git deploy converge web2" in text


@pytest.mark.parametrize("path", ["/opt/wiki/php-{prefix}", "/opt/other"])
def test_after_a_move_it_says_what_is_live_where_and_what_to_type(world: World, path: str) -> None:
    world.config = replace(world.config, path=path)
    text = told(world)
    assert "(/srv/wiki/php-slot0): slot0-" in text
    assert "3 of 3 targets current." in text
    assert "deploy.path has moved since, to /opt/" in text
    assert "Next: git deploy start && git deploy --force sync" in text


def test_without_either_it_says_nothing_of_them(world: World) -> None:
    text = told(world)
    assert "is open" not in text
    assert "Next:" not in text


def test_it_knows_from_the_journal_which_way_objects_came(world: World) -> None:
    world.repository.commit()
    enter(world, "start")
    world.targets["web1"].says = {"came_by": "pack", "came_from": "/p", "came_bytes": 7}
    enter(world, "sync")
    with world.command("report") as command:
        found = report(command)
    came = {one["target"]: one["came"] for one in found.to_json()["slots"][0]["targets"]}
    assert came["web1"] == {"by": "pack", "from": "/p", "bytes": 7, "seconds": 0.0, "refused": []}
    assert came["web2"] is None
