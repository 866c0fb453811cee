"""Where and how `git deploy` may be typed, and what it says when it may not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sartoris import __version__
from sartoris.cli.main import COMMANDS
from tests.system.site import Site


def test_outside_of_a_repository(site: Site, tmp_path: Path) -> None:
    ran = site.deploy("start", at=tmp_path)
    assert ran.code == 1
    assert f"{tmp_path} is not in the work tree of a git repository" in ran.err
    assert "Next:" in ran.err


@pytest.mark.parametrize("words", [["start"], ["status"], ["report"]])
def test_in_a_bare_repository(site: Site, words: list[str]) -> None:
    ran = site.deploy(*words, at=site.origin)
    assert ran.code == 1
    assert "is not in the work tree of a git repository" in ran.err


def test_in_a_directory_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os; os.chdir(os.environ['GONE']); os.rmdir(os.environ['GONE']);"
        "from sartoris.cli.main import git_deploy; git_deploy()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "status"],
        env={**os.environ, "GONE": str(gone)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert b"bug" not in done.stderr
    assert b"the current directory is gone" in done.stderr


@pytest.mark.parametrize(
    "words", [["start"], ["sync"], ["report"], ["show"], ["show-tag"], ["status"], ["abort"]]
)
def test_before_the_first_commit(site: Site, tmp_path: Path, words: list[str]) -> None:
    empty = tmp_path / "empty"
    site.git("init", "--quiet", str(empty), at=tmp_path)
    site.git("config", "deploy.tag-prefix", "slot0", at=empty)
    ran = site.deploy(*words, at=empty)
    assert ran.code == (1 if words[0] in ("start", "sync", "abort") else 0), ran.err
    if words == ["start"]:
        assert "has no commits yet" in ran.err
        assert "git commit" in ran.err
    assert not (empty / ".git" / "deploy" / "lock").exists()


@pytest.mark.parametrize("words", [["start"], ["report"], ["show"], ["show-tag"]])
def test_without_a_prefix(site: Site, words: list[str]) -> None:
    site.git("config", "--unset", "deploy.tag-prefix")
    ran = site.deploy(*words)
    assert ran.code == 19
    assert "no prefix" in ran.err
    assert "git config deploy.tag-prefix slot0   # or a name of your own" in ran.err
    assert site.holder is None


def test_whether_a_rollout_is_under_way_can_be_told_without_a_prefix(site: Site) -> None:
    site.git("config", "--unset", "deploy.tag-prefix")
    assert site.deploy("status").code == 0
    site.ok("start", "slot0")
    ran = site.deploy("status")
    assert ran.code == 1
    assert "A rollout of slot0" in ran.out


def test_a_missing_prefix_is_the_answer_to_show_prefix(site: Site) -> None:
    site.git("config", "--unset", "deploy.tag-prefix")
    ran = site.deploy("--show-prefix")
    assert ran.code == 1
    assert "no prefix" in ran.err
    assert ran.out == ""


def test_several_messages_are_paragraphs_as_in_git(site: Site) -> None:
    site.ok("start", "-m", "first", "-m", "second")
    assert site.status()["lock"]["why"] == "first\n\nsecond"


def test_a_prefix_on_the_command_line_is_enough(site: Site) -> None:
    site.git("config", "--unset", "deploy.tag-prefix")
    site.ok("start", "slot0")
    site.ok("sync")
    assert site.everywhere() == {site.desired()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stat"], "Did you mean status?"),
        (["--dry-rum", "sync"], "--dry-rum"),
        (["revert", "-1"], "`git deploy revert 1` goes 1 back"),
        (["snyc"], "Did you mean sync?"),
        (["xyzzy"], "git deploy -h"),
        (["sync", "--dry-rum"], "--dry-run"),
        (["start", "a", "b"], "unexpected extra argument"),
        (["report", "--rollouts", "many"], "not a valid integer"),
        (["--message"], "requires an argument"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(site: Site, words: list[str], said: str) -> None:
    ran = site.deploy(*words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
    assert site.holder is None


def test_without_an_action_the_tags_of_what_is_checked_out_are_listed(site: Site) -> None:
    ran = site.ok()
    assert "No tags match HEAD" in ran.err
    assert "git deploy -h" in ran.err
    site.ok("start")
    (tag,) = site.tags()
    assert site.ok().out == f"{site.head()[:12]}.. *tag: {tag:<25}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_action_and_option(site: Site, option: str) -> None:
    ran = site.deploy(option)
    assert ran.code == 0
    assert ran.err == ""
    for name, (_, text) in COMMANDS.items():
        assert name in ran.out
        assert text.split(":")[0] in ran.out
    for known in ("--force", "--no-remote", "--message", "--json", "--version", "--skip-hooks"):
        assert known in ran.out


@pytest.mark.parametrize("action", COMMANDS)
def test_every_action_has_a_help_that_describes_every_option(site: Site, action: str) -> None:
    ran = site.deploy(action, "-h")
    assert ran.code == 0
    assert f"git deploy {action}" in ran.out
    _, _, options = ran.out.partition("Options:\n")
    lines = options.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("  -"):
            described = len(line.strip().split("  ")) > 1
            assert described or after.startswith("      ")


def test_help_needs_no_repository(site: Site, tmp_path: Path) -> None:
    assert site.deploy("-h", at=tmp_path).code == 0
    assert site.deploy("sync", "-h", at=tmp_path).code == 0


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version(site: Site, option: str) -> None:
    ran = site.deploy(option)
    assert (ran.code, ran.out) == (0, f"git-deploy, version {__version__}\n")


def test_git_is_missing(site: Site, tmp_path: Path) -> None:
    ran = site.run("status", PATH=str(tmp_path))
    assert ran.code == 1
    assert "git is not installed, or not in PATH" in ran.err
    assert "apt-get install git" in ran.err


def test_as_a_subcommand_of_git(site: Site, tmp_path: Path) -> None:
    executable = tmp_path / "bin" / "git-deploy"
    executable.parent.mkdir()
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    executable.write_text(f"#!{sys.executable}\n{program}\n")
    executable.chmod(0o755)
    environment = {**os.environ, "PATH": f"{executable.parent}:{os.environ['PATH']}"}
    words = ["git", "-c", "deploy.tag-prefix=slot3", "deploy", "status"]
    done = subprocess.run(
        words, cwd=site.repo / "lib", env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout == b"No rollout of slot3 is in progress.\n"


def test_in_a_linked_work_tree_the_lock_is_the_same(site: Site) -> None:
    linked = site.root / "linked"
    site.git("worktree", "add", "--quiet", "-b", "other", str(linked))
    site.ok("start")
    ran = site.deploy("start", at=linked)
    assert ran.code == 1
    assert f"was started in another work tree, {site.repo}" in ran.err


def test_a_repository_reached_through_a_symbolic_link(site: Site) -> None:
    link = site.root / "elsewhere"
    link.symlink_to(site.repo)
    assert site.deploy("start", at=link).code == 0
    assert site.deploy("sync", at=link).code == 0
    assert site.everywhere() == {site.desired()}


@pytest.mark.parametrize("action", ["status", "report", "doctor", "history", "show"])
def test_the_help_of_what_only_looks_has_no_options_for_changes(site: Site, action: str) -> None:
    told = site.ok(action, "-h").out
    assert "--json" in told
    assert "--adopt" not in told
    assert "--check-clean" not in told


def test_a_dry_run_may_be_asked_for_before_the_action(deployed: Site) -> None:
    deployed.push_elsewhere({"index.php": "next\n"}, "main", "Next")
    deployed.ok("start")
    before = deployed.desired()
    ran = deployed.ok("--dry-run", "sync")
    assert "Dry run: nothing was tagged, sent or switched." in ran.err
    assert deployed.desired() == before
