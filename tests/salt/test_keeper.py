"""No daemon of the tests outlives them, not even tests that were killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROGRAM = """\
import sys, time
from pathlib import Path
from tests.salt.daemon import Daemon, Keeper

here = Path(sys.argv[1])
script = 'setsid sh -c "while :; do : >> $1/alive; sleep 0.01; done" & wait'
daemon = Daemon(["sh", "-c", script, "sh", str(here)], Keeper(here), here / "printed", {})
daemon.start()
print("started", flush=True)
time.sleep(600)
"""


def test_what_killed_tests_leave_is_ended_and_removed(tmp_path: Path) -> None:
    here = tmp_path / "cluster"
    here.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(here)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as tests:
        assert tests.stdout is not None
        tests.stdout.readline()
        _wait_until((here / "alive").exists)
        tests.kill()
    _wait_until(lambda: not here.exists())
    assert not _processes_with(str(here))


def _wait_until(condition: Callable[[], bool], limit: float = 20) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def _processes_with(argument: str) -> list[str]:
    """The processes that have `argument` in their command line; a keeper may still be ending."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if argument.encode() in words and b"-IS" not in words:
                found.append(str(path))
    return found
