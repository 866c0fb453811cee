"""The runner's functions, without a master.

Salt is imported in a process of its own: it changes how Python imports.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("salt") is None, reason="Salt is not installed; scripts/setup dev does"
)

_ASK = """
import sys
import salt.config
from sartoris.salt.runner import functions
opts = salt.config.master_config(sys.argv[1])
functions.__opts__ = {**opts, **({"id": sys.argv[2]} if sys.argv[2] else {})}
print(functions._caller())
"""


def caller(tmp_path: Path, minion: str) -> str:
    """Who has asked, when Salt put `minion` into the runner's options ("": the master's own id)."""
    file = tmp_path / "master"
    file.write_text(json.dumps({"root_dir": str(tmp_path)}))
    command = [sys.executable, "-c", _ASK, str(file), minion]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_on_the_master_nobody_has_asked(tmp_path: Path) -> None:
    assert caller(tmp_path, "") == ""


@pytest.mark.parametrize("name", ["web1", "db_master"])
def test_a_minion_that_asks_is_known_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    assert caller(tmp_path, name) == name
