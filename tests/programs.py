"""Programs that tests drive and that not every machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def need(program: str) -> str:
    """The path of `program`. Skips the test without it, except on the machine that must have it."""
    path = shutil.which(program)
    if path is None:
        reason = f"{program} is not installed; scripts/setup dev installs it"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    return path


def python_3_9() -> str | None:
    """The oldest Python that the agent is for, if there is one here."""
    managed = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3"))
    candidates = [shutil.which("python3.9"), *map(str, managed)]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None
