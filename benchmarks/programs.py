"""Run programs, and measure them: wall time, and the CPU of all their processes together."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The submodules of the sites are on this machine, from which git clones none by itself.
ALLOW_LOCAL_SUBMODULES = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
}


@dataclass(frozen=True)
class Cost:
    """Seconds. `cpu` is user and system time of all processes."""

    wall: float
    cpu: float


@dataclass
class Measurement:
    """Filled in when the measured block ends."""

    cost: Cost = Cost(0, 0)


@contextmanager
def measured_children() -> Iterator[Measurement]:
    """What the child processes that end in this block cost; this process's own work is left out."""
    result = Measurement()
    wall, cpu = time.monotonic(), _children_cpu()
    yield result
    result.cost = Cost(time.monotonic() - wall, _children_cpu() - cpu)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    return run(["git", *arguments], directory, stdin=stdin)


def git_text(directory: Path, *arguments: str) -> str:
    return git(directory, *arguments).decode().strip()


def deploy(repository: Path, *arguments: str, allowed: Sequence[int] = (0,)) -> bytes:
    """`git deploy ARGUMENTS`, of the environment that the benchmark runs in; standard output."""
    return run([_executable(), *arguments], repository, allowed=allowed)


def python(repository: Path, module: str, *arguments: str) -> bytes:
    """`python -m MODULE ARGUMENTS`, run in `repository`."""
    return run([sys.executable, "-m", module, *arguments], repository)


def run(
    command: Sequence[str],
    directory: Path,
    *,
    stdin: bytes | None = None,
    allowed: Sequence[int] = (0,),
) -> bytes:
    """Standard output of a program that must end with one of the `allowed` exit codes."""
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **ALLOW_LOCAL_SUBMODULES, "PYTHONPATH": root},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
    )
    if done.returncode not in allowed:
        sys.stderr.buffer.write(done.stdout[-5000:] + done.stderr[-5000:])
        raise SystemExit(f"benchmark: {command} in {directory} ended with {done.returncode}")
    return done.stdout


def _executable() -> str:
    return str(Path(sys.executable).parent / "git-deploy")
