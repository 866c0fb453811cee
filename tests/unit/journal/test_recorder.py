"""A journal that stops taking records must not stop a rollout half way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sartoris.events import Event, EventStream, Noted, Warned
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal


def test_events_are_recorded_as_they_happen(tmp_path: Path) -> None:
    journal, events = Journal(tmp_path / "journal.sqlite"), EventStream()
    events.subscribe(Recorder(journal, events))
    events.note("one")
    assert [event["message"] for event in journal.events("")] == ["one"]


def test_a_journal_that_breaks_is_one_warning_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal, events = Journal(path), EventStream()
    seen: list[Event] = []
    events.subscribe(seen.append)
    events.subscribe(Recorder(journal, events))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE events")
    database.close()
    events.note("one")
    events.note("two")
    assert [type(event) for event in seen] == [Noted, Warned, Noted]
    warning = seen[1]
    assert isinstance(warning, Warned)
    assert "cannot be written" in warning.message
    assert "this command goes on without it" in warning.message
