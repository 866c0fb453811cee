"""The demo: a new user's first minute."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.site import Ran

ENVIRONMENT = {"GIT_CONFIG_GLOBAL": "/dev/null", "PYTHONUNBUFFERED": "1"}


def typed(*command: str, at: Path, **more: str) -> Ran:
    """A command as a new user types it: without a git configuration of their own."""
    environment = {**os.environ, **ENVIRONMENT, **more}
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, check=False)
    return Ran(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))


def sartoris(*arguments: str, at: Path) -> Ran:
    program = "from sartoris.cli.operator import sartoris; sartoris()"
    return typed(sys.executable, "-c", program, *arguments, at=at)


def git_deploy(*arguments: str, at: Path) -> Ran:
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    return typed(sys.executable, "-c", program, *arguments, at=at)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """The demo, played once for all tests here, in a directory with a space in its name."""
    place = tmp_path_factory.mktemp("demo") / "my demo"
    return place, sartoris("demo", str(place), at=place.parent)


def live(place: Path, target: str, slot: str) -> Path:
    return place / "targets" / target / "usr/local/apache/common" / f"php-{slot}"


def test_it_ends_well(played: tuple[Path, Ran]) -> None:
    _, ran = played
    assert ran.code == 0, ran.out + ran.err


def test_it_prints_each_command_that_it_runs(played: tuple[Path, Ran]) -> None:
    _, ran = played
    commands = [line.removeprefix("$ ") for line in ran.out.splitlines() if line[:2] == "$ "]
    told = (
        "start",
        "sync",
        "sync --dry-run",
        "start slot1 --new-prefix",
        "sync slot1",
        "status",
        "resync",
    )
    for words in (*told, "--no-remote start", "--no-remote sync", "report --verify"):
        assert f"git deploy {words}" in commands


def test_it_leaves_the_site_that_it_describes(played: tuple[Path, Ran]) -> None:
    place, _ = played
    for target in ("demo-web1", "demo-web2", "demo-web3"):
        assert "closed for repairs" in (live(place, target, "slot0") / "index.php").read_text()
        assert "1.20wmf2" in (live(place, target, "slot1") / "index.php").read_text()
        assert (live(place, target, "slot0") / "extensions/Cite/Cite.php").is_file()
    assert (place / "origin" / "wiki.git").is_dir()
    assert (place / "deploy" / "wiki" / ".git").is_dir()


def test_it_shows_the_gate_and_that_nothing_live_had_changed(played: tuple[Path, Ran]) -> None:
    _, ran = played
    told = ran.out + ran.err
    assert "(exit code 71)" in told
    assert "Nothing has switched, anywhere" in told
    assert "unreachable" in told


def test_afterwards_the_place_can_be_played_in(played: tuple[Path, Ran]) -> None:
    place, _ = played
    wiki = place / "deploy" / "wiki"
    assert git_deploy("status", at=wiki).code == 0
    _, *shown = git_deploy("show", at=wiki).out.splitlines()
    (before,) = [line.split()[1] for line in shown if line.split()[0] == "1"]
    reverted = git_deploy("rollback", "--yes", at=wiki)
    assert reverted.code == 0, reverted.err
    assert f"{before} is live on 3 of 3 targets" in reverted.err
    assert "closed for repairs" not in (live(place, "demo-web2", "slot0") / "index.php").read_text()
    report = git_deploy("report", at=wiki)
    assert report.code == 0
    assert "3 of 3 targets current" in report.out


def test_a_directory_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious\n")
    ran = sartoris("demo", str(tmp_path / "mine"), at=tmp_path)
    assert ran.code == 1
    assert "is not empty" in ran.err
    assert contents(tmp_path / "mine") == {"thesis.txt": "precious\n"}


def contents(directory: Path) -> Mapping[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_help_says_what_the_demo_is(tmp_path: Path) -> None:
    assert "Make a small site" in sartoris("demo", "--help", at=tmp_path).out
