"""Is a journal whole, and can it be written to?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sartoris.journal.store import SCHEMA_VERSION, JournalUnusable


def examine_journal(path: Path) -> JournalUnusable | None:
    """What is wrong with the database at `path`, which is there; None if nothing.

    Nothing is written.
    """
    try:
        # rw, and not rwc: it is not made anew.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=5)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA_VERSION):  # 0: its first opening was cut short
                known = f"it has version {version}; this Sartoris knows {SCHEMA_VERSION}"
                return JournalUnusable(path, "used", sqlite3.DatabaseError(known))
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return JournalUnusable(path, "trusted", sqlite3.DatabaseError(found))
            database.isolation_level = None
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        return JournalUnusable(path, "used", error)
    return None
