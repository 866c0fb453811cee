"""Programs that tests drive and that not every machine has."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str) -> str:
    """The path of `program`. Skips the test without it, except on the machine that must have it."""
    path = shutil.which(program)
    if path is None:
        reason = f"{program} is not installed; scripts/setup dev installs it"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    return path
