"""The modules of the agent, joined into the one file that travels."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

from sartoris import agent
from sartoris.agent.joined import MODULES, joined

from .conftest import Target

PACKAGE = Path(agent.__file__).parent


def test_every_module_of_the_package_is_in_it() -> None:
    apart = {"__init__", "joined"}
    assert {path.stem for path in PACKAGE.glob("*.py")} - apart == set(MODULES)


def test_it_says_that_it_is_made_and_from_what() -> None:
    assert "sartoris/agent; changes belong there" in joined().partition("\n")[0]


def test_it_knows_nothing_of_a_transport() -> None:
    assert "salt" not in joined().lower()


def test_it_is_syntax_of_python_3_9() -> None:
    ast.parse(joined(), feature_version=(3, 9))


def test_it_carries_out_orders_alone(target: Target, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "agent.py"
    alone.parent.mkdir()
    alone.write_text(joined())
    commit = target.publisher.release("t1", {"a": "1"})
    outcome: dict[str, object] = {}
    for action in ("fetch", "switch"):
        order = target.order(action, "t1", commit, path=f"{target.root}/srv/app/php-slot0")
        answer = subprocess.run(
            [sys.executable, "-I", str(alone)],
            input=json.dumps(order).encode(),
            cwd=alone.parent,
            capture_output=True,
            check=True,
        )
        outcome = json.loads(answer.stdout)
        assert outcome["ok"], outcome
    assert outcome["live"] == "t1"
    assert (target.live / "a").read_text() == "1"
