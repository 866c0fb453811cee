"""The process that speaks Salt (`sartoris.salt.bridge`), as seen from this one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sartoris.errors import Refused, WrongSetup
from sartoris.shell import command

# The Python of Salt's own packages, in which `salt-pip` installs.
ONEDIR_PYTHON = Path("/opt/saltstack/salt/bin/python3")


class SaltRefused(Refused):
    """The master does not take what was asked of it."""


class NotPermitted(SaltRefused):
    """The master does not let this user, or this minion, do that."""


_NEXT = {
    "MasterSilent": ("systemctl status salt-master",),
    "NotPermitted": ("git deploy doctor",),
    "NoSalt": ("git config deploy.salt-config DIRECTORY   # Salt's configuration directory",),
    "Conflict": ("git config deploy.path PATH   # another slot",),
}


class Bridge:
    """The process for Salt's configuration directory `config`; one request at a time.

    Raises `WrongSetup` when there is no Salt to run it with.
    """

    def __init__(self, config: Path) -> None:
        program = [*_python(), "-m", "sartoris.salt.bridge", str(config.absolute())]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=_environment(),
            cwd="/",  # Python imports what is in its directory: never the files that are deployed
            start_new_session=True,  # an interrupt is for us
        )

    def ask(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answers, each as it comes. Raises `SaltRefused`."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended; what it said last is why
        while line := self._process.stdout.readline():
            answer = json.loads(line)
            if "failed" in answer:
                raise _failure(answer)
            if "done" in answer:
                return
            yield answer
        raise SaltRefused(f"Salt's client process has exited: {self._last_words()}")

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()  # Salt takes its time to let go of itself; minions go on without it
        with suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._said.close()

    def _last_words(self) -> str:
        self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"


def _failure(answer: Mapping[str, Any]) -> Refused:
    kind = NotPermitted if answer["kind"] == "NotPermitted" else SaltRefused
    return kind(answer["failed"], next_steps=_NEXT.get(answer["kind"], ()))


def _python() -> list[str]:
    """A Python that has Salt: this one, or that of Salt's own packages."""
    if importlib.util.find_spec("salt") is not None:
        return [sys.executable]
    if ONEDIR_PYTHON.exists():
        return [str(ONEDIR_PYTHON)]
    raise WrongSetup(
        "Salt is not installed in the Python that runs Sartoris",
        next_steps=[command(sys.executable, "-m", "pip", "install", "salt>=3006")],
    )


def _environment() -> dict[str, str]:
    """Another Python finds Sartoris where this one has it."""
    here = str(Path(__file__).parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
