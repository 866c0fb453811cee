"""Log files: git-deploy.log, and the timing log. Neither can stop a rollout."""

from __future__ import annotations

import getpass
import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.site import Site

LINE = re.compile(r"# (\S+) +\| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d # *(LOG|INFO|NOTE|WARN): (.*)")


@pytest.fixture
def logs(plain: Site) -> Path:
    """The log directory of the site `plain`."""
    directory = plain.root / "logs"
    directory.mkdir()
    plain.config("deploy.log-directory", str(directory))
    return directory


def entries(logs: Path) -> list[tuple[str, str, str]]:
    """User, kind and text of each line, every one of which has the form of git-deploy's."""
    found = []
    for line in (logs / "git-deploy.log").read_text(errors="surrogateescape").splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[1], match[2], match[3]))
    return found


def texts(logs: Path, kind: str = "") -> list[str]:
    return [text for _, found, text in entries(logs) if kind in ("", found)]


def change(site: Site) -> None:
    site.commit({"index.php": "version 2\n"})
    site.push()


class TestTheLog:
    def test_a_line_is_git_deploys(self, plain: Site, logs: Path) -> None:
        assert plain.run("start", "-m", "why not").code == 0
        user, kind, text = entries(logs)[0]
        assert user == getpass.getuser()
        assert (kind, text) == ("LOG", "git deploy start -m why not")
        raw = (logs / "git-deploy.log").read_text().splitlines()[0]
        assert raw.startswith(f"# {user:<12} | {time.strftime('%Y-')}")
        assert "#   LOG: " in raw

    def test_it_tells_the_steps_the_tag_and_the_turns(self, plain: Site, logs: Path) -> None:
        plain.ok("start")
        change(plain)
        plain.hook("pre-sync.check", "exit 0")
        plain.ok("sync")
        plain.ok("finish")
        tag = plain.tags()[-1]
        assert f"{plain.head()} tagged as {tag}" in texts(logs, "NOTE")
        assert f"the rollout of {tag} is finished" in texts(logs, "NOTE")
        assert "pull origin main" in texts(logs, "INFO")
        assert any("pre-sync hook" in text and "exit code 0" in text for text in texts(logs))

    def test_it_tells_what_went_wrong(self, plain: Site, logs: Path) -> None:
        plain.hook("pre-start.check", "exit 3")
        assert plain.deploy("start").code == 1
        assert any("exit code 3" in text for text in texts(logs, "WARN"))
        plain.sync_hook("exit 4")
        plain.ok("--skip-hooks", "start")
        change(plain)
        assert plain.deploy("sync", "--no-check-clean").code in (1, 71)
        assert any("exited with" in text for text in texts(logs, "WARN"))

    def test_a_sync_to_a_fleet_tells_who_failed(self, site: Site) -> None:
        logs = site.root / "logs"
        logs.mkdir()
        site.config("deploy.log-directory", str(logs))
        site.ok("start")
        site.break_target("web2")
        assert site.deploy("sync").code == 71
        assert any("failed: web2" in text for text in texts(logs))
        assert "gate closed: web2" in texts(logs, "WARN")

    def test_a_message_of_several_lines_is_seen_to_be_one(self, plain: Site, logs: Path) -> None:
        assert plain.run("start", "-m", "one\n# two\n\nthree").code == 0
        said = texts(logs, "LOG")
        assert said == ["git deploy start -m one", "  # two", "", "  three"]

    def test_bytes_that_are_no_text_are_kept(self, plain: Site, logs: Path) -> None:
        assert plain.run("start", "-m", os.fsdecode(b"caf\xe9")).code == 0
        assert b"-m caf\xe9\n" in (logs / "git-deploy.log").read_bytes()

    def test_questions_leave_no_trace(self, plain: Site, logs: Path) -> None:
        for question in ("status", "report", "show", "show-tag", "--list"):
            plain.deploy(question)
        plain.deploy("sync", "--dry-run")
        assert list(logs.iterdir()) == []

    def test_the_person_behind_sudo_is_named(self, plain: Site, logs: Path) -> None:
        with plain.typed_by("Ann"):
            plain.ok("start")
        assert {user for user, _, _ in entries(logs)} == {"ann"}

    def test_each_appends_to_what_others_wrote(self, plain: Site, logs: Path) -> None:
        plain.ok("start")
        plain.ok("abort")
        before = (logs / "git-deploy.log").read_text()
        with plain.typed_by("Ann"):
            plain.ok("start")
        after = (logs / "git-deploy.log").read_text()
        assert after.startswith(before)
        users = [user for user, _, _ in entries(logs)]
        assert users == sorted(users, key=[getpass.getuser(), "ann"].index)

    def test_many_at_once_tear_no_line(self, plain: Site, logs: Path) -> None:
        """Several repositories of a site write to one directory."""
        message = "x" * 20_000
        commands = [plain.spawn("start", "-m", f"{number}{message}") for number in range(6)]
        for command in commands:
            command.communicate()
        said = texts(logs, "LOG")
        assert sorted(said) == [f"git deploy start -m {number}{message}" for number in range(6)]

    def test_a_group_may_write_it_where_the_umask_says_so(self, plain: Site, logs: Path) -> None:
        before = os.umask(0o002)
        try:
            plain.ok("start")
        finally:
            os.umask(before)
        assert (logs / "git-deploy.log").stat().st_mode & 0o777 == 0o664


class TestALogThatCannotBeWritten:
    def whole(self, site: Site) -> list[str]:
        said = [site.ok("start").err]
        change(site)
        said += [site.ok("sync").err, site.ok("finish").err]
        return said

    def test_a_directory_that_is_missing(self, plain: Site) -> None:
        plain.config("deploy.log-directory", str(plain.root / "nowhere"))
        for said in self.whole(plain):
            log = plain.root / "nowhere" / "git-deploy.log"
            assert f"note: {log} cannot be written: No such file or directory" in said
            assert said.count("cannot be written") == 1

    def test_a_directory_in_its_place(self, plain: Site, logs: Path) -> None:
        (logs / "git-deploy.log").mkdir()
        for said in self.whole(plain):
            assert "cannot be written: Is a directory" in said

    @pytest.fixture
    def read_only(self, logs: Path) -> Iterator[Path]:
        (logs / "git-deploy.log").write_text("from before\n")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro", "none", str(logs)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            if os.environ.get("CI") == "true":
                pytest.fail("mount does not work here")
            pytest.skip("mount does not work here")
        try:
            yield logs
        finally:
            subprocess.run(["umount", str(logs)], check=True)

    def test_a_directory_that_is_read_only(self, plain: Site, read_only: Path) -> None:
        plain.config("deploy.log-timing-data", "true")
        for said in self.whole(plain):
            log = read_only / "git-deploy.log"
            assert f"note: {log} cannot be written: Read-only file system" in said
            assert "note: no timing log:" in said

    def test_a_disk_that_is_full(self, plain: Site, logs: Path) -> None:
        (logs / "git-deploy.log").symlink_to("/dev/full")
        for said in self.whole(plain):
            assert "cannot be written: No space left on device" in said


class TestTheTimingLog:
    @pytest.fixture
    def timed(self, plain: Site, logs: Path) -> Path:
        plain.config("deploy.log-timing-data", "true")
        return logs

    def files(self, logs: Path) -> list[Path]:
        return sorted(logs.glob("timing_gdt-*.txt"))

    def moments(self, file: Path) -> list[tuple[str, float, float, float]]:
        found = []
        for line in file.read_text().splitlines()[1:]:
            tag, at, since, elapsed = line.split("\t")
            found.append((tag, float(at), float(since), float(elapsed)))
        return found

    def test_it_is_written_only_where_asked_for(self, plain: Site, logs: Path) -> None:
        plain.ok("start")
        assert self.files(logs) == []

    def test_its_form_is_git_deploys(self, plain: Site, timed: Path) -> None:
        plain.hook("pre-start.010_check-it", "exit 0")
        began = time.time()
        assert plain.run("start").code == 0
        (file,) = self.files(timed)
        epoch = re.fullmatch(r"timing_gdt-(\d+)\.txt", file.name)
        assert epoch
        assert int(began) <= int(epoch[1]) <= time.time()
        assert file.read_text().split("\n")[0].startswith("# ")
        assert file.read_text().split("\n")[0].endswith("\tstart")
        moments = self.moments(file)
        assert moments[0][0] == "gdt_start"
        assert moments[0][2:] == (-1, -1)
        assert moments[-1][0] == "gdt_end"
        tags = [moment[0] for moment in moments]
        assert {"pull__start", "pull__end"} <= set(tags)
        assert "hook_pre_start_pre_start_010_check_it__start" in tags
        assert all(re.fullmatch(r"\w+", tag) for tag in tags)

    def test_its_times_add_up(self, plain: Site, timed: Path) -> None:
        plain.hook("pre-start.slow", "sleep 0.2")
        assert plain.run("start").code == 0
        moments = self.moments(self.files(timed)[0])
        assert [at for _, at, _, _ in moments] == sorted(at for _, at, _, _ in moments)
        for (_, before, _, _), (_, at, since, _) in itertools.pairwise(moments):
            assert since == pytest.approx(at - before, abs=1e-4)
        (slow,) = [moment for moment in moments if moment[0].endswith("slow__end")]
        assert 0.2 <= slow[3] < 20
        for tag, _, _, elapsed in moments:
            assert (elapsed >= 0) == (tag.endswith("__end")), tag

    def test_a_command_that_fails_is_timed_too(self, plain: Site, timed: Path) -> None:
        plain.hook("pre-start.check", "exit 3")
        assert plain.deploy("start").code == 1
        (file,) = self.files(timed)
        assert self.moments(file)[-1][0] == "gdt_end"

    def test_commands_of_one_second_have_a_file_each(self, plain: Site, timed: Path) -> None:
        for _ in range(3):
            plain.ok("start")
            plain.ok("abort")
        assert len(self.files(timed)) == 6
        assert all(self.moments(file)[-1][0] == "gdt_end" for file in self.files(timed))

    def test_questions_are_not_timed(self, plain: Site, timed: Path) -> None:
        plain.ok("status")
        plain.ok("show")
        assert self.files(timed) == []

    def test_without_a_directory_nothing_is_written(self, plain: Site) -> None:
        plain.config("deploy.log-timing-data", "true")
        plain.ok("start")
