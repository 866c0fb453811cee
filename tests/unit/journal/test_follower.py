"""Another process of the same command records, and this one hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.events import CommandEnded, CommandStarted, Event, EventStream, Noted
from sartoris.journal.follower import Follower
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal


def stream(path: Path, session: str) -> EventStream:
    journal = Journal(path)
    events = EventStream(Recorder(lambda: journal))
    events.about(session=session)
    return events


def messages(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_what_the_other_records_is_handed_on_once_and_what_we_record_is_not(path: Path) -> None:
    ours, theirs = stream(path, "s"), stream(path, "s")
    ours.note("before")
    heard: list[Event] = []
    follower = Follower(Journal(path), "s", heard.append)
    with ours.heard_by(follower.mine):
        theirs.note("one")
        ours.note("ours")
        follower()
        theirs.note("two")
        follower()
        follower()
    assert messages(heard) == ["one", "two"]
    assert [event.seq for event in heard] == [2, 4]


def test_other_rollouts_and_commands_that_are_refused_meanwhile_are_not(path: Path) -> None:
    heard: list[Event] = []
    follower = Follower(Journal(path), "s", heard.append)
    stream(path, "another").note("theirs")
    bob = stream(path, "s")
    bob.emit(CommandStarted(argv=("git deploy", "sync"), by="Bob", host="tin", process=2))
    bob.emit(CommandEnded(exit_code=1, seconds=0.1, error="CommandRunning"))
    follower()
    assert heard == []


def test_a_journal_that_cannot_be_read_any_more_is_no_error(path: Path) -> None:
    journal = Journal(path)
    follower = Follower(journal, "s", lambda _: pytest.fail("nothing to hand on"))
    journal._database.execute("DROP TABLE events")
    follower()
