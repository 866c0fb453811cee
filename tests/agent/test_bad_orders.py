"""Names and paths are checked before they are used; an agent says what it does not know."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent import slot
from sartoris.agent.joined import joined
from sartoris.agent.outcome import perform
from tests.programs import python_3_9

from .conftest import Target

COMMIT = "0" * 40

UNSAFE_NAMES = ["", "..", ".a", "-x", "a/b", "a\nb", "a\0b", "a..b", "x.lock", "a.", "a" * 300]
UNSAFE_PATHS = ["", "/", "srv/x", "/srv/../etc", "/srv/./x", "/srv//x", "/srv/x/", "/a\nb", "//srv"]
UNSAFE_INNER = ["", "/etc", "../x", "a/../b", "a//b", "./a", "-x", ".git/hooks", "a/.GIT", "a\nb"]

NUMBERS = ("timeout", "keep", "size", "decided")

CASES: list[tuple[str, Any]] = [
    *(("slot", value) for value in [*UNSAFE_NAMES, "a b", "ä", 7, None]),
    *(("release", value) for value in [*UNSAFE_NAMES, "a b", "a~1", "a:b", "@{1}"]),
    *(("repository", value) for value in UNSAFE_NAMES),
    *(("path", value) for value in [*UNSAFE_PATHS, "/srv/.sartoris/x", "/srv/\ud800"]),
    *(("shared", [value]) for value in [*UNSAFE_INNER, 7]),
    *(("deploy_file", value) for value in UNSAFE_INNER),
    ("shared", "uploads"),
    ("shared", ["a", "a/b"]),
    ("shared", [".deploy"]),
    ("commit", ""),
    ("commit", "main"),
    ("commit", "0" * 39),
    ("commit", "A" * 40),
    ("commit", "0" * 40 + "\n"),
    ("url", "--upload-pack=touch /tmp/x"),
    ("url", "a\nb"),
    ("action", "explode"),
    ("switch", "sideways"),
    ("keep", -1),
    ("keep", True),
    ("timeout", 0),
    ("timeout", "600"),
    ("size", -1),
    ("adopt", "yes"),
    *(("level", value) for value in [-1, 10**9, True, 1.0]),
    *((name, 10**30) for name in NUMBERS),
    *((name, -(10**30)) for name in NUMBERS),
    *((name, value) for name in NUMBERS for value in [1 << 62, 1.0, math.nan, math.inf, False]),
    ("timeout", 7 * 24 * 3600 + 1),
    ("keep", 10_001),
    ("shared", [str(number) for number in range(1001)]),
    ("slot", "a" * 1_000_000),
]


@pytest.mark.parametrize(("field", "value"), CASES)
def test_an_unsafe_order_is_refused_before_anything_is_touched(
    target: Target, field: str, value: object
) -> None:
    order = {**target.order("fetch", "t1", COMMIT, deploy_text="x"), field: value}

    outcome = perform(order, str(target.root))

    assert (outcome["ok"], outcome["error"]) == (False, "bad-order")
    assert field in outcome["message"]
    assert len(outcome["message"]) < 500
    assert list(target.root.iterdir()) == []


@pytest.mark.parametrize("field", ["version", "level", *NUMBERS])
def test_a_number_that_cannot_even_be_shown_is_refused(target: Target, field: str) -> None:
    outcome = perform({**target.order("status"), field: 10**5000}, str(target.root))

    assert outcome["error"] in ("bad-order", "unknown-version")


@pytest.mark.parametrize("field", ["action", "repository", "slot", "path"])
def test_a_missing_field_is_named(target: Target, field: str) -> None:
    order = target.order("fetch", "t1", COMMIT)
    del order[field]

    outcome = perform(order, str(target.root))

    assert (outcome["error"], outcome["message"]) == ("bad-order", f"{field} is missing")


def test_repositories_may_have_spaces_and_quotes(target: Target) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    for action in ("fetch", "switch"):
        order = {**target.order(action, "t1", commit), "repository": "the 'site' $(x); \"q\""}
        assert perform(order, str(target.root))["ok"]
    assert (target.live / "a").read_text() == "1"


@pytest.mark.parametrize("version", [0, 2, "1", None, True, 1.0])
def test_an_unknown_version_is_refused_and_the_known_one_named(
    target: Target, version: object
) -> None:
    outcome = perform({**target.order("status"), "version": version}, str(target.root))

    assert outcome["error"] == "unknown-version"
    assert "this agent knows 1" in outcome["message"]


def test_fields_that_are_not_known_are_ignored(target: Target) -> None:
    assert perform({**target.order("status"), "new": 1}, str(target.root))["ok"]


@pytest.mark.parametrize("order", [None, [], "fetch", 7, {}, {"version": 1}, {"version": {}}])
def test_nonsense_is_answered_not_raised(tmp_path: Path, order: object) -> None:
    outcome = perform(order, str(tmp_path))

    assert not outcome["ok"]
    assert outcome["error"] in ("bad-order", "unknown-version")


def test_a_bug_is_an_outcome_too(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(slot, "Place", broken)

    outcome = target.ask("status")

    assert (outcome["error"], outcome["message"]) == ("crashed", "ZeroDivisionError: a bug")
    assert "in broken" in outcome["output"]


def test_transports_that_run_programs_are_not_used(target: Target, tmp_path: Path) -> None:
    proof = tmp_path / "proof"

    outcome = target.ask("fetch", "t1", COMMIT, url=f"ext::touch {proof}")

    assert (outcome["error"], proof.exists()) == ("fetch-failed", False)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The agent as the file that travels."""
    file = tmp_path / "agent.py"
    file.write_text(joined())
    return file


def _run(interpreter: str, program: Path, text: str) -> tuple[int, dict[str, Any]]:
    command = [interpreter, str(program)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    assert done.stdout.count(b"\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_file_runs_alone_and_answers_one_line(target: Target, program: Path) -> None:
    code, outcome = _run(
        sys.executable, program, json.dumps(target.order("status", path="/nowhere/x"))
    )
    assert (code, outcome["ok"]) == (0, True)

    code, outcome = _run(sys.executable, program, "{")
    assert (code, outcome["error"]) == (2, "bad-order")

    code, outcome = _run(
        sys.executable, program, json.dumps({**target.order("status"), "version": 9})
    )
    assert (code, outcome["error"]) == (0, "unknown-version")


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    return {name.partition(".")[0] for name in names}


def test_the_file_is_python_3_9_and_needs_the_standard_library_only(
    target: Target, program: Path
) -> None:
    parsed = ast.parse(program.read_text(), feature_version=(3, 9))
    assert _imported(ast.walk(parsed)) <= sys.stdlib_module_names
    old = python_3_9()
    if old is None:
        pytest.skip("there is no Python 3.9 here to run the agent with")
    code, outcome = _run(old, program, json.dumps(target.order("status", path="/nowhere/x")))
    assert (code, outcome["ok"]) == (0, True)
