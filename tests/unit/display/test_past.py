"""How a rollout is told afterwards."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from sartoris.display.past import past
from sartoris.events import Event, HookOutput, Noted, TargetAnswered
from sartoris.journal.reading import kinds
from tests.unit.fleet.recorded import outcome
from tests.unit.samples import any_event

AT = time.mktime((2026, 11, 29, 14, 2, 0, 0, 0, -1)) + 0.125


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.kind())
def test_every_kind_has_words_of_its_own(kind: type[Event]) -> None:
    _, line, *_ = past([any_event(kind).to_json()])
    assert '{"' not in line


def test_a_line_begins_with_the_time_and_the_day_stands_above_its_first() -> None:
    events = [Noted(message="one", at=AT), Noted(message="two", at=AT + 86_400)]
    assert list(past(event.to_json() for event in events)) == [
        "2026-11-29",
        "14:02:00.125  one",
        "2026-11-30",
        "14:02:00.125  two",
    ]


def test_lines_of_one_event_stand_below_each_other() -> None:
    event = HookOutput(phase="log", hook="/h/log.x", text="one\ntwo\n", at=AT)
    assert list(past([event.to_json()]))[1:] == ["14:02:00.125  | one", f"{'':14}| two"]


def test_a_target_that_failed_says_why() -> None:
    failed = outcome("web2", "no-space", "the disk is full")
    event = TargetAnswered(stage="fetch", slot="slot0", outcome=failed, at=AT)
    assert list(past([event.to_json()]))[1] == (
        "14:02:00.125  web2: fetch FAILED, no-space: the disk is full"
    )


def test_a_kind_of_a_later_version_is_told_as_it_is() -> None:
    later = {"event": "teleported", "seq": 1, "at": AT, "session": "s", "to": "mars"}
    assert list(past([later]))[1] == '14:02:00.125  teleported {"to": "mars"}'


def test_a_target_says_which_way_objects_came() -> None:
    one = replace(outcome("web2"), came_by="pack", came_bytes=2048, came_refused=("http://r/p",))
    event = TargetAnswered(stage="fetch", slot="slot0", outcome=one, at=AT)
    _, line, refused = past([event.to_json()])
    assert "2.0 KiB by pack" in line
    assert refused.strip() == "other bytes, not taken, from http://r/p"
