"""Commands as processes of their own that start at once, to be killed or raced.

A new interpreter takes longer to start than most commands take to run. So one process imports
everything and waits; each command is a fork of it, in a session of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
# The far end of a push is another machine's: it does not die with the deployment server.
FAR_END = "setsid git-receive-pack"


@dataclass(frozen=True)
class Ended:
    """How a command ended. `code` None: it was killed. `seconds` is how long it ran."""

    code: int | None
    seconds: float
    out: str
    err: str


class Warm:
    """The test's end: asks the waiting process to run commands."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.warm"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @classmethod
    @contextlib.contextmanager
    def up(cls) -> Iterator[Warm]:
        warm = cls()
        try:
            yield warm
        finally:
            warm.close()

    def run(
        self,
        arguments: Sequence[str],
        at: Path,
        *,
        kill_after: float | None = None,
        everything: bool = True,
    ) -> Ended:
        """`git deploy ARGUMENTS` in `at`, killed after so many seconds if it has not ended.

        With `everything` all that it started dies at the same moment, as in a power cut; otherwise
        only its process group, and what runs in a session of its own goes on.
        """
        return self.race(arguments, at, 1, kill_after=kill_after, everything=everything)[0]

    def race(
        self,
        arguments: Sequence[str],
        at: Path,
        count: int,
        *,
        kill_after: float | None = None,
        everything: bool = True,
    ) -> list[Ended]:
        """The same command `count` times, at the same instant; how each ended."""
        order = {
            "arguments": list(arguments),
            "at": str(at),
            "count": count,
            "kill_after": kill_after,
            "everything": everything,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the warm process has died"
        return [Ended(**one) for one in json.loads(answer)]

    def close(self) -> None:
        self._process.communicate()


def _serve() -> None:
    _import_everything()
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in sys.stdin.buffer:
        answer = _perform(**json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _import_everything() -> None:
    """What a command imports on its way must not be imported in each fork again."""
    import sartoris

    for module in pkgutil.walk_packages(sartoris.__path__, "sartoris."):
        with contextlib.suppress(ImportError):  # of something optional that is not installed
            importlib.import_module(module.name)


def _perform(
    arguments: list[str], at: str, count: int, kill_after: float | None, everything: bool
) -> list[dict[str, Any]]:
    gate_out, gate_in = os.pipe()
    with contextlib.ExitStack() as files:
        outputs = [
            tuple(files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            for _ in range(count)
        ]
        children = []
        for out, err in outputs:
            child = os.fork()
            if child == 0:
                os.close(gate_in)
                _become(arguments, at, gate_out, out.fileno(), err.fileno())
            children.append(child)
        os.close(gate_out)
        began = time.monotonic()
        os.close(gate_in)  # all of them wait for this
        answers = []
        for child, (out, err) in zip(children, outputs, strict=True):
            code = _wait(child, kill_after, everything)
            seconds = time.monotonic() - began
            texts = {"out": _text(out), "err": _text(err)}
            answers.append({"code": code, "seconds": seconds, **texts})
    return answers


def _become(arguments: list[str], at: str, gate: int, out: int, err: int) -> None:
    """In the child: wait for the others, then be `git deploy`. Does not return."""
    code = 70
    try:
        os.setsid()
        os.chdir(at)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.read(gate, 1)
        from sartoris.cli import boundary
        from sartoris.cli.main import main

        code = boundary.guarded("git-deploy", lambda: main(arguments))
    except BaseException:  # noqa: BLE001 - a child must never run on as a second server
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int, kill_after: float | None, everything: bool) -> int | None:
    descriptor = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([descriptor], [], [], kill_after)
    finally:
        os.close(descriptor)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not ended:
        _bury(child, everything)
    return os.waitstatus_to_exitcode(status) if ended else None


def _bury(group: int, everything: bool) -> None:
    """Wait until a killed process group is gone, and what it left, which is this process's now."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)
    me = os.getpid()
    for orphan in _children(me):
        if _is_far_end(orphan):  # it sees that the near end is gone, and ends
            os.waitpid(orphan, 0)
    while everything and (orphans := _children(me)):
        for orphan in orphans:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)


def _children(pid: int) -> list[int]:
    return [int(name) for name in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_far_end(pid: int) -> bool:
    return b"receive-pack" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


if __name__ == "__main__":
    _serve()
