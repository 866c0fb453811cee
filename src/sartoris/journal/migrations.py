"""The journal's tables, version by version.

A new journal is made by all steps, an older one by those that it has not seen, in one transaction.
The version is SQLite's `user_version`. It grows when an earlier Sartoris could not work with the
file any more, or when what is there has to be changed; the earlier one then refuses the file. (A
column with a default needs a step as well, and is written so that a Sartoris which has the file
open just now goes on with it.)
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_FIRST = """
CREATE TABLE rollouts (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    action TEXT NOT NULL,
    prefix TEXT NOT NULL,
    slot TEXT NOT NULL,
    start_tag TEXT NOT NULL,
    start_commit TEXT NOT NULL,
    tag TEXT NOT NULL DEFAULT '',
    release TEXT NOT NULL DEFAULT '',
    commit_id TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    by TEXT NOT NULL,
    host TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    started REAL NOT NULL,
    ended REAL,
    result TEXT NOT NULL DEFAULT '',
    reverted_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX rollouts_by_start ON rollouts (start_commit);
CREATE INDEX rollouts_by_source ON rollouts (source);
CREATE INDEX rollouts_by_tag ON rollouts (tag);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX events_by_session ON events (session);
CREATE TABLE targets (
    slot TEXT NOT NULL,
    target TEXT NOT NULL,
    at REAL NOT NULL,
    answered_at REAL,
    live TEXT NOT NULL DEFAULT '',
    held TEXT NOT NULL DEFAULT '[]',
    error TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (slot, target)
)
"""

# The envelope. `id` is its `seq`, and `data` has only what it has not.
_ENVELOPE = """
ALTER TABLE events ADD COLUMN command TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN repository TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN slot TEXT NOT NULL DEFAULT '';
UPDATE events SET slot = json_extract(data, '$.slot')
    WHERE json_valid(data) AND json_extract(data, '$.slot') IS NOT NULL
"""

STEPS = (_FIRST, _ENVELOPE)
VERSION = len(STEPS)


def version_of(database: sqlite3.Connection) -> int:
    """The version of the tables; 0 for a file in which there are none yet."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring the journal at `path` to this version, while nobody else writes to it.

    Until that is done, what was there stands beside it: `journal.sqlite.v1`.
    """
    kept: Path | None = None
    with database:
        database.execute("BEGIN IMMEDIATE")
        version = version_of(database)  # another process may have been first
        if 0 < version < VERSION:
            kept = _keep(path, version)
        for step in STEPS[version:]:
            _take(database, step)
        if version < VERSION:
            database.execute(f"PRAGMA user_version = {VERSION}")
    if kept is not None:
        kept.unlink()


def _keep(path: Path, version: int) -> Path:
    kept = path.with_name(f"{path.name}.v{version}")
    kept.unlink(missing_ok=True)  # of a migration that was interrupted: it may not be whole
    try:
        with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(kept)) as copy:
            now.backup(copy)
    except sqlite3.Error:
        kept.unlink(missing_ok=True)  # a part of it helps nobody, and the disk may be full
        raise
    return kept


def _take(database: sqlite3.Connection, step: str) -> None:
    for statement in step.split(";"):
        database.execute(statement)
