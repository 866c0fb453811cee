"""Who may only read a journal reads all of it, and leaves nothing behind."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.events import Noted
from sartoris.journal import snapshot, unusable
from sartoris.journal.reader import JournalUnreadable, read_journal
from sartoris.journal.store import Journal, JournalUnusable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    return tmp_path / "deploy" / "journal.sqlite"


@pytest.fixture(autouse=True)
def only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so it is said instead of being so."""
    monkeypatch.setattr(snapshot, "may_write", lambda _: False)
    monkeypatch.setattr(unusable, "may_write", lambda _: False)


def messages(journal: Journal) -> list[str]:
    return [event["message"] for event in journal.since(0)]


def test_what_a_writer_has_written_down_and_not_brought_into_the_database_is_read(
    path: Path,
) -> None:
    with closing(Journal(path)) as writer:
        writer.record(Noted(message="one"))
        before = sorted(path.parent.iterdir())
        with closing(Journal.read_only(path)) as reader:
            assert messages(reader) == ["one"]
        assert sorted(path.parent.iterdir()) == before
    with closing(Journal.read_only(path)) as reader:
        assert messages(reader) == ["one"]
    assert list(path.parent.iterdir()) == [path]


def test_the_copy_goes_with_the_reader(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    with closing(Journal(path)) as writer:
        writer.record(Noted(message="one"))
    with closing(Journal.read_only(path)):
        assert list(copies.iterdir())
    assert not list(copies.iterdir())


def test_recovery_reads_it_too(path: Path) -> None:
    with closing(Journal(path)) as writer:
        writer.record(Noted(message="one", session="s"))
    assert [event["message"] for event in read_journal(path, "s").events] == ["one"]
    assert list(path.parent.iterdir()) == [path]


def test_a_damaged_one_is_named_by_its_own_name_and_is_not_to_be_moved_away(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(JournalUnusable) as caught:
        Journal.read_only(path)
    assert str(path) in caught.value.message
    assert not any(step.startswith("mv ") for step in caught.value.next_steps)
    with pytest.raises(JournalUnreadable):
        read_journal(path, "s")


def test_a_copy_that_somebody_wrote_to_meanwhile_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(path)) as writer:
        writer.record(Noted(message="one"))
    copy_file = shutil.copyfile
    copied: list[Path] = []

    def copy(source: Path, into: Path) -> None:
        copy_file(source, into)
        if not copied:
            with closing(sqlite3.connect(path)) as other:
                other.execute("CREATE TABLE more (number)")
        copied.append(source)

    monkeypatch.setattr(shutil, "copyfile", copy)
    with snapshot.readable(path) as there, closing(sqlite3.connect(there)) as reader:
        reader.execute("SELECT * FROM more").fetchall()
    assert copied.count(path) == 2
