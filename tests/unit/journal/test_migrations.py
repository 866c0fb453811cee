"""A journal of an earlier version is brought to this one, or stays as it was."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.events import RolloutEnded
from sartoris.journal import migrations
from sartoris.journal.examining import examine_journal
from sartoris.journal.store import Journal, JournalUnusable

OLD = Path(__file__).parents[2] / "fixtures" / "journal-1.sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "journal.sqlite"))


@pytest.fixture
def migrated(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    yield journal
    journal.close()


def columns(path: Path) -> dict[str, list[str]]:
    """The columns of each table, by its name."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            for (table,) in tables
        }


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return migrations.version_of(database)


def test_an_old_journal_becomes_what_a_new_one_is(path: Path, tmp_path: Path) -> None:
    assert version(path) == 1
    Journal(path).close()
    Journal(tmp_path / "new.sqlite").close()
    assert version(path) == migrations.VERSION
    assert columns(path) == columns(tmp_path / "new.sqlite")


def test_what_it_knew_is_still_there(migrated: Journal) -> None:
    results = [(one.action, one.result) for one in migrated.rollouts()]
    assert results == [
        ("start", ""),
        ("revert", "finished"),
        ("start", "finished"),
        ("start", "aborted"),
        ("start", "finished"),
    ]
    assert migrated.known_targets() == {"web1", "web2", "web3"}
    assert migrated.targets("slot0")["web2"].error == "io-error"
    with closing(sqlite3.connect(OLD)) as old:
        (count,) = old.execute("SELECT count(*) FROM events").fetchone()
    assert len(migrated.since(0)) == count


def test_old_events_have_the_envelope_as_far_as_it_is_known(migrated: Journal) -> None:
    first = migrated.since(0, limit=1)[0]
    assert first["event"] == "step-started"
    assert (first["seq"], first["command"], first["repository"]) == (1, "", "")
    answered = [event for event in migrated.since(0) if event["event"] == "target-answered"]
    assert {event["slot"] for event in answered} == {"slot0"}


def test_a_rollout_of_the_old_version_is_ended_by_this_one(migrated: Journal) -> None:
    open_one = migrated.rollouts()[0]
    before = migrated.last_seq()
    assert migrated.record(RolloutEnded(session=open_one.session, result="aborted")) == before + 1
    assert migrated.rollouts()[0].result == "aborted"


def test_the_old_file_is_kept_until_the_new_one_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that dies at its last statement leaves what was, and a copy of it."""
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:1], "SELECT * FROM nowhere"))
    with pytest.raises(JournalUnusable):
        Journal(path)
    kept = path.with_name("journal.sqlite.v1")
    assert version(path) == version(kept) == 1
    monkeypatch.undo()
    journal = Journal(path)
    assert len(journal.rollouts()) == 5
    journal.close()
    assert not kept.exists()


def test_a_process_of_the_old_version_that_has_it_open_goes_on_writing(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("SELECT * FROM events").fetchone()
        journal = Journal(path)
        old.execute(
            "INSERT INTO events (session, at, event, data) VALUES (?, ?, ?, ?)",
            ("s", 1.0, "noted", '{"event": "noted", "at": 1.0, "message": "old"}'),
        )
    assert journal.events("s")[0]["message"] == "old"
    journal.close()


def test_doctor_finds_nothing_wrong_with_an_old_journal_and_leaves_it_old(path: Path) -> None:
    assert examine_journal(path) is None
    assert version(path) == 1
