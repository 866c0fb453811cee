"""The state by which a minion converges, on the agent's own functions."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sartoris
from sartoris.salt.module import functions
from tests.agent.conftest import Target, program


def state_of(order: dict[str, Any], *, test: bool = False) -> ModuleType:
    """The module as Salt loads it, on a minion that should have what `order` says."""
    path = Path(sartoris.__file__).parent / "salt" / "_states" / "git_deploy.py"
    spec = importlib.util.spec_from_file_location("git_deploy_state", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = {
        "publish.runner": lambda _: [order],
        "git_deploy.status": getattr(functions, "status"),  # noqa: B009 - made from a table
        "git_deploy.converge": functions.converge,
    }
    vars(module).update(__salt__=known, __opts__={"test": test})
    return module


@pytest.fixture
def minion(target: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    opts = {"git_deploy.root": str(target.root), "cachedir": str(target.root / "cache")}
    monkeypatch.setattr(functions, "__opts__", opts, raising=False)
    return target


def test_a_slot_that_is_behind_converges_and_one_that_is_not_is_left(minion: Target) -> None:
    commit = minion.publisher.release("t1", {"a": "1"})
    state = state_of(minion.order("switch", "t1", commit))

    first, second = state.converged("x"), state.converged("x")

    assert (first["result"], first["changes"]) == (True, {minion.path: {"old": "", "new": "t1"}})
    assert (second["result"], second["changes"]) == (True, {})


def test_a_slot_whose_live_hook_failed_is_behind_until_it_has_run(minion: Target) -> None:
    hook = program("test -e ../../ready")
    commit = minion.publisher.release("t1", {"deploy/target/live.x": hook})
    order = minion.order("switch", "t1", commit)
    state = state_of(order)
    assert state.converged("x")["result"] is False
    assert state_of(order, test=True).converged("x")["result"] is None

    (minion.own / "ready").touch()

    done = state.converged("x")
    was = {"old": "t1, without its hooks", "new": "t1"}
    assert (done["result"], done["changes"]) == (True, {minion.path: was})
    assert state.converged("x")["changes"] == {}
