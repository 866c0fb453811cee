"""The journal's database: SQLite, one file, written event by event.

Three tables. `events` is the record itself, append-only. `rollouts` and `targets` are what the
events add up to, kept current in the same transaction, so that a report or a revert need not read
the whole history.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sartoris.config.problems import command
from sartoris.errors import Refused
from sartoris.events import (
    Event,
    Published,
    Reverted,
    RolloutEnded,
    RolloutStarted,
    Tagged,
    TargetAnswered,
)
from sartoris.orders import Outcome

SCHEMA_VERSION = 1

_SCHEMA = """
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
);
"""


class JournalUnusable(Refused):
    """The journal's database cannot be read or written."""

    def __init__(self, path: Path, what: str, error: Exception) -> None:
        aside = command("mv", str(path), f"{path}.broken")
        super().__init__(
            f"the journal {path} cannot be {what}: {error}",
            next_steps=[f"{aside}   # a new one is begun", "git deploy report"],
        )


@dataclass(frozen=True, kw_only=True)
class RolloutRecord:
    """One rollout as the journal has it. Times are seconds since the epoch; `ended` None: open.

    `reverted_by` is the tag of the rollout that reverted this one, "" if none did.
    """

    session: str
    action: str
    prefix: str
    slot: str
    start_tag: str
    tag: str
    release: str
    commit_id: str
    source: str
    by: str
    host: str
    message: str
    started: float
    ended: float | None
    result: str
    reverted_by: str


@dataclass(frozen=True, kw_only=True)
class TargetRecord:
    """What a target last answered. `answered_at` None: it has never been reached."""

    target: str
    at: float
    answered_at: float | None
    live: str
    held: tuple[str, ...]
    error: str
    message: str


class Journal:
    """Opens or creates the database at `path`. Raises `JournalUnusable`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = ""
        try:
            if str(path) != ":memory:":
                path.parent.mkdir(parents=True, exist_ok=True)
                _touch(path)
            self._database = _open(path)
        except (sqlite3.Error, OSError) as error:
            raise JournalUnusable(path, "used", error) from error

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """The journal at `path`, or an empty one if there is none; nothing is made on disk."""
        return cls(path if path.exists() else Path(":memory:"))

    def close(self) -> None:
        self._database.close()

    def record(self, event: Event) -> None:
        """Write `event`, in one transaction with what it changes. Raises `JournalUnusable`."""
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._apply(event)
                self._append(event)
        except sqlite3.Error as error:
            raise JournalUnusable(self.path, "written", error) from error

    def rollouts(self, *, prefix: str | None = None, limit: int = 20) -> list[RolloutRecord]:
        """The newest rollouts that have a tag, newest first."""
        return self._rollouts(
            "WHERE tag != '' AND (?1 IS NULL OR prefix = ?1) ORDER BY id DESC LIMIT ?2",
            (prefix, limit),
        )

    def rollout_of_tag(self, tag: str) -> RolloutRecord | None:
        return _first(self._rollouts("WHERE tag = ? ORDER BY id DESC LIMIT 1", (tag,)))

    def rollout_of_source(
        self, source: str, prefix: str, *, released: bool = False
    ) -> RolloutRecord | None:
        """The newest rollout of `prefix` that shipped the commit; if `released`, as our release."""
        named = "release" if released else "tag"
        return _first(
            self._rollouts(
                f"WHERE source = ? AND prefix = ? AND {named} != '' ORDER BY id DESC LIMIT 1",
                (source, prefix),
            )
        )

    def tag_of_commit(self, commit: str, prefix: str) -> str:
        """The newest tag that a rollout of `prefix` gave the commit, at its start or for itself.

        A revert starts from wherever the working repository was, and its start tag is not on that.
        """
        rows = self._read(
            "SELECT CASE WHEN source = ?1 AND tag != '' THEN tag ELSE start_tag END FROM rollouts"
            " WHERE prefix = ?2 AND ((source = ?1 AND tag != '')"
            " OR (start_commit = ?1 AND start_tag != '' AND action != 'revert'))"
            " ORDER BY id DESC LIMIT 1",
            (commit, prefix),
        )
        return str(rows[0][0]) if rows else ""

    def events(self, session: str) -> list[dict[str, Any]]:
        """The events of one session, oldest first, as in `--json`."""
        rows = self._read("SELECT data FROM events WHERE session = ? ORDER BY id", (session,))
        return [json.loads(row[0]) for row in rows]

    def known_targets(self) -> frozenset[str]:
        """The targets that have ever answered, in any slot."""
        rows = self._read("SELECT DISTINCT target FROM targets WHERE answered_at IS NOT NULL")
        return frozenset(row[0] for row in rows)

    def targets(self, slot: str) -> dict[str, TargetRecord]:
        """What each target of the slot last answered, by name."""
        rows = self._read(
            "SELECT target, at, answered_at, live, held, error, message FROM targets"
            " WHERE slot = ?",
            (slot,),
        )
        return {
            row[0]: TargetRecord(
                target=row[0],
                at=row[1],
                answered_at=row[2],
                live=row[3],
                held=tuple(json.loads(row[4])),
                error=row[5],
                message=row[6],
            )
            for row in rows
        }

    def _rollouts(self, where: str, values: Iterable[object]) -> list[RolloutRecord]:
        names = tuple(RolloutRecord.__dataclass_fields__)
        rows = self._read(f"SELECT {', '.join(names)} FROM rollouts {where}", values)
        return [RolloutRecord(**dict(zip(names, row, strict=True))) for row in rows]

    def _read(self, question: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(question, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise JournalUnusable(self.path, "read", error) from error

    def _append(self, event: Event) -> None:
        document = event.to_json()
        self._database.execute(
            "INSERT INTO events (session, at, event, data) VALUES (?, ?, ?, ?)",
            (self.session, event.at, document["event"], json.dumps(document)),
        )

    def _apply(self, event: Event) -> None:
        if isinstance(event, RolloutStarted):
            self._begin(event)
        elif isinstance(event, RolloutEnded):
            self._update(
                "UPDATE rollouts SET ended = ?, result = ? WHERE session = ?",
                event.at,
                event.result,
            )
        elif isinstance(event, Tagged):
            self._update(
                "UPDATE rollouts SET tag = ?, message = ?, source = ? WHERE session = ?",
                event.tag,
                event.message,
                event.commit,
            )
        elif isinstance(event, Published):
            self._update(
                "UPDATE rollouts SET release = ?, commit_id = ?, source = ? WHERE session = ?",
                event.release,
                event.commit,
                event.source,
            )
        elif isinstance(event, Reverted):
            self._write(
                "UPDATE rollouts SET reverted_by = ? WHERE action != 'revert'"
                " AND CASE release WHEN '' THEN tag ELSE release END = ?",
                event.rollout,
                event.release,
            )
        elif isinstance(event, TargetAnswered) and event.stage != "service":
            self._remember(event.slot, event.outcome, event.at)

    def _begin(self, event: RolloutStarted) -> None:
        self.session = event.session
        self._write(
            "INSERT OR IGNORE INTO rollouts"
            " (session, action, prefix, slot, start_tag, start_commit, by, host, message, started)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            event.session,
            event.action,
            event.prefix,
            event.slot,
            event.start_tag,
            event.start_commit,
            event.by,
            event.host,
            event.why,
            event.at,
        )

    def _update(self, statement: str, *values: object) -> None:
        self._write(statement, *values, self.session)

    def _write(self, statement: str, *values: object) -> None:
        self._database.execute(statement, [_storable(value) for value in values])

    def _remember(self, slot: str, outcome: Outcome, at: float) -> None:
        """A target that did not answer keeps what it said last; only the error is new."""
        self._write(
            "INSERT INTO targets (slot, target, at, answered_at, live, held, error, message)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            " ON CONFLICT (slot, target) DO UPDATE SET at = ?3, error = ?7, message = ?8"
            + ("" if outcome.silent else ", answered_at = ?4, live = ?5, held = ?6"),
            slot,
            outcome.target,
            at,
            None if outcome.silent else at,
            outcome.live,
            json.dumps(list(outcome.held)),
            outcome.error,
            outcome.message,
        )


def _storable(value: object) -> object:
    """SQLite keeps text only; bytes that are none are shown as question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


def _touch(path: Path) -> None:
    """Make the file as the umask has it: SQLite would not let a group write, and copies the mode of
    the database to the files that it puts beside it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _create(database)
    elif version != SCHEMA_VERSION:
        raise sqlite3.DatabaseError(
            f"it has version {version}; this Sartoris knows {SCHEMA_VERSION}"
        )
    return database


def _create(database: sqlite3.Connection) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] != 0:
            return  # another process made the tables while this one waited for the lock
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _first(records: list[RolloutRecord]) -> RolloutRecord | None:
    return records[0] if records else None
