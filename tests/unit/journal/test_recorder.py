"""Every event is in the journal first, and a journal that breaks stops no rollout half way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.events import Event, EventStream, HookOutput, HookStarted, Noted, Warned
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal, JournalUnusable


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def events(journal: Journal) -> EventStream:
    return EventStream(Recorder(lambda: journal))


def heard(events: EventStream) -> list[Event]:
    seen: list[Event] = []
    events.subscribe(seen.append)
    return seen


def test_an_event_is_recorded_before_the_first_listener_hears_of_it(
    journal: Journal, events: EventStream
) -> None:
    known: list[int] = []
    events.subscribe(lambda event: known.append(journal.last_seq() - event.seq))
    events.note("one")
    events.note("two")
    assert known == [0, 0]


def test_events_have_the_number_and_the_envelope_of_the_journal(
    journal: Journal, events: EventStream
) -> None:
    seen = heard(events)
    events.about(session="s", command="sync", repository="wiki", slot="slot0")
    events.note("one")
    assert journal.events("s") == [seen[0].to_json()]
    assert journal.events("s")[0]["seq"] == 1


def test_the_journal_is_opened_by_the_first_event_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    events = EventStream(Recorder(lambda: Journal(path)))
    assert not path.exists()
    events.note("one")
    assert path.exists()


def test_a_journal_that_cannot_be_opened_stops_the_command_before_anyone_hears(
    tmp_path: Path,
) -> None:
    (tmp_path / "journal.sqlite").mkdir()
    events = EventStream(Recorder(lambda: Journal(tmp_path / "journal.sqlite")))
    seen = heard(events)
    with pytest.raises(JournalUnusable):
        events.note("one")
    assert seen == []


def test_a_journal_that_breaks_is_one_warning_and_the_rest_goes_on(
    journal: Journal, events: EventStream
) -> None:
    seen = heard(events)
    with sqlite3.connect(journal.path) as database:
        database.execute("DROP TABLE events")
    database.close()
    events.note("one")
    events.note("two")
    assert [type(event) for event in seen] == [Warned, Noted, Noted]
    warning = seen[0]
    assert isinstance(warning, Warned)
    assert "cannot be written" in warning.message
    assert "this command goes on without it" in warning.message
    assert {event.seq for event in seen} == {0}


def test_a_hook_that_writes_without_end_does_not_fill_the_journal(
    journal: Journal, events: EventStream
) -> None:
    seen = heard(events)
    for _ in range(2):
        events.emit(HookStarted(phase="log", hook="/h/log.x"))
        for _ in range(10):
            events.emit(HookOutput(phase="log", hook="/h/log.x", text="x" * 65_536))
    assert len(seen) == 22
    kinds = [event["event"] for event in journal.events("")]
    assert kinds == ["hook-started", *["hook-output"] * 4] * 2
    assert [event.seq for event in seen[5:11]] == [0] * 6


@pytest.fixture
def held(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Has another person hold the journal from when it is called."""
    monkeypatch.setattr("sartoris.journal.store.PATIENCE", 0.02)
    journal._database.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:

        def hold() -> None:
            other.execute("BEGIN IMMEDIATE")

        yield hold


def test_a_journal_that_is_held_at_the_first_event_stops_the_command_before_it_begins(
    events: EventStream, held: Callable[[], None]
) -> None:
    seen = heard(events)
    held()
    with pytest.raises(JournalUnusable, match="database is locked"):
        events.note("one")
    assert seen == []


def test_a_journal_that_is_held_later_is_one_warning(
    events: EventStream, held: Callable[[], None]
) -> None:
    events.note("one")
    held()
    seen = heard(events)
    events.note("two")
    assert [type(event) for event in seen] == [Warned, Noted]
