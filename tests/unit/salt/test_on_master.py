"""What the bridge imports of Salt. In a process of its own: Salt changes how Python imports."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("salt") is None, reason="Salt is not installed; scripts/setup dev does"
)

_LOOK = """
import json, pathlib, sys
from sartoris.salt.on_master import LocalMasterClient
way = LocalMasterClient.of(pathlib.Path(sys.argv[1]))
found = {name: name in sys.modules for name in ("salt.master", "salt.transport.tcp")}
import salt.master
found.update(id=way._opts["id"], master=salt.master.Master.__name__)
print(json.dumps(found))
"""


def look(tmp_path: Path, **config: str) -> dict[str, Any]:
    file = tmp_path / "master"
    file.write_text(json.dumps({"root_dir": str(tmp_path), **config}))
    command = [sys.executable, "-c", _LOOK, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_event_bus_comes_without_the_master_which_can_still_be_imported(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert (found["salt.transport.tcp"], found["salt.master"]) == (True, False)
    assert found["master"] == "Master"


def test_a_master_without_a_name_has_none_looked_up(tmp_path: Path) -> None:
    assert look(tmp_path)["id"] == socket.gethostname()
    assert look(tmp_path, id="salt.example.com")["id"] == "salt.example.com"
