"""A damaged file of ours is named, with a way out, and the way out works."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.documents import add_field
from tests.system.conftest import rolled_out, with_targets
from tests.system.kept import Kept
from tests.system.site import Ran, Site

GARBAGE = [b"", b"\xff\xfe\x00garbage", b"[1, 2]", b'{"half": ', b'{"unknown": 1}']


@pytest.fixture
def half_way(kept: Kept) -> Site:
    """A rollout that is live and not finished."""
    return kept.site(with_targets, rolled_out, stopped_by_a_hook)


def stopped_by_a_hook(site: Site) -> None:
    site.ok("start")
    site.commit({"index.php": "version 2\n"})
    site.push()
    hook = site.hook("post-sync.check", "exit 1")
    assert site.deploy("sync").code == 72
    hook.unlink()


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


def release_before(site: Site) -> str:
    """What was live before the newest release."""
    (old,) = set(site.git("tag", at=site.state_directory / "publish.git").split()) - {
        site.desired()
    }
    return old


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


def garbage_in(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)


def directory_in(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def link_in_circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def remove(path: Path) -> None:
    path.unlink()


Damage = Callable[[Path], None]
DAMAGES: list[Damage] = [partial(garbage_in, garbage=garbage) for garbage in GARBAGE]
DAMAGES += [directory_in, link_in_circle, remove]


def test_a_damaged_or_lost_state_is_rebuilt_and_status_says_so(half_way: Site) -> None:
    path = half_way.state_directory / "rollout.json"
    whole, text = half_way.status(), path.read_bytes()
    for damage in DAMAGES:
        damage(path)
        ran = half_way.deploy("status")
        assert ran.code == 2
        assert "the state is rebuilt from the journal" in ran.out
        found = half_way.status()
        found["rollout"]["rebuilt"] = ""
        assert found == whole
        if os.path.lexists(path):
            path.rename(path.with_name(f"damaged-{DAMAGES.index(damage)}"))
        path.write_bytes(text)


@pytest.mark.parametrize("damage", [DAMAGES[1], directory_in, remove])
class TestADamagedOrLostState:
    """The journal has it."""

    def test_can_be_finished(self, half_way: Site, damage: Damage) -> None:
        damage(half_way.state_directory / "rollout.json")
        assert "rebuilt from the journal" in half_way.ok("finish").err
        assert half_way.deploy("status").code == 0
        assert half_way.files("web1")["index.php"] == "version 2\n"

    def test_can_be_synced_again(self, half_way: Site, damage: Damage) -> None:
        damage(half_way.state_directory / "rollout.json")
        half_way.slot("web2").unlink()
        half_way.ok("resync")
        assert half_way.everywhere() == {half_way.desired()}
        assert half_way.deploy("status").code == 0

    def test_can_be_aborted(self, half_way: Site, damage: Damage) -> None:
        before = half_way.status()["rollout"]["before"]["release"]
        damage(half_way.state_directory / "rollout.json")
        half_way.ok("abort")
        assert half_way.everywhere() == {before} == {half_way.desired()}
        assert half_way.head() == half_way.commit_of(before)
        half_way.ok("start")

    def test_can_be_left_by_a_revert(self, half_way: Site, damage: Damage) -> None:
        before = half_way.status()["rollout"]["before"]["release"]
        damage(half_way.state_directory / "rollout.json")
        half_way.ok("revert", before)
        assert half_way.everywhere() == {before} == {half_way.desired()}
        assert half_way.deploy("status").code == 0


def test_a_damaged_state_is_kept_beside_for_whoever_looks_into_it(half_way: Site) -> None:
    (half_way.state_directory / "rollout.json").write_bytes(b"half")
    half_way.ok("abort")
    assert (half_way.state_directory / "rollout.json.unreadable-1").read_bytes() == b"half"


@pytest.mark.parametrize("name", ["rollout.json", "lock"])
def test_a_file_of_a_newer_version_is_refused_and_stays(half_way: Site, name: str) -> None:
    text = add_field(half_way.state_directory / name, "version", 2)
    for word in ("status", "start", "sync", "resync", "finish", "abort"):
        ran = half_way.deploy(word)
        assert_clear(ran, name, "was written by a newer Sartoris (version 2", "upgrade Sartoris")
        assert not any(step.startswith("mv ") for step in steps(ran))
    assert (half_way.state_directory / name).read_text() == text


def test_what_a_later_version_adds_goes_through_a_rollout(half_way: Site) -> None:
    state = half_way.state_directory / "rollout.json"
    add_field(state, "prepared_at", 12)
    add_field(half_way.state_directory / "lock", "pool", "drained")
    half_way.hook("post-sync.again", "exit 1")
    assert half_way.deploy("resync").code == 72
    assert json.loads(state.read_text())["prepared_at"] == 12
    assert half_way.holder
    assert half_way.holder["pool"] == "drained"
    half_way.ok("finish")


class TestWithoutStateAndJournal:
    """Then only the targets know what is live."""

    @pytest.fixture
    def lost(self, half_way: Site) -> Site:
        (half_way.state_directory / "rollout.json").write_bytes(b"half")
        for file in half_way.state_directory.glob("journal*"):
            file.unlink()
        return half_way

    def test_a_command_says_so_and_names_others(self, lost: Site) -> None:
        for word in ("status", "start", "sync", "resync", "finish"):
            ran = lost.deploy(word)
            assert_clear(ran, "rollout.json, cannot be read", "cannot be rebuilt from the journal")
            assert ran.code == 1
            assert [step.split()[2] for step in steps(ran)] == ["abort", "revert", "report"]

    def test_an_abort_says_what_is_live_and_changes_nothing(self, lost: Site) -> None:
        head, live, files = lost.head(), lost.desired(), lost.files("web1")
        ran = lost.deploy("abort")
        assert_clear(ran, f"Live is {live} on web1, web2, web3", "nothing was taken back")
        assert f"The desired state of slot0 is {live}, which is what they have" in ran.err
        assert "Back" not in ran.err
        assert ran.code == 71
        assert lost.deploy("status").code == 0
        assert (lost.head(), lost.desired(), lost.files("web1")) == (head, live, files)
        lost.ok("converge")

    def test_targets_that_differ_leave_nothing_desired(self, lost: Site) -> None:
        new, old = lost.desired(), release_before(lost)
        lost.slot("web3").unlink()
        lost.slot("web3").symlink_to(f".sartoris/releases/{old}")
        ran = lost.deploy("abort")
        assert_clear(ran, f"Live is {new} on web1, web2", f"Live is {old} on web3")
        assert f"The desired state of slot0 was {new}; now it is not set" in ran.err
        assert ran.code == 71
        assert lost.desired() == ""
        assert lost.everywhere() == {old, new}
        for step in steps(ran):
            if step.startswith(f"git deploy revert {old}"):
                type_step(lost, step)
        assert lost.everywhere() == {old} == {lost.desired()}

    def test_a_target_that_is_silent_is_named_with_the_way_to_bring_it(self, lost: Site) -> None:
        live = lost.desired()
        away = lost.target("web2").rename(lost.root / "away")
        ran = lost.deploy("abort")
        assert_clear(ran, f"Live is {live} on web1, web3", "web2 does not say: unreachable")
        assert ran.code == 71
        away.rename(lost.target("web2"))
        for step in steps(ran):
            if step.startswith("git deploy converge"):
                type_step(lost, step)
        assert lost.everywhere() == {live}

    def test_a_release_that_is_not_published_here_is_not_made_desired(self, lost: Site) -> None:
        live = lost.desired()
        (lost.state_directory / "desired.json").unlink()
        shutil.rmtree(lost.state_directory / "publish.git")
        ran = lost.deploy("abort")
        assert_clear(ran, f"Live is {live} on web1, web2, web3")
        assert "The desired state of slot0 is not set" in ran.err
        assert lost.desired() == ""
        assert lost.everywhere() == {live}

    def test_a_revert_is_a_way_out(self, lost: Site) -> None:
        old = release_before(lost)
        lost.ok("revert", old)
        assert lost.everywhere() == {old} == {lost.desired()}
        assert lost.deploy("status").code == 0

    def test_another_person_needs_force(self, lost: Site) -> None:
        with lost.typed_by("Bob"):
            ran = lost.deploy("abort")
        assert_clear(ran, "a rollout is in progress")
        assert lost.holder is not None


def test_a_damaged_lock_and_a_damaged_state_are_no_worse(half_way: Site) -> None:
    before = half_way.status()["rollout"]["before"]["release"]
    for name in ("lock", "rollout.json"):
        (half_way.state_directory / name).write_bytes(b"half")
    assert "rebuilt from the journal" in half_way.deploy("status").out
    half_way.ok("--force", "abort")
    assert half_way.everywhere() == {before} == {half_way.desired()}
    assert half_way.deploy("status").code == 0


def test_a_damaged_lock_of_no_rollout_brings_none_back(deployed: Site) -> None:
    (deployed.state_directory / "lock").write_bytes(b"half")
    live, head = deployed.desired(), deployed.head()
    assert deployed.status()["rollout"]["progress"] == "starting"
    deployed.ok("--force", "abort")
    assert (deployed.everywhere(), deployed.head()) == ({live}, head)
    assert deployed.deploy("status").code == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        *((damage, ["converge"]) for damage in DAMAGES),
        (DAMAGES[2], ["report"]),
        (directory_in, ["sync"]),
        (remove, ["revert"]),
    ],
)
def test_a_damaged_or_lost_desired_state_is_rebuilt_and_said(
    deployed: Site, damage: Damage, words: list[str]
) -> None:
    old = deployed.desired()
    new = deployed.rollout({"index.php": "version 2\n"})
    if words == ["sync"]:
        deployed.ok("start")
        deployed.commit({"index.php": "version 3\n"})
        deployed.push()
    damage(deployed.state_directory / "desired.json")
    ran = deployed.ok(*words, *([old] if words == ["revert"] else []))
    assert f"rebuilt from the journal: slot0 at {new}" in ran.out + ran.err
    assert deployed.everywhere() == {deployed.desired()}


def test_an_abort_works_where_the_desired_state_is_damaged(half_way: Site) -> None:
    before = half_way.status()["rollout"]["before"]["release"]
    (half_way.state_directory / "desired.json").write_bytes(b"half")
    half_way.ok("abort")
    assert half_way.everywhere() == {before} == {half_way.desired()}


def test_a_desired_state_that_nothing_knows_counts_as_not_set_and_is_said(deployed: Site) -> None:
    old = deployed.desired()
    new = deployed.rollout({"index.php": "version 2\n"})
    (deployed.state_directory / "desired.json").write_bytes(b"half")
    for file in deployed.state_directory.glob("journal*"):
        file.unlink()
    ran = deployed.ok("report")
    assert "desired.json, cannot be read" in ran.out
    assert "and the journal names none" in ran.out
    assert "Until the next sync or revert no release is wanted" in ran.out
    deployed.ok("revert", old)
    assert deployed.everywhere() == {old} == {deployed.desired()}
    assert (deployed.state_directory / "desired.json.unreadable-1").read_bytes() == b"half"
    deployed.ok("revert", new)


def test_a_desired_state_of_a_newer_version_is_refused(deployed: Site) -> None:
    deployed.ok("start")
    text = add_field(deployed.state_directory / "desired.json", "version", 2)
    for word in ("report", "show", "converge", "sync"):
        ran = deployed.deploy(word)
        assert_clear(ran, "the desired state", "upgrade Sartoris")
        assert not any(step.startswith("mv ") for step in steps(ran))
    assert (deployed.state_directory / "desired.json").read_text() == text


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


def test_a_missing_hook_directory_is_named_before_anything_is_tagged(site: Site) -> None:
    directory = site.root / "no hooks"
    site.config("deploy.hook-dir", str(directory))
    ran = site.deploy("start")
    assert ran.code == 1
    assert f"the hooks in {directory} cannot run" in ran.err
    assert site.tags() == []
    directory.mkdir()
    site.ok("start")
    site.ok("sync")


def test_a_machine_that_refuses_is_told_to_a_program_too(site: Site) -> None:
    site.state_directory.write_text("in the way")
    (error,) = site.deploy("start", "--json").events
    assert (error["error"], error["exit_code"]) == ("MachineTrouble", 74)
