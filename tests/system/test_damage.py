"""A damaged file of ours is named, with a way out, and the way out works."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.site import Ran, Site

GARBAGE = [b"", b"\xff\xfe\x00garbage", b"[1, 2]", b'{"half": ', b'{"unknown": 1}']


@pytest.fixture
def half_way(deployed: Site) -> Site:
    """A rollout that is live and not finished."""
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    hook = deployed.hook("post-sync.check", "exit 1")
    assert deployed.deploy("sync").code == 72
    hook.unlink()
    return deployed


def assert_clear(ran: Ran, *said: str) -> None:
    """An error of ours with next steps, and no sign of a bug."""
    assert ran.code not in (0, 70), ran.err
    assert "Traceback" not in ran.err
    assert "Next:" in ran.err
    for words in said:
        assert words in ran.err


def steps(ran: Ran) -> list[str]:
    """The commands that the error says to type, without the remarks behind them."""
    _, _, below = ran.err.partition("Next:\n")
    return [line.strip().partition("   #")[0] for line in below.splitlines()]


def type_step(site: Site, step: str) -> None:
    words = shlex.split(step)
    if words[:2] == ["git", "deploy"]:
        site.ok(*words[2:])
    else:
        subprocess.run(words, cwd=site.repo, check=True)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_damaged_lock_still_counts_and_is_removed_by_an_abort(
    half_way: Site, garbage: bytes
) -> None:
    (half_way.state_directory / "lock").write_bytes(garbage)
    status = half_way.deploy("status")
    assert status.code == 2
    assert "its lock file is not readable" in status.out
    ran = half_way.deploy("start")
    assert_clear(ran, "its lock file is not readable", "git deploy --force abort")
    (abort,) = [step for step in steps(ran) if step.endswith("abort")]
    type_step(half_way, abort)
    assert half_way.holder is None
    assert half_way.deploy("status").code == 0
    assert half_way.files("web1")["index.php"] == "version 1\n"
    half_way.ok("start")


def test_a_damaged_lock_of_a_rollout_that_only_started_is_taken_over(site: Site) -> None:
    site.ok("start")
    (site.state_directory / "lock").write_bytes(b"\0")
    site.ok("--force", "sync")
    assert site.everywhere() == {site.desired()}
    assert site.deploy("status").code == 0


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("words", [["status"], ["sync"], ["abort"], ["finish"], ["resync"]])
def test_a_damaged_state_is_named(half_way: Site, garbage: bytes, words: list[str]) -> None:
    (half_way.state_directory / "rollout.json").write_bytes(garbage)
    ran = half_way.deploy(*words)
    assert_clear(ran, "the state of the rollout", "rollout.json", "cannot be read")


def test_the_way_out_of_a_damaged_state_works(half_way: Site) -> None:
    live, head = half_way.desired(), half_way.head()
    (half_way.state_directory / "rollout.json").write_bytes(b"\0")
    for step in steps(half_way.deploy("finish")):
        type_step(half_way, step)
    assert half_way.deploy("status").code == 0
    assert half_way.head() == head
    assert half_way.everywhere() == {live}
    half_way.ok("start")


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("words", [["report"], ["show"], ["converge"], ["start"], ["sync"]])
def test_a_damaged_desired_state_is_named(deployed: Site, garbage: bytes, words: list[str]) -> None:
    if words != ["start"]:
        deployed.ok("start")
    (deployed.state_directory / "desired.json").write_bytes(garbage)
    ran = deployed.deploy(*words)
    if words == ["start"]:
        assert ran.code == 0  # it has no need of it
        return
    assert_clear(ran, "the desired state", "desired.json", "cannot be read")


def test_the_way_out_of_a_damaged_desired_state_works(deployed: Site) -> None:
    old = deployed.desired()
    new = deployed.rollout({"index.php": "version 2\n"})
    (deployed.state_directory / "desired.json").write_bytes(b"\0")
    ran = deployed.deploy("report")
    for step in steps(ran):
        type_step(deployed, step.replace("TAG", new))
    assert deployed.desired() == new
    assert deployed.everywhere() == {new}
    deployed.ok("revert", old)
    assert deployed.everywhere() == {old}


def damage_middle(journal: Path) -> None:
    """Leave the file's beginning, so that it opens, and destroy the pages behind it."""
    content = journal.read_bytes()
    journal.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def overwrite(journal: Path) -> None:
    journal.write_bytes(b"this is no database" * 100)


@pytest.mark.parametrize("damage", [damage_middle, overwrite])
@pytest.mark.parametrize("words", [["start"], ["report"], ["--show-tag"], ["converge"]])
def test_a_damaged_journal_is_named_and_locks_nobody_out(
    deployed: Site, damage: Callable[[Path], None], words: list[str]
) -> None:
    damage(deployed.state_directory / "journal.sqlite")
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (deployed.state_directory / name).unlink(missing_ok=True)
    ran = deployed.deploy(*words)
    assert_clear(ran, "the journal", "journal.sqlite", "cannot be")
    assert deployed.holder is None
    for step in steps(ran):
        type_step(deployed, step)
    deployed.ok(*words)


def test_a_new_journal_knows_the_fleet_again_after_one_report(deployed: Site) -> None:
    old = deployed.desired()
    deployed.rollout({"index.php": "version 2\n"})
    for file in deployed.state_directory.glob("journal*"):
        file.unlink()
    deployed.ok("report")
    ran = deployed.ok("revert", old, "--json")
    stages = {event.get("stage") for event in ran.events}
    assert "fetch" not in stages
    assert deployed.everywhere() == {old}


def test_a_journal_of_a_later_version_is_refused(deployed: Site) -> None:
    database = sqlite3.connect(deployed.state_directory / "journal.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    ran = deployed.deploy("report")
    assert_clear(ran, "version 99")


def test_a_state_directory_that_is_a_file_is_named(site: Site) -> None:
    site.state_directory.write_text("in the way")
    ran = site.deploy("start")
    assert ran.code == 74
    assert str(site.state_directory) in ran.err
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err


def test_a_publish_directory_that_is_something_else_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "publish").mkdir()
    (tmp_path / "publish" / "holiday.jpg").write_text("x")
    site.config("deploy.publish-dir", str(tmp_path / "publish"))
    site.ok("start")
    ran = site.deploy("sync")
    assert_clear(ran, "is not a git repository, and not empty", "git config deploy.publish-dir")
    assert (tmp_path / "publish" / "holiday.jpg").exists()
    assert site.status()["rollout"]["progress"] == "started"


def test_a_publish_repository_that_was_lost_is_made_again(deployed: Site) -> None:
    old = deployed.desired()
    deployed.rollout({"index.php": "version 2\n"})
    shutil.rmtree(deployed.state_directory / "publish.git")
    deployed.rollout({"index.php": "version 3\n"})
    assert deployed.files("web1")["index.php"] == "version 3\n"
    deployed.ok("revert", old)
    assert deployed.everywhere() == {old}


def test_a_missing_hook_directory_is_a_note_and_stops_nothing(site: Site) -> None:
    site.config("deploy.hook-dir", "/nonexistent/hooks")
    ran = site.ok("start")
    assert "/nonexistent/hooks" in ran.err
    site.ok("sync")


def test_a_machine_that_refuses_is_told_to_a_program_too(site: Site) -> None:
    site.state_directory.write_text("in the way")
    (error,) = site.deploy("start", "--json").events
    assert (error["error"], error["exit_code"]) == ("MachineTrouble", 74)
