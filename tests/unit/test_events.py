"""The stream: an envelope on each event, and listeners in their order."""

from __future__ import annotations

import pytest

from sartoris.events import Event, EventStream, Noted, RolloutStarted, StepFailed, Tagged, Warned
from sartoris.journal.reading import event_of, kinds
from tests.unit.samples import any_event


@pytest.fixture
def events() -> EventStream:
    return EventStream()


@pytest.fixture
def seen(events: EventStream) -> list[Event]:
    heard: list[Event] = []
    events.subscribe(heard.append)
    return heard


def test_every_event_has_the_envelope_of_the_stream(events: EventStream, seen: list[Event]) -> None:
    events.about(command="sync", repository="wiki")
    events.note("one")
    events.about(session="s", slot="slot0")
    events.note("two")
    envelopes = [(e.seq, e.session, e.command, e.repository, e.slot) for e in seen]
    assert envelopes == [(1, "", "sync", "wiki", ""), (2, "s", "sync", "wiki", "slot0")]


def test_what_an_event_says_itself_counts(events: EventStream, seen: list[Event]) -> None:
    events.about(session="mine", slot="slot0")
    events.emit(Tagged(session="other", tag="t", commit="c", message="m", pushed=False))
    assert (seen[0].session, seen[0].slot) == ("other", "slot0")


def test_without_a_journal_events_are_counted(events: EventStream, seen: list[Event]) -> None:
    for _ in range(3):
        events.note("one")
    assert [event.seq for event in seen] == [1, 2, 3]


def test_a_listener_may_emit_and_that_comes_in_between(
    events: EventStream, seen: list[Event]
) -> None:
    def acts(event: Event) -> None:
        if isinstance(event, Noted):
            events.warn(f"heard {event.message}")

    events.subscribe(acts)
    events.note("one")
    events.note("two")
    assert [type(event) for event in seen] == [Noted, Warned, Noted, Warned]
    assert [event.seq for event in seen] == [1, 2, 3, 4]


def test_what_is_relayed_is_not_numbered_again_nor_shown_twice(events: EventStream) -> None:
    shown: list[Event] = []
    told: list[Event] = []
    events.subscribe(shown.append, relayed=False)
    events.subscribe(told.append)
    events.note("mine")
    events.relay(Noted(message="theirs", seq=41))
    assert [event.seq for event in shown] == [1]
    assert [event.seq for event in told] == [1, 41]


def test_a_listener_for_a_while_hears_no_more_after_it(events: EventStream) -> None:
    heard: list[Event] = []
    with events.heard_by(heard.append):
        events.note("one")
    events.note("two")
    assert len(heard) == 1


def test_a_step_that_fails_says_so_and_lets_its_error_go_on(
    events: EventStream, seen: list[Event]
) -> None:
    with pytest.raises(ValueError, match="wrong"), events.step("tag"):
        raise ValueError("wrong\nand more")
    assert isinstance(seen[1], StepFailed)
    assert seen[1].message == "wrong"


def test_the_wire_has_the_kind_the_envelope_and_the_fields(
    events: EventStream, seen: list[Event]
) -> None:
    events.emit(Noted(message="m", at=1.5))
    assert seen[0].to_json() == {
        "event": "noted",
        "seq": 1,
        "at": 1.5,
        "session": "",
        "command": "",
        "repository": "",
        "slot": "",
        "message": "m",
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_comes_back_from_the_wire_as_it_was(kind: str) -> None:
    event = any_event(kinds()[kind])
    again = event_of(event.to_json())
    assert again is not None
    assert type(again) is type(event)
    assert again.to_json() == event.to_json()


def test_fields_of_a_later_version_are_ignored_and_unknown_kinds_are_none() -> None:
    assert event_of({**Noted(message="m").to_json(), "colour": "red"}) is not None
    assert event_of({"event": "teleported", "at": 1.0}) is None
    assert event_of({"event": "noted", "at": 1.0}) is None
    assert RolloutStarted.kind() == "rollout-started"
