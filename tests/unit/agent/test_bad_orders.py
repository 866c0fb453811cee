"""Names and paths are checked before they are used; an agent says what it does not know."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sartoris import agent
from sartoris.agent import joined, slot

from .conftest import Target

COMMIT = "0" * 40
AGENT = joined.FILE

UNSAFE_NAMES = ["", "..", ".a", "-x", "a/b", "a\nb", "a\0b", "a..b", "x.lock", "a.", "a" * 300]
UNSAFE_PATHS = ["", "/", "srv/x", "/srv/../etc", "/srv/./x", "/srv//x", "/srv/x/", "/a\nb", "//srv"]
UNSAFE_INNER = ["", "/etc", "../x", "a/../b", "a//b", "./a", "-x", ".git/hooks", "a/.GIT", "a\nb"]

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
]


@pytest.mark.parametrize(("field", "value"), CASES)
def test_an_unsafe_order_is_refused_before_anything_is_touched(
    target: Target, field: str, value: object
) -> None:
    order = {**target.order("fetch", "t1", COMMIT, deploy_text="x"), field: value}

    outcome = agent.perform(order, str(target.root))

    assert (outcome["ok"], outcome["error"]) == (False, "bad-order")
    assert field in outcome["message"]
    assert list(target.root.iterdir()) == []


@pytest.mark.parametrize("field", ["action", "repository", "slot", "path"])
def test_a_missing_field_is_named(target: Target, field: str) -> None:
    order = target.order("fetch", "t1", COMMIT)
    del order[field]

    outcome = agent.perform(order, str(target.root))

    assert (outcome["error"], outcome["message"]) == ("bad-order", f"{field} is missing")


def test_repositories_may_have_spaces_and_quotes(target: Target) -> None:
    commit = target.publisher.release("t1", {"a": "1"})
    for action in ("fetch", "switch"):
        order = {**target.order(action, "t1", commit), "repository": "the 'site' $(x); \"q\""}
        assert agent.perform(order, str(target.root))["ok"]
    assert (target.live / "a").read_text() == "1"


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_an_unknown_version_is_refused_and_the_known_one_named(
    target: Target, version: object
) -> None:
    outcome = agent.perform({**target.order("status"), "version": version}, str(target.root))

    assert outcome["error"] == "unknown-version"
    assert "this agent knows 1" in outcome["message"]


def test_fields_that_are_not_known_are_ignored(target: Target) -> None:
    assert agent.perform({**target.order("status"), "new": 1}, str(target.root))["ok"]


@pytest.mark.parametrize("order", [None, [], "fetch", 7, {}, {"version": 1}, {"version": {}}])
def test_nonsense_is_answered_not_raised(tmp_path: Path, order: object) -> None:
    outcome = agent.perform(order, str(tmp_path))

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


def _run(interpreter: str, text: str) -> tuple[int, dict[str, Any]]:
    command = [interpreter, str(AGENT)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    assert done.stdout.count(b"\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_file_runs_alone_and_answers_one_line(target: Target) -> None:
    code, outcome = _run(sys.executable, json.dumps(target.order("status", path="/nowhere/x")))
    assert (code, outcome["ok"]) == (0, True)

    code, outcome = _run(sys.executable, "{")
    assert (code, outcome["error"]) == (2, "bad-order")

    code, outcome = _run(sys.executable, json.dumps({**target.order("status"), "version": 9}))
    assert (code, outcome["error"]) == (0, "unknown-version")


def _python_3_9() -> str | None:
    managed = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3"))
    candidates = [shutil.which("python3.9"), *map(str, managed)]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    return {name.partition(".")[0] for name in names}


def test_the_file_is_python_3_9_and_needs_the_standard_library_only(target: Target) -> None:
    parsed = ast.parse(AGENT.read_text(), feature_version=(3, 9))
    assert _imported(parsed.body) <= sys.stdlib_module_names
    # Salt's own functions may ask for Salt, when Salt runs them.
    assert _imported(ast.walk(parsed)) <= sys.stdlib_module_names | {"salt"}
    old = _python_3_9()
    if old is None:
        pytest.skip("there is no Python 3.9 here to run the agent with")
    code, outcome = _run(old, json.dumps(target.order("status", path="/nowhere/x")))
    assert (code, outcome["ok"]) == (0, True)
