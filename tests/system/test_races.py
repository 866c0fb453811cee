"""Commands that come at the same instant: one does its work, the others are told who does."""

from __future__ import annotations

import fcntl
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.system.site import Site
from tests.system.warm import Warm


@contextmanager
def a_command_that_runs(site: Site) -> Iterator[None]:
    """Somebody's command is inside while the body runs, and has said so."""
    site.state_directory.mkdir(exist_ok=True)
    with (site.state_directory / "running").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4321 colleague")
        file.flush()
        yield


def test_of_a_hundred_starts_at_the_same_instant_exactly_one_wins(site: Site) -> None:
    with Warm.up() as warm:
        ended = warm.race(["start"], site.repo, 100)
    winners = [one for one in ended if one.code == 0]
    losers = [one for one in ended if one.code != 0]
    assert len(winners) == 1, [one.err for one in losers if one.code != 1][:1]
    assert {one.code for one in losers} == {1}
    status = site.status()
    user = status["lock"]["user"]
    for loser in losers:
        # Who has the lock; or, where two losers met, who of them was just finding that out.
        assert "is in progress already" in loser.err or "running in this repository" in loser.err
        assert user in loser.err
    assert status["status"] == "started"
    assert len(site.tags()) == 1
    site.ok("sync")


def test_starts_of_different_people_are_told_whose_rollout_it_is(site: Site) -> None:
    site.ok("start", "-m", "the train")
    site.git("config", "user.name", "Somebody Else")
    with Warm.up() as warm:
        ended = warm.race(["start"], site.repo, 5)
    for one in ended:
        assert one.code == 1
        assert "running in this repository" in one.err or "Some Deployer <" in one.err
    assert any("the train" in one.err for one in ended)


@pytest.mark.parametrize("command", ["start", "sync", "resync", "abort", "finish", "converge"])
def test_a_second_command_while_one_runs_is_refused(deployed: Site, command: str) -> None:
    if command not in ("start", "converge"):
        deployed.ok("start")
    before = deployed.git("for-each-ref"), deployed.deploy("status").code
    with a_command_that_runs(deployed):
        ran = deployed.deploy(command)
    assert ran.code == 1
    assert "another `git deploy` is running in this repository (process 4321 of coll" in ran.err
    assert (deployed.git("for-each-ref"), deployed.deploy("status").code) == before


def test_status_tells_which_process_is_at_work(deployed: Site) -> None:
    deployed.ok("start")
    with a_command_that_runs(deployed):
        ran = deployed.deploy("status")
    assert ran.code == 1
    assert "process 4321 is working on it" in ran.out


def test_a_sync_whose_lock_was_taken_over_switches_nothing_and_leaves_the_lock(
    deployed: Site,
) -> None:
    before = deployed.desired()
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    lock = deployed.state_directory / "lock"
    theirs = json.loads(lock.read_text()) | {"session": "other", "who": "Somebody Else <s@e>"}
    deployed.hook("post-tag.takes-over", f"printf %s {shlex.quote(json.dumps(theirs))} > '{lock}'")
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "Somebody Else <s@e>" in ran.err
    assert "Nothing has switched" in ran.err
    assert deployed.everywhere() == {before}
    assert deployed.desired() == before
    assert json.loads(lock.read_text()) == theirs


def test_converge_does_not_run_ahead_of_a_sync(deployed: Site) -> None:
    """It may run beside an open rollout, and brings targets to what was decided last."""
    before = deployed.desired()
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    away = deployed.target("web2").rename(deployed.root / "away")
    assert deployed.deploy("sync").code == 71
    away.rename(deployed.target("web2"))
    deployed.ok("converge")
    assert deployed.everywhere() == {before}
    deployed.ok("resync")
    assert deployed.everywhere() == {deployed.desired()} != {before}
