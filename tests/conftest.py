"""What every test needs: a git configuration that is the test's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_CONFIG = """\
[user]
\tname = Some Deployer
\temail = deployer@example.org
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[advice]
\tdetachedHead = false
"""


@pytest.fixture(autouse=True)
def git_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's git configuration for this test, instead of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "gitconfig"
    config.write_text(_CONFIG)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return config


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n` and no `--dist`, tests are spread as tests/spread.py says."""
    if config.getvalue("dist") != "load":
        return None
    from tests.spread import Spread

    return Spread(config, log)
