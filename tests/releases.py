"""The agent and the orders of another release of Sartoris, as they were at commit 5721297."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.programs import python_3_9

FIXTURES = Path(__file__).parent / "fixtures"
OLDER_AGENT = FIXTURES / "agent-5721297.py"

_DRIVER = """
import json, runpy, sys
agent = runpy.run_path(sys.argv[1], run_name="agent")
json.dump(agent["perform"](json.load(sys.stdin), sys.argv[2]), sys.stdout)
"""


def older_agent(order: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Its outcome, on the target whose `/` is `root`."""
    done = subprocess.run(
        [python_3_9() or sys.executable, "-I", "-c", _DRIVER, str(OLDER_AGENT), root],
        input=json.dumps(order).encode(),
        capture_output=True,
        check=True,
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def older_orders() -> ModuleType:
    """The module `sartoris.orders` of its deployment server."""
    spec = importlib.util.spec_from_file_location("orders_5721297", FIXTURES / "orders-5721297.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module
