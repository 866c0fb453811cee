"""The files on a target, as an agent of another version may have written them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sartoris.orders import Outcome
from tests.agent.conftest import Target
from tests.documents import add_field

FILES = {"index.php": "one\n"}


@pytest.fixture
def meta(target: Target) -> Path:
    """The record of the release slot0-1, which is live."""
    target.release("slot0-1", FILES)
    return target.own / "meta" / "slot0-1.json"


@pytest.fixture
def state(target: Target, meta: Path) -> Path:
    assert meta.is_file()
    return target.own / "state" / "slot0.json"


def test_a_record_and_a_state_have_a_version(meta: Path, state: Path) -> None:
    assert json.loads(meta.read_text())["version"] == 1
    assert json.loads(state.read_text())["version"] == 1


def test_fields_of_a_later_version_change_nothing(target: Target, meta: Path, state: Path) -> None:
    add_field(meta, "signed_by", "Ann")
    add_field(state, "pool", {"weight": 7})
    commit = target.release("slot0-2", {"index.php": "two\n"})
    outcome = target.ask("switch", "slot0-1", json.loads(meta.read_text())["commit"])
    assert outcome["ok"], outcome
    assert (outcome["live"], outcome["previous"]) == ("slot0-1", "slot0-2")
    assert target.ask("status")["held"] == ["slot0-1", "slot0-2"]
    assert commit


def test_a_record_without_a_version_is_read(target: Target, meta: Path) -> None:
    fields = json.loads(meta.read_text())
    del fields["version"]
    del fields["submodules"]  # the first agents had no such field
    meta.write_text(json.dumps(fields))
    assert target.ask("status")["held"] == ["slot0-1"]


@pytest.mark.parametrize("which", ["meta", "state"])
@pytest.mark.parametrize("action", ["status", "fetch", "switch", "withdraw"])
def test_a_file_of_a_newer_agent_is_refused_and_nothing_is_touched(
    target: Target, meta: Path, state: Path, which: str, action: str
) -> None:
    path = {"meta": meta, "state": state}[which]
    text = add_field(path, "version", 2)
    commit = target.publisher.release("slot0-2", {"index.php": "two\n"})
    outcome = target.ask(action, "slot0-2", commit)
    assert outcome["error"] == "agent-too-old"
    named = f"/srv/app/.sartoris/{path.relative_to(target.own)}"
    assert outcome["message"].startswith(f"{named} was written by a newer agent (version 2")
    assert outcome["message"].endswith("upgrade Sartoris here")
    assert Outcome.from_json(without_version(outcome), target="web1").silent
    assert path.read_text() == text
    assert (target.live / "index.php").read_text() == "one\n"


def without_version(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if name != "version"}


@pytest.mark.parametrize(
    ("field", "value"), [("serial", "1"), ("shared", "log"), ("shared", [1]), ("commit", None)]
)
def test_a_record_with_a_field_of_another_type_counts_as_lost(
    target: Target, meta: Path, field: str, value: object
) -> None:
    add_field(meta, field, value)
    assert target.ask("status")["held"] == []


@pytest.mark.parametrize(("field", "value"), [("order", []), ("previous", 1), ("hooks", {})])
def test_a_state_with_a_field_of_another_type_counts_as_lost(
    target: Target, state: Path, field: str, value: object
) -> None:
    add_field(state, field, value)
    outcome = target.ask("status")
    assert (outcome["ok"], outcome["live"], outcome["previous"]) == (True, "slot0-1", "")


def test_a_record_and_a_state_may_be_cut_off_anywhere(
    target: Target, meta: Path, state: Path
) -> None:
    for path in (meta, state):
        text = path.read_text()
        for length in range(len(text)):
            path.write_text(text[:length])
            outcome = target.ask("status")
            assert (outcome["ok"], outcome["live"]) == (True, "slot0-1")
        path.write_text(text)
