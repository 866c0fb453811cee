"""A command that was started with SIGINT ignored can be interrupted like any other.

That is how a shell starts what a script runs in the background, and how some CI systems start jobs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.site import Site

PROGRAM = "from sartoris.cli.main import git_deploy; git_deploy()"


def in_the_background(site: Site, *arguments: str) -> subprocess.Popen[str]:
    """`git deploy ARGUMENTS`, as `sh` starts it with `&` in a script."""
    return subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", PROGRAM, *arguments],
        cwd=site.repo,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def alive(plain: Site) -> Path:
    """A pipe that is written to when the pre-start hook begins, and closed when it has ended."""
    alive = plain.root / "alive"
    os.mkfifo(alive)
    plain.hook("pre-start.wait", f"exec 9> '{alive}'; echo began >&9; exec sleep 60")
    return alive


def test_kill_int_ends_it_and_the_hook_that_it_runs(plain: Site, alive: Path) -> None:
    with in_the_background(plain, "start") as running, alive.open() as hook:
        assert hook.readline() == "began\n"
        running.send_signal(signal.SIGINT)
        _, told = running.communicate()
        assert hook.read() == ""
    assert running.returncode == 130
    assert "interrupted: no rollout is in progress" in told
    assert plain.status()["status"] == "none"


def test_what_is_interrupted_says_where_it_stands_and_what_leads_on(deployed: Site) -> None:
    deployed.commit({"index.php": "next\n"})
    deployed.git("push", "-q", "origin", "HEAD")
    deployed.ok("start")
    alive = deployed.root / "alive"
    os.mkfifo(alive)
    deployed.hook("pre-sync.wait", f"exec 9> '{alive}'; echo began >&9; exec sleep 60")
    with in_the_background(deployed, "sync") as running, alive.open() as hook:
        assert hook.readline() == "began\n"
        running.send_signal(signal.SIGINT)
        _, told = running.communicate()
    assert running.returncode == 130
    assert told.endswith(
        "git-deploy: interrupted: started, not synced yet\n"
        "Next:\n  git deploy sync\n  git deploy abort\n"
    )


def test_what_it_starts_can_be_interrupted_too(plain: Site) -> None:
    plain.hook("pre-start.ends", "kill -INT $$; sleep 0; exit 0")
    with in_the_background(plain, "start") as running:
        _, told = running.communicate()
    assert running.returncode == 1
    assert "was killed by SIGINT" in told
