"""A command that takes too long is stopped, with all that it has started."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartoris.git import limited
from sartoris.git.limited import Ended, run_limited


class Alive:
    """A pipe that is open as long as any process that opened it in a script still runs."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> None:
        os.close(self._descriptor)

    @property
    def began(self) -> bool:
        return self._read() == b"began\n"

    @property
    def ended(self) -> bool:
        return self._read() == b""

    def _read(self) -> bytes | None:
        """What comes next; None if for a minute nothing does."""
        readable, _, _ = select.select([self._descriptor], [], [], 60)
        return os.read(self._descriptor, 100) if readable else None

    def time_is_over_once_it_began(self, *_: object) -> bool:
        assert self.began
        return False


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[Alive]:
    alive = Alive(tmp_path / "alive")
    yield alive
    alive.close()


def run(script: str, seconds: float, **variables: str) -> Ended:
    environment = {"PATH": os.environ["PATH"], **variables}
    command = ["sh", "-c", script]
    return run_limited(command, directory=Path("/"), environment=environment, seconds=seconds)


@pytest.mark.parametrize("seconds", [0, 60])
def test_one_that_ends_in_time_has_its_exit_code_and_output(seconds: float) -> None:
    assert run("echo out; echo err >&2; exit 3", seconds) == Ended(3, b"out\n", b"err\n")


def test_one_that_takes_too_long_is_stopped() -> None:
    assert run("exec sleep 600", 0.1).exit_code is None


def test_what_it_has_started_is_stopped_with_it(
    alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "_ends_within", alive.time_is_over_once_it_began)
    child = f"exec 9> '{alive.path}'; echo began >&9; exec sleep 600"
    ended = run(f'echo out; echo err >&2; sh -c "{child}" & wait', 60)
    assert ended == Ended(None, b"out\n", b"err\n")
    assert alive.ended


def test_one_that_does_not_want_to_end_is_killed(
    alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "GRACE", 0.1)
    monkeypatch.setattr(limited, "_ends_within", alive.time_is_over_once_it_began)
    child = f"trap '' TERM; exec 9> '{alive.path}'; echo began >&9; while :; do sleep 1; done"
    assert run(f'trap "" TERM; sh -c "{child}" & wait', 60).exit_code is None
    assert alive.ended


def test_an_interrupt_stops_it_too(alive: Alive) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(f"exec 9> '{alive.path}'; echo began >&9; kill -INT $PPID; exec sleep 600", 60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert alive.began
    assert alive.ended


def test_a_command_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_limited(["/no/such/thing"], directory=Path("/"), environment={}, seconds=1)
