"""`git deploy doctor`: what is wrong with a deployment server, and what to type."""

from __future__ import annotations

import json
import os
import select
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sartoris import diagnostics
from sartoris.git import ls_remote
from sartoris.journal.store import Journal
from sartoris.queries.doctor import person
from tests.system.site import Site

Found = list[tuple[str, str, list[str]]]


def look(site: Site, name: str, *arguments: str, code: int | None = None) -> Found:
    """State, text and next steps of what is found out about `name`."""
    ran = site.deploy("doctor", "--json", *arguments)
    document = ran.document
    assert ran.code == (0 if document["ok"] else 1)
    assert code is None or ran.code == code, ran.out
    return [
        (one["state"], one["text"], one["next"])
        for one in document["checks"]
        if one["name"] == name
    ]


def wrong(site: Site, name: str, *arguments: str) -> tuple[str, list[str]]:
    """Text and next steps of the one thing about `name` that is wrong."""
    (found,) = [one for one in look(site, name, *arguments, code=1) if one[0] == "wrong"]
    return found[1:]


def warned(site: Site, name: str) -> tuple[str, list[str]]:
    (found,) = [one for one in look(site, name, code=0) if one[0] == "warning"]
    return found[1:]


def fine(site: Site, name: str) -> str:
    ((state, text, steps),) = look(site, name, code=0)
    assert (state, steps) == ("ok", [])
    return text


def everything(site: Site) -> dict[str, tuple[int, bytes]]:
    """All files below the site, with what is in them; not the times at which git refreshed them."""
    return {
        str(path.relative_to(site.root)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(site.root.rglob("*"))
    }


@contextmanager
def mounted(directory: Path, *options: str) -> Iterator[None]:
    done = subprocess.run(["mount", *options, str(directory)], capture_output=True, check=False)
    if done.returncode:
        assert os.environ.get("CI") != "true", done.stderr
        pytest.skip("mount(8) is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_site_that_is_well(deployed: Site) -> None:
    ran = deployed.deploy("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert [
        line for line in ran.out.splitlines() if line.startswith("  ") and "ok" not in line
    ] == []
    assert ran.out.splitlines()[-1].startswith("nothing wrong, ")


def test_the_lines_are_aligned_and_stand_below_their_subject(site: Site) -> None:
    site.config("deploy.log-directory", str(site.root / "nowhere"))
    lines = site.deploy("doctor", "-v").out.splitlines()
    subjects = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert subjects[:2] == ["git:", "configuration:"]
    assert subjects[-1] == "targets:"
    number = next(n for n, line in enumerate(lines) if line.startswith("  wrong    log "))
    column = lines[number].index(str(site.root))
    assert lines[number + 1][column:] == f"Next: mkdir -p {site.root / 'nowhere'}"
    assert lines[-1].startswith("1 wrong, ")


def test_what_is_in_order_is_counted_unless_all_is_asked_for(site: Site) -> None:
    site.config("deploy.log-directory", str(site.root / "nowhere"))
    lines = site.deploy("doctor").out.splitlines()
    assert any(line.startswith("  wrong    log ") for line in lines)
    assert not any(line.startswith("  ok ") for line in lines)
    assert lines[-1].endswith(" ok (-v lists all).")


@pytest.mark.parametrize("name", ["site", "deployed", "plain"])
def test_looking_changes_nothing(name: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(name)
    site.git("status")
    before = everything(site)
    assert site.deploy("doctor").code == 0
    assert everything(site) == before


def test_outside_of_a_repository_it_is_refused(site: Site, tmp_path: Path) -> None:
    ran = site.deploy("doctor", at=tmp_path)
    assert ran.code == 1
    assert "is not in the work tree of a git repository" in ran.err


class TestGit:
    def test_an_old_git(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(person, "OLDEST_GIT", (99, 1))
        text, steps = wrong(site, "version")
        assert "99.1 or newer is needed" in text
        assert steps

    def test_nobody(self, site: Site, git_configuration: Path) -> None:
        git_configuration.write_text("")
        text, steps = wrong(site, "identity")
        assert "your name and mail address" in text
        assert "git config --global user.name 'Your Name'" in steps

    def test_a_umask_that_is_not_the_site_s(self, site: Site) -> None:
        site.config("deploy.restrict-umask", "0027")
        before = os.umask(0o022)  # whatever a test of a shared repository has left here
        try:
            text, steps = wrong(site, "umask")
        finally:
            os.umask(before)
        assert "deploy.restrict-umask wants 0027" in text
        assert steps == ["umask 0027"]


class TestConfiguration:
    def test_every_bad_value_is_told_and_all_else_is_not_looked_at(self, site: Site) -> None:
        site.config("deploy.batch", "many")
        site.config("deploy.time-out", "3")
        found = look(site, "values", code=1)
        assert [state for state, _, _ in found] == ["wrong", "wrong"]
        assert 'deploy.batch = "many"' in found[0][1]
        assert "did you mean timeout?" in found[1][1]
        assert look(site, "all else")[0][0] == "unknown"
        assert look(site, "lock") == []

    def test_keys_of_the_site_s_own_are_listed(self, site: Site) -> None:
        site.config("deploy.irc-channel", "#ops")
        assert "deploy.irc-channel" in fine(site, "other keys")

    def test_a_value_that_another_file_beats_and_targets_that_nobody_reads(
        self, site: Site
    ) -> None:
        shared = site.root / "git-deploy.conf"
        shared.write_text("[deploy]\nmax-failed = 0\n")
        site.git("config", "--global", "deploy.config-file", str(shared))
        site.config("deploy.max-failed", "1")
        site.config("deploy.targets", "web*")
        site.config("deploy.relay", "rack1=http://relay1/wiki.packs")
        beaten, unread, of_salt = look(site, "no effect", code=0)
        assert "has no effect: deploy.max-failed" in beaten[1]
        assert beaten[1].endswith(f"in {shared} wins")
        assert "deploy.transport is local" in unread[1]
        assert "deploy.relay has no effect" in of_salt[1]
        assert "only salt reads it" in of_salt[1]
        (line,) = site.ok("config", "max-failed").out.splitlines()[1:2]
        assert line.split() == ["deploy.max-failed", "0", str(shared)]

    def test_no_prefix(self, site: Site) -> None:
        site.git("config", "--unset", "deploy.tag-prefix")
        text, steps = wrong(site, "prefix")
        assert "no prefix" in text
        assert steps == ["git config deploy.tag-prefix slot0   # or a name of your own"]
        assert look(site, "prefix", "slot3")[0][:2] == ("ok", "slot3")

    def test_no_path(self, site: Site) -> None:
        site.git("config", "--unset", "deploy.path")
        text, _ = wrong(site, "path")
        assert "deploy.path is not set" in text
        assert look(site, "targets")[0][0] == "unknown"


class TestWorkingRepository:
    def test_changes_that_are_not_committed(self, site: Site) -> None:
        (site.repo / "index.php").write_text("changed\n")
        text, steps = wrong(site, "files")
        assert "M index.php" in text
        assert "\n" not in text
        assert "git status" in steps

    def test_changes_while_a_rollout_is_under_way(self, site: Site) -> None:
        site.ok("start")
        (site.repo / "index.php").write_text("changed\n")
        assert "while a rollout" in fine(site, "files")

    def test_no_branch(self, site: Site) -> None:
        site.git("checkout", "--quiet", "--detach")
        text, _ = wrong(site, "branch")
        assert "the head is detached" in text

    def test_no_commits_yet(self, site: Site, tmp_path: Path) -> None:
        empty = tmp_path / "empty"
        site.git("init", "--quiet", str(empty), at=tmp_path)
        site.git("config", "deploy.tag-prefix", "slot0", at=empty)
        checks = site.deploy("doctor", "--json", at=empty).document["checks"]
        assert [one["state"] for one in checks if one["name"] == "branch"] == ["warning"]

    def test_no_remote(self, site: Site) -> None:
        site.git("remote", "remove", "origin")
        text, steps = wrong(site, "remote")
        assert "no remote `origin`" in text
        assert "git remote add origin URL" in steps

    def test_a_remote_that_is_gone(self, site: Site) -> None:
        with site.no_network():
            text, steps = wrong(site, "remote")
        assert "ls-remote" in text
        assert "git ls-remote origin" in steps

    def test_a_remote_that_hangs(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ls_remote, "PATIENCE", 1.0)
        site.git("remote", "set-url", "origin", "ssh://host.invalid/wiki.git")
        site.config("core.sshCommand", f"echo $$ > {site.root}/ssh; exec sleep 600 #")
        text, _ = wrong(site, "remote")
        assert "does not answer within 1 s" in text
        assert _ends(int((site.root / "ssh").read_text()))

    def test_the_remote_of_the_rollout_in_progress_is_the_one_that_is_asked(
        self, site: Site
    ) -> None:
        site.git("remote", "rename", "origin", "upstream")
        site.ok("--remote-site", "upstream", "start")
        assert fine(site, "remote") == "upstream answers"
        with site.no_network():
            _, (_, emergency) = wrong(site, "remote")
        assert emergency.startswith("git deploy --no-remote sync")

    def test_a_branch_that_the_remote_does_not_have(self, site: Site) -> None:
        site.git("checkout", "--quiet", "-b", "new")
        text, steps = warned(site, "remote")
        assert "no branch new" in text
        assert steps == ["git push -u origin new"]


def _ends(process: int) -> bool:
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10)[0])
    finally:
        os.close(watched)


class TestRollouts:
    def test_a_rollout_under_way_is_told_with_who_and_since_when(self, site: Site) -> None:
        site.ok("start")
        text = fine(site, "lock")
        assert "Some Deployer <deployer@example.org>" in text
        assert "since 2" in text

    def test_a_rollout_that_was_forgotten(self, site: Site) -> None:
        site.ok("start")
        assert site.holder
        old = {**site.holder, "since": site.holder["since"] - 100_000}
        (site.state_directory / "lock").write_text(json.dumps(old))
        text, steps = warned(site, "lock")
        assert "(1 d 3 h ago)" in text
        assert "git deploy abort" in steps

    def test_a_command_that_was_killed(self, site: Site) -> None:
        site.ok("start")
        (site.state_directory / "running").write_text("4194303 ann")
        text, steps = warned(site, "lock")
        assert "its last command was killed" in text
        assert steps == ["git deploy status"]

    def test_a_lock_that_cannot_be_read(self, site: Site) -> None:
        site.state_directory.mkdir()
        (site.state_directory / "lock").write_text("{")
        text, steps = wrong(site, "lock")
        assert "cannot be read" in text
        assert steps[0] == "git deploy status"
        assert "--force abort" in steps[1]

    def test_a_damaged_state(self, site: Site) -> None:
        site.ok("start")
        (site.state_directory / "rollout.json").write_text("{")
        text, steps = warned(site, "lock")
        assert "the state is rebuilt from the journal" in text
        assert steps == ["git deploy status"]

    def test_a_damaged_state_that_the_journal_does_not_know(self, site: Site) -> None:
        site.ok("start")
        (site.state_directory / "rollout.json").write_text("{")
        (site.state_directory / "journal.sqlite").unlink()
        text, steps = wrong(site, "lock")
        assert "rollout.json, cannot be read" in text
        assert steps[0].startswith("git deploy abort")

    def test_a_rollout_of_a_repository_that_shares_the_lock(
        self, site: Site, tmp_path: Path
    ) -> None:
        other = Site.build(tmp_path / "other")
        for each in (site, other):
            each.config("deploy.lock-dir-root", str(tmp_path / "locks"))
        other.ok("start")
        text, _ = warned(site, "lock")
        assert str(other.repo) in text

    def test_a_block(self, site: Site) -> None:
        site.config("deploy.block-reason", "the database is being moved")
        text, _ = warned(site, "block")
        assert "the database is being moved" in text

    @pytest.mark.parametrize("damage", ["text", "directory"])
    def test_a_journal_that_cannot_be_used(self, site: Site, damage: str) -> None:
        site.state_directory.mkdir()
        path = site.state_directory / "journal.sqlite"
        if damage == "text":
            path.write_text("this is no database, however long one looks at it\n" * 100)
        else:
            path.mkdir()
        text, steps = wrong(site, "journal")
        assert f"the journal {path} cannot be used" in text
        assert steps[0].startswith("mv ")

    def test_a_journal_of_a_later_version(self, site: Site) -> None:
        path = site.state_directory / "journal.sqlite"
        Journal(path).close()
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        text, steps = wrong(site, "journal")
        assert f"the journal {path} was written by a later Sartoris" in text
        assert "upgrade Sartoris" in " ".join(steps)


class TestReleases:
    def test_something_else_in_the_place_of_the_publish_repository(self, site: Site) -> None:
        place = site.root / "publish"
        place.mkdir()
        (place / "notes").touch()
        site.config("deploy.publish-dir", str(place))
        text, steps = wrong(site, "publish repository")
        assert "not a git repository, and not empty" in text
        assert "deploy.publish-dir" in steps[0]

    def test_a_publish_repository_that_cannot_be_written_to(self, deployed: Site) -> None:
        place = deployed.state_directory / "publish.git"
        with mounted(place, "--bind", str(place)):
            subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
            text, _ = wrong(deployed, "publish repository")
        assert f"you may not write to {place}" in text

    def test_a_place_where_the_publish_repository_cannot_be_made(self, site: Site) -> None:
        place = site.root / "readonly"
        place.mkdir()
        site.config("deploy.publish-dir", str(place / "wiki.git"))
        with mounted(place, "--bind", str(place)):
            subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
            text, _ = wrong(site, "publish repository")
        assert f"you may not write to {place}" in text

    def test_more_packs_than_a_fetch_should_open(self, deployed: Site) -> None:
        packs = deployed.state_directory / "publish.git" / "objects" / "pack"
        for number in range(150):
            (packs / f"pack-{number:040x}.pack").touch()
        text, steps = warned(deployed, "publish repository")
        assert "151 packs" in text
        assert "repack" in steps[0]

    def test_a_release_that_should_be_live_and_is_not_published(self, deployed: Site) -> None:
        release = deployed.desired()
        (deployed.state_directory / "publish.git").rename(deployed.root / "away")
        text, _ = wrong(deployed, "newest release")
        assert release in text

    def test_a_url_that_does_not_answer(self, deployed: Site) -> None:
        nowhere = deployed.root / "nowhere.git"
        deployed.config("deploy.url", str(nowhere))
        text, steps = wrong(deployed, "url")
        assert "targets cannot fetch" in text
        assert steps == [f"git ls-remote {nowhere}"]

    def test_a_url_that_leads_to_another_repository(self, deployed: Site) -> None:
        deployed.config("deploy.url", str(deployed.origin))
        text, _ = wrong(deployed, "url")
        assert f"does not have {deployed.desired()}" in text

    def test_a_full_disk(self, site: Site) -> None:
        place = site.root / "small"
        place.mkdir()
        site.config("deploy.publish-dir", str(place / "wiki.git"))
        with mounted(place, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
            text, steps = wrong(site, "disk")
        assert text == f"1.0 MiB free at {place}"
        assert steps == [f"df -h {place}"]

    def test_a_disk_without_room_for_files(self, site: Site) -> None:
        place = site.root / "small"
        place.mkdir()
        site.config("deploy.publish-dir", str(place / "wiki.git"))
        with mounted(place, "-t", "tmpfs", "-o", "size=2g,nr_inodes=20", "tmpfs"):
            text, steps = wrong(site, "disk")
        assert "room for 19 more files" in text
        assert steps == [f"df -i {place}"]


class TestHooksAndReports:
    def test_hooks_that_run_are_counted(self, site: Site) -> None:
        site.hook("pre-sync.10-test")
        site.hook("post-sync.note", prefix="slot7")
        site.sync_hook()
        assert fine(site, "hooks").startswith("3 hooks in ")

    def test_hooks_that_are_passed_over_are_named_with_the_reason(self, site: Site) -> None:
        hook = site.hook("pre-sync.10-test")
        hook.chmod(0o644)
        text, steps = wrong(site, "hooks")
        assert "cannot run: it is not executable: no rollout gets past it" in text
        assert steps[0] == f"chmod +x {hook}"

    def test_a_sync_hook_that_is_passed_over(self, site: Site) -> None:
        site.sync_hook().chmod(0o644)
        text, _ = warned(site, "hooks")
        assert "slot0.sync is skipped" in text

    def test_a_file_that_belongs_to_no_phase(self, site: Site) -> None:
        hook = site.hook("presync.10-test")
        text, _ = warned(site, "hooks")
        assert text.startswith(f"{hook} never runs: ")
        assert "pre-sync" in text

    def test_a_hook_directory_that_is_not_there(self, site: Site) -> None:
        site.config("deploy.hook-dir", str(site.root / "hooks"))
        text, steps = wrong(site, "hooks")
        assert "there is no such directory" in text
        assert steps == [f"mkdir -p {site.root}/hooks/apps/common"]

    def test_a_mail_tool_that_is_not_there(self, site: Site) -> None:
        site.config("deploy.send-mail-on-sync", "true")
        text, _ = warned(site, "mail")
        assert "deploy.announce-mail is not" in text
        site.config("deploy.announce-mail", "all@example.org")
        site.config("deploy.mail-tool", "/no/such/sendmail -f")
        text, _ = wrong(site, "mail")
        assert "there is no such program" in text
        site.set("deploy.mail-tool", "cat")
        assert fine(site, "mail") == "to all@example.org, on sync"

    def test_a_log_that_cannot_be_written(self, site: Site) -> None:
        logs = site.root / "logs"
        site.config("deploy.log-directory", str(logs))
        assert wrong(site, "log")[1] == [f"mkdir -p {logs}"]
        logs.mkdir()
        assert fine(site, "log") == str(logs / "git-deploy.log")
        (logs / "git-deploy.log").mkdir()
        assert "is not a file" in wrong(site, "log")[0]


class TestTargets:
    def test_all_of_them_answer(self, deployed: Site) -> None:
        assert fine(deployed, "answers").startswith("3 targets of 3")

    def test_one_that_is_gone(self, deployed: Site) -> None:
        root = deployed.target("web2")
        root.rename(root.with_name("elsewhere"))
        text, steps = wrong(deployed, "answers")
        assert "1 target: unreachable" in text
        assert "(web2)" in text
        assert steps == [f"mkdir -p {root}   # unless it is on a disk that is not mounted"]

    def test_one_that_is_new_is_not_made(self, deployed: Site) -> None:
        deployed.config("deploy.target", f"web4={deployed.target('web4')}")
        assert fine(deployed, "new").startswith("web4: ")
        assert not deployed.target("web4").exists()

    def test_one_that_refuses(self, site: Site) -> None:
        listed = site.target("web3") / "etc" / "sartoris" / "target.json"
        listed.parent.mkdir(parents=True)
        listed.write_text("{")
        text, steps = wrong(site, "answers")
        assert "bad-policy" in text
        assert "(web3)" in text
        assert steps == ["git deploy report"]

    def test_a_new_site_without_targets_is_told_how_to_configure_them(self, plain: Site) -> None:
        ((state, text, steps),) = look(plain, "path", code=0)
        assert state == "warning"
        assert text.startswith("no targets, and no sync hook: a sync only tags")
        assert steps == ["git config --add deploy.target NAME=ROOT   # for each target"]
        assert look(plain, "answers") == []
        plain.config("deploy.transport", "salt")
        assert look(plain, "path", code=0)[0][2][0].startswith("git config deploy.targets ")

    def test_a_site_that_synchronises_by_hand(self, plain: Site) -> None:
        plain.ok("start")
        plain.commit({"index.php": "version 2\n"})
        plain.push()
        plain.ok("sync")
        plain.ok("finish")
        assert fine(plain, "path") == "no targets, and no sync hook: people synchronise"

    def test_a_site_that_synchronises_by_a_hook(self, plain: Site) -> None:
        hook = plain.sync_hook()
        assert fine(plain, "path") == f"no targets: the sync hook {hook} synchronises"


class TestChecksThatFail:
    def test_one_that_crashes_hides_no_other(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(person, "OLDEST_GIT", None)
        ((state, text, _),) = look(site, "version", code=0)
        assert state == "unknown"
        assert text.startswith("the check itself failed: TypeError: ")
        assert fine(site, "identity")

    def test_one_that_hangs_hides_no_other(self) -> None:
        released = threading.Event()

        def hang() -> Any:
            yield diagnostics.ok("first", "done")
            released.wait(60)

        checks = [
            diagnostics.Check("a", "hanging", hang, 0.1),
            diagnostics.Check("b", "other", lambda: [diagnostics.ok("other", "done")]),
        ]
        found = [
            (subject, one.name, one.state, one.text) for subject, one in diagnostics.look(checks)
        ]
        released.set()
        assert found == [
            ("a", "first", "ok", "done"),
            ("a", "hanging", "unknown", "no answer within 0.1 s"),
            ("b", "other", "ok", "done"),
        ]

    def test_what_the_machine_refuses_is_wrong(self) -> None:
        def see() -> Any:
            raise PermissionError(13, "Permission denied", "/srv/x")

        ((_, one),) = diagnostics.look([diagnostics.Check("a", "disk", see)])
        assert (one.state, one.text) == ("wrong", "/srv/x: Permission denied")
