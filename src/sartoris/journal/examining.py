"""Is a journal whole, and can it be written to?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sartoris.journal.migrations import VERSION, version_of
from sartoris.journal.unusable import JournalTooNew, JournalUnusable, unusable


def examine_journal(path: Path) -> JournalUnusable | None:
    """What is wrong with the database at `path`, which is there; None if nothing.

    Nothing is written.
    """
    try:
        # rw, and not rwc: it is not made anew.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=5)) as database:
            version = version_of(database)
            if version > VERSION:
                return JournalTooNew(path, version, VERSION)
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return unusable(path, "trusted", sqlite3.DatabaseError(found))
            database.isolation_level = None
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        return unusable(path, "used", error)
    return None
