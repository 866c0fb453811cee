"""What to type when the journal cannot be used depends on why; only a damaged one is moved away."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.events import Noted
from sartoris.journal import store
from sartoris.journal.held_by import held_by
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.journal.unusable import unusable

EVENT = Noted(message="x" * 100_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


@pytest.fixture
def holder(path: Path, journal: Journal) -> Iterator[int]:
    """The number of another process, which holds the database until the test ends."""
    del journal
    hold = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " database.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.communicate()


def steps(error: JournalUnusable) -> str:
    return "\n".join(error.next_steps)


def test_a_full_disk_asks_for_room(journal: Journal) -> None:
    (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
    journal._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalUnusable, match="cannot be written: database or disk is full") as e:
        journal.record(EVENT)
    assert "df -h" in steps(e.value)
    assert "mv " not in steps(e.value)


def test_a_limit_on_the_size_of_files_asks_for_room(path: Path, journal: Journal) -> None:
    """In a process of its own, since the limit is for the whole process."""
    del journal
    program = f"""
import resource
from pathlib import Path
from sartoris.events import Noted
from sartoris.journal.store import Journal, JournalUnusable
from sartoris.journal.unusable import unusable
journal = Journal(Path({str(path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    journal.record(Noted(message="x" * 100_000))
except JournalUnusable as error:
    print(*error.next_steps, sep="\\n")
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "df -h" in said
    assert "mv " not in said


def test_a_file_that_may_not_be_written_asks_for_its_rights(path: Path, journal: Journal) -> None:
    del journal
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as read_only:
        with pytest.raises(sqlite3.OperationalError) as caught:
            read_only.execute("DELETE FROM events")
        error = unusable(path, "written", caught.value)
    assert "ls -ld" in steps(error)
    assert "mv " not in steps(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_asks_for_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(JournalUnusable) as caught:
            Journal(tmp_path / "journal.sqlite")
    finally:
        tmp_path.chmod(0o700)
    assert "ls -ld" in steps(caught.value)


def test_a_file_that_is_damaged_is_moved_away(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(JournalUnusable) as caught:
        Journal(path)
    assert caught.value.next_steps[0].startswith("mv ")


def test_who_holds_it_is_named_and_the_command_is_to_be_repeated(
    path: Path, holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    with closing(Journal(path)) as second, pytest.raises(JournalUnusable) as caught:
        second.record(EVENT)
    assert f"database is locked; process {holder} (" in caught.value.message
    assert f"ps -fp {holder}" in steps(caught.value)
    assert "the same command again" in steps(caught.value)
    assert "mv " not in steps(caught.value)


def test_many_that_make_a_new_one_at_the_same_instant_all_write_to_it(path: Path) -> None:
    at_once = (
        "import os, sys; from pathlib import Path; from sartoris.journal.store import Journal;"
        " from sartoris.events import Noted; gate, opened = os.pipe()\n"
        "for number in range(60):\n"
        "    if os.fork() == 0:\n"
        "        os.close(opened); os.read(gate, 1)\n"
        "        Journal(Path(sys.argv[1])).record(Noted(message='here')); os._exit(0)\n"
        "os.close(opened)\n"
        "sys.exit(max(os.wait()[1] for number in range(60)))\n"
    )
    subprocess.run([sys.executable, "-c", at_once, str(path)], check=True, timeout=120)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT COUNT(*) FROM events").fetchone() == (60,)


def test_one_that_nobody_holds_has_no_holders(path: Path, journal: Journal) -> None:
    del journal
    assert held_by(path) == []
    assert held_by(path.with_name("nothing")) == []


def test_one_that_is_moved_away_while_it_is_open_takes_no_more(
    path: Path, journal: Journal
) -> None:
    journal.record(EVENT)
    path.rename(path.with_name("away"))
    with pytest.raises(JournalUnusable, match="was moved away while it was in use") as caught:
        journal.record(EVENT)
    assert "mv " not in steps(caught.value)
    assert not path.exists()


def test_one_that_another_has_begun_in_its_place_takes_no_more_either(
    path: Path, journal: Journal
) -> None:
    path.rename(path.with_name("away"))
    with closing(Journal(path)) as new:
        with pytest.raises(JournalUnusable, match="was moved away"):
            journal.record(EVENT)
        assert new.last_seq() == 0


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_error_of_the_machine_brings_the_advice_to_move_it_away(path: Path, number: int) -> None:
    path.touch()
    error = unusable(path, "used", OSError(number, os.strerror(number), str(path)))
    assert "mv " not in steps(error)
    assert error.next_steps


DAMAGE = {"ERROR", "CORRUPT", "FORMAT", "NOTADB", "IOERR_CORRUPTFS", "IOERR_DATA"}
DAMAGE |= {"IOERR_SHORT_READ"}
OTHER = {"FULL", "IOERR", "IOERR_READ", "IOERR_WRITE", "IOERR_FSYNC", "IOERR_SHMOPEN", "NOMEM"}
OTHER |= {"CANTOPEN", "CANTOPEN_ISDIR", "READONLY", "READONLY_DIRECTORY", "READONLY_DBMOVED"}
OTHER |= {"PERM", "AUTH", "BUSY", "LOCKED", "PROTOCOL", "INTERRUPT", "TOOBIG"}


@pytest.mark.parametrize("name", sorted(DAMAGE | OTHER))
def test_only_errors_that_mean_damage_bring_it(path: Path, name: str) -> None:
    path.touch()
    error = sqlite3.OperationalError(name)
    error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
    assert ("mv " in steps(unusable(path, "used", error))) is (name in DAMAGE)


def test_the_log_of_one_that_was_moved_away_does_not_come_into_the_new_one(path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from sartoris.events import Noted
from sartoris.journal.store import Journal
Journal(Path({str(path)!r})).record(Noted(message="x"))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size > 0
    path.rename(path.with_name("journal.sqlite.broken"))
    with closing(Journal(path)) as new:
        assert new.last_seq() == 0
        new.record(EVENT)
    assert path.with_name(f"{log.name}.unreadable-1").stat().st_size > 0
