"""Events as JSON, one a line."""

from __future__ import annotations

import io
import json

from sartoris.cli.jsonlines import JsonLines
from sartoris.events import LeftBehind, Noted, TargetAnswered
from tests.unit.fleet.recorded import outcome


def test_each_event_is_one_line_with_its_kind_and_time() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines(Noted(message="one\ntwo", at=1.5))
    lines(LeftBehind(targets=("web1",), release="slot0-1", at=2.0))
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["event"], first["at"], first["message"]) == ("noted", 1.5, "one\ntwo")
    assert second["targets"] == ["web1"]


def test_an_outcome_is_the_one_that_the_target_sent() -> None:
    stream = io.StringIO()
    answered = TargetAnswered(stage="fetch", slot="slot0", outcome=outcome("web1", "busy", "later"))
    JsonLines(stream)(answered)
    document = json.loads(stream.getvalue())
    assert document["event"] == "target-answered"
    assert document["outcome"] == outcome("web1", "busy", "later").to_json()


def test_bytes_that_are_no_text_survive() -> None:
    stream = io.StringIO()
    JsonLines(stream)(Noted(message="caf\udce9"))
    assert json.loads(stream.getvalue())["message"] == "caf\udce9"
    assert stream.getvalue().isascii()
