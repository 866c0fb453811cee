"""A target may answer anything: no command ends by it, and none believes it."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartoris.agent.answers import outcome_in
from sartoris.agent.errors import ERRORS
from sartoris.agent.outcome import perform
from sartoris.display.lines import Lines
from sartoris.events import EventStream
from sartoris.fleet.causes import describe_failures
from sartoris.fleet.fleet import Fleet
from sartoris.journal.reading import event_of
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal
from sartoris.orders import Order, Outcome
from sartoris.salt.runner.answers import Return, outcome_of
from sartoris.transports.local import LocalTransport

STATUS = Order(action="status", repository="wiki", slot="slot0", path="/srv/wiki")
GOOD = {"action": "status", "ok": True, "error": "", "live": "slot0-1", "held": ["slot0-1"]}

# As a JSON parser gives it: any text, lone surrogates too, numbers of any size, NaN.
texts = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(["status", "switch", "no-space", "service", "slot0-1", "a word of later"])
fields = st.sampled_from([*outcome_in({**perform({}), "action": ""}), "target", "version", "later"])
nearly = st.builds(lambda more: {**GOOD, **more}, st.dictionaries(fields, values | words))
answers = values | nearly | st.dictionaries(fields, values | words)


@settings(max_examples=150, deadline=None)
@given(answers)
def test_anything_is_an_outcome_or_crashed(answer: Any) -> None:
    outcome = Outcome.answered(answer, action="status", target="web1")
    assert outcome.target == "web1"
    assert outcome.ok is (outcome.error == "")
    assert "\n" not in outcome.message
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json())), target="web1") == outcome
    if outcome.error == "crashed":
        assert outcome.silent


@settings(max_examples=25, deadline=None)
@given(answers)
def test_a_fleet_goes_on_with_the_others(answer: Any) -> None:
    """From the transport to the journal, the lines, and the error that tells of it."""
    with tempfile.TemporaryDirectory() as place:
        roots = {name: Path(place, name) for name in ("web1", "web2")}
        for root in roots.values():
            root.mkdir()
        local = LocalTransport(
            roots, forks=2, agent=lambda _, root: answer if root.endswith("1") else GOOD
        )
        with closing(Journal(Path(place, "journal.sqlite"))) as journal:
            events = EventStream(Recorder(lambda: journal))
            events.subscribe(Lines(verbose=True))
            result = Fleet(local, STATUS, events).status(("web1", "web2"))
            assert result.outcomes["web2"].ok
            describe_failures("status", result.outcomes.values(), 2, "0")
            assert all(event_of(document) for document in journal.since(0))


@settings(max_examples=80, deadline=None)
@given(answers)
def test_so_does_a_minion(answer: Any) -> None:
    for ran in (True, False):
        said = outcome_of(Return("1", "web1", answer, ran), "status")
        assert Outcome.answered(said, action="status", target="web1").target == "web1"
        outcome_of(Return("1", "web1", answer, ran), "status", of_slot=False)


@pytest.mark.parametrize(
    "more",
    [
        {"ok": "yes"},
        {"ok": 1},
        {"error": "no-space"},
        {"ok": False},
        {"held": "slot0-1"},
        {"held": ["a"] * 20_000},
        {"changed": ["a" * 8_000] * 1_000},
        {"live": "slot0-1\n==> switch"},
        {"live": "../../etc"},
        {"live": "a" * 300},
        {"output": "a" * (1 << 20)},
        {"message": "a" * (1 << 20)},
        {"message": "\ud800"},
        {"seconds": float("nan")},
        {"seconds": -1},
        {"seconds": 10**400},
        {"due": [["hooks"]]},
        {"action": "switch"},
    ],
    ids="-".join,
)
def test_what_is_not_as_it_has_to_be_is_crashed_and_says_where(more: dict[str, Any]) -> None:
    outcome = Outcome.answered({**GOOD, **more}, action="status", target="web1")
    assert (outcome.ok, outcome.error, outcome.live) == (False, "crashed", "")
    assert outcome.message.startswith("the target answered with something that is no outcome: ")


@pytest.mark.parametrize(
    "more",
    [{"error": "of-later", "ok": False}, {"later": {"a": []}}, {"version": 7}, {"due": ["x"]}],
)
def test_what_a_newer_agent_says_is_an_outcome(more: dict[str, Any]) -> None:
    outcome = Outcome.answered({**GOOD, **more}, action="status", target="web1")
    assert outcome.error in (more.get("error", ""), "")
    assert outcome.live == "slot0-1"
    assert "of-later" not in ERRORS
