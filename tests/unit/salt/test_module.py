"""The agent as Salt's execution module, without Salt. With it: tests/salt."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path
from typing import Any

import pytest

from sartoris.salt.module import functions
from tests.agent.conftest import Target


def call(name: str, **order: Any) -> dict[str, Any]:
    """A function that is made from the table of actions, as Salt calls it."""
    outcome: dict[str, Any] = getattr(functions, name)(**order)
    return outcome


@pytest.fixture(autouse=True)
def opts(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Salt puts into the module."""
    opts = {"git_deploy.root": str(target.root), "cachedir": str(tmp_path / "cache")}
    monkeypatch.setattr(functions, "__opts__", opts, raising=False)
    return opts


def fetched(target: Target, path: str = "/srv/app/php-slot0") -> dict[str, Any]:
    """The order to switch to a release that is here."""
    slot = path.rpartition("-")[2]
    commit = target.publisher.release(slot, {"index.php": slot})
    order = target.order("switch", slot, commit, slot=slot, path=path)
    outcome = functions.fetch(**order)
    assert outcome["ok"], outcome
    return order


def test_every_slot_that_was_switched_is_told_of(target: Target) -> None:
    assert call("status") == {}
    for path in ("/srv/app/php-a", "/srv/app/php-b"):
        call("switch", **fetched(target, path))
    told = {path: outcome["live"] for path, outcome in call("status").items()}
    assert told == {"/srv/app/php-a": "a", "/srv/app/php-b": "b"}


def test_jobs_at_the_same_time_are_all_remembered(target: Target) -> None:
    orders = [fetched(target, f"/srv/app/php-{number}") for number in range(12)]
    with concurrent.futures.ThreadPoolExecutor(len(orders)) as threads:
        outcomes = list(threads.map(lambda order: call("switch", **order), orders))
    assert all(outcome["ok"] for outcome in outcomes)
    assert set(call("status")) == {order["path"] for order in orders}


def test_a_switch_that_cannot_be_remembered_is_no_failure(
    target: Target, opts: dict[str, Any], tmp_path: Path
) -> None:
    order = fetched(target)
    # No directory can be made here by anybody, and root writes to what is read-only.
    (tmp_path / "file").touch()
    opts["cachedir"] = str(tmp_path / "file" / "cache")
    outcome = call("switch", **order)
    assert (outcome["ok"], outcome["live"]) == (True, "slot0")


def test_what_a_power_cut_has_left_of_the_memory_is_passed_over(
    target: Target, opts: dict[str, Any]
) -> None:
    call("switch", **fetched(target))
    (Path(opts["cachedir"]) / "git_deploy" / "cut-short.json").touch()
    assert list(call("status")) == ["/srv/app/php-slot0"]


def test_an_outcome_that_is_not_ok_is_told_to_salt(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    context: dict[str, Any] = {}
    monkeypatch.setattr(functions, "__context__", context, raising=False)
    order = fetched(target)
    call("switch", **order)
    assert context == {}
    call("switch", **{**order, "release": "none"})
    assert context == {"retcode": 1}


def test_an_order_needs_no_version(target: Target) -> None:
    order = fetched(target)
    del order["version"]
    assert call("switch", **order)["live"] == "slot0"
    assert call("status", **{**order, "version": 2})["error"] == "unknown-version"
