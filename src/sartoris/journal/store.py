"""The journal's database: SQLite, one file, written event by event.

Three tables. `events` is the record itself, append-only. `rollouts` and `targets` are what the
events add up to, kept current in the same transaction, so that a report or a revert need not read
the whole history. An event's number, `seq`, is the number of its row: it grows in the order in
which events were written, whichever process wrote them.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sartoris import documents
from sartoris.events import (
    Event,
    Published,
    Reverted,
    RolloutEnded,
    RolloutStarted,
    Tagged,
    TargetAnswered,
)
from sartoris.formatting import without_bytes
from sartoris.journal.migrations import VERSION, migrate, version_of
from sartoris.journal.rows import (
    MadeLive,
    MadeTag,
    RolloutRecord,
    TagKind,
    TargetRecord,
    document_of,
    made_live_of,
    rollout_of,
    target_of,
)
from sartoris.journal.snapshot import readable
from sartoris.journal.unusable import (
    JournalMoved,
    JournalTooNew,
    JournalUnusable,
    is_held,
    unusable,
)
from sartoris.orders import Outcome

__all__ = ["Journal", "JournalUnusable", "MadeTag", "RolloutRecord", "TargetRecord"]

# Seconds for which another process may hold the database.
PATIENCE = 30.0

Result = TypeVar("Result")

_ENVELOPE = ("session", "command", "repository", "slot")
_EVENTS = f"SELECT id, event, at, {', '.join(_ENVELOPE)}, data FROM events"


_NOWHERE = ":memory:"


class Journal:
    """Opens or creates the database at `path`, and brings an older one to this version.

    Another process that writes is waited for, `PATIENCE` seconds. With a `copy` that is opened
    instead, and nothing can be recorded. Raises `JournalUnusable`, and
    OSError where there can be no directory for it.
    """

    def __init__(self, path: Path, *, copy: Path | None = None) -> None:
        self.path = path
        self._until_closed = ExitStack()
        opened = copy or path
        is_file = str(opened) != _NOWHERE
        if is_file:
            opened.parent.mkdir(parents=True, exist_ok=True)
        try:
            if is_file and not opened.exists():
                _begin_file(opened)
            self._database = _patiently(lambda: _open(opened))
            self._file = _identity(opened)
        except (sqlite3.Error, OSError) as error:
            raise unusable(path, "used", error) from error

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """The journal at `path`, or an empty one if there is none; nothing is made on disk."""
        with ExitStack() as stack:
            try:
                there = stack.enter_context(readable(path)) if path.exists() else Path(_NOWHERE)
            except OSError as error:
                raise unusable(path, "read", error) from error
            journal = cls(path, copy=there)
            journal._until_closed = stack.pop_all()
        return journal

    def close(self) -> None:
        self._database.close()
        self._until_closed.close()

    def record(self, event: Event) -> int:
        """Write `event`, in one transaction with what it changes; its number.

        Raises `JournalUnusable`: then nothing is written.
        """
        if _identity(self.path) != self._file:
            raise JournalMoved(self.path)
        try:
            return _patiently(lambda: self._record(event))
        except sqlite3.Error as error:
            raise unusable(self.path, "written", error) from error

    def _record(self, event: Event) -> int:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._apply(event)
            return self._append(event)

    def rollouts(
        self, *, prefix: str | None = None, limit: int = 20, tagged: bool = True
    ) -> list[RolloutRecord]:
        """The newest rollouts, newest first; if `tagged`, only those that came to have a tag."""
        return self._rollouts(
            "WHERE (tag != '' OR NOT ?1) AND (?2 IS NULL OR prefix = ?2) ORDER BY id DESC LIMIT ?3",
            (tagged, prefix, limit),
        )

    def tags_made(self, *, limit: int = -1) -> list[MadeTag]:
        """The tags of the newest rollouts, in the order in which they were made."""
        rows = self._read(
            "SELECT start_tag, start_commit, tag, source, started, result, release, action"
            " FROM rollouts ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        made: list[MadeTag] = []
        for start_tag, start_commit, tag, source, at, result, release, action in reversed(rows):
            if start_tag:
                made.append(MadeTag(start_tag, start_commit, at, kind="start"))
            if tag:
                is_live = result == "finished" and release != ""
                kind: TagKind = "shipped" if is_live else "tagged"
                made.append(MadeTag(tag, source, at, kind, reverts=action == "revert"))
        return made

    def made_live(self, slot: str) -> list[MadeLive]:
        """What rollouts that came to their end have made live in the slot, oldest first."""
        rows = self._read(
            "SELECT release, source, ended, by, tag, action = 'revert' FROM rollouts"
            " WHERE slot = ? AND result = 'finished' AND release != '' ORDER BY id",
            (slot,),
        )
        with self._believing("rollouts"):
            return [made_live_of(*row) for row in rows]

    def rollout_of_session(self, session: str) -> RolloutRecord | None:
        return _first(self._rollouts("WHERE session = ?", (session,)))

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

    def prefixes(self) -> set[str]:
        """Those of all rollouts that came to their end."""
        rows = self._read("SELECT DISTINCT prefix FROM rollouts WHERE result = 'finished'")
        return {str(row[0]) for row in rows}

    def reverted(self, prefix: str) -> list[RolloutRecord]:
        """The rollouts of `prefix` that were found bad, newest first."""
        return self._rollouts("WHERE prefix = ? AND reverted_by != '' ORDER BY id DESC", (prefix,))

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
        rows = self._read(f"{_EVENTS} WHERE session = ? ORDER BY id", (session,))
        with self._believing("events"):
            return [document_of(*row) for row in rows]

    def since(self, seq: int, *, limit: int = 1000) -> list[dict[str, Any]]:
        """The events after number `seq`, of all sessions, oldest first, as in `--json`.

        How another process follows: it asks again with the number of the last one that it has.
        """
        rows = self._read(f"{_EVENTS} WHERE id > ? ORDER BY id LIMIT ?", (seq, limit))
        with self._believing("events"):
            return [document_of(*row) for row in rows]

    def taken_over(self, who: str, *, within: int = 50_000) -> list[dict[str, Any]]:
        """The `taken-over` events of rollouts that `who` held, since the last command of that
        person; of the newest events, `within` so many.
        """
        first = max(self.last_seq() - within, 0)
        events = self._of_kind("taken-over", first)
        mine = [event for event in events if event.get("holder") == who]
        if not mine:
            return []
        typed = self._of_kind("command-started", mine[0]["seq"])
        last = max((event["seq"] for event in typed if event.get("by") == who), default=0)
        return [event for event in mine if event["seq"] > last]

    def _of_kind(self, kind: str, after: int) -> list[dict[str, Any]]:
        rows = self._read(f"{_EVENTS} WHERE id > ? AND event = ? ORDER BY id", (after, kind))
        with self._believing("events"):
            return [document_of(*row) for row in rows]

    def last_seq(self) -> int:
        """The number of the newest event; 0 without any."""
        return int(self._read("SELECT coalesce(max(id), 0) FROM events")[0][0])

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
        with self._believing("targets"):
            return {row[0]: target_of(*row) for row in rows}

    def _rollouts(self, where: str, values: Iterable[object]) -> list[RolloutRecord]:
        names = tuple(RolloutRecord.__dataclass_fields__)
        rows = self._read(f"SELECT {', '.join(names)} FROM rollouts {where}", values)
        with self._believing("rollouts"):
            return [rollout_of(**dict(zip(names, row, strict=True))) for row in rows]

    @contextmanager
    def _believing(self, table: str) -> Iterator[None]:
        """A damaged file may still be a database, with other things in its rows than we put there.

        Raises `JournalUnusable`.
        """
        try:
            yield
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            damage = sqlite3.DatabaseError(f"a row of {table} is damaged: {error}")
            raise unusable(self.path, "trusted", damage) from error

    def _read(self, question: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(question, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise unusable(self.path, "read", error) from error

    def _append(self, event: Event) -> int:
        document = event.to_json()
        del document["seq"], document["at"]
        kind, envelope = document.pop("event"), [document.pop(name) for name in _ENVELOPE]
        inserted = self._database.execute(
            "INSERT INTO events (event, at, session, command, repository, slot, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, event.at, *map(_storable, envelope), json.dumps(document)),
        )
        return inserted.lastrowid or 0

    def _apply(self, event: Event) -> None:
        if isinstance(event, RolloutStarted):
            self._begin(event)
        elif isinstance(event, RolloutEnded):
            self._write(
                "UPDATE rollouts SET ended = ?, result = ? WHERE session = ?",
                event.at,
                event.result,
                event.session,
            )
        elif isinstance(event, Tagged):
            self._write(
                "UPDATE rollouts SET tag = ?, message = ?, source = ? WHERE session = ?",
                event.tag,
                event.message,
                event.commit,
                event.session,
            )
        elif isinstance(event, Published):
            self._write(
                "UPDATE rollouts SET release = ?, commit_id = ?, source = ? WHERE session = ?",
                event.release,
                event.commit,
                event.source,
                event.session,
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
        return without_bytes(value)
    return value


def _begin_file(path: Path) -> None:
    """A new file, without the log of another database that stood here and was moved away: SQLite
    would put what is in that into the new one.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # for many that begin at once
        if path.exists():
            return
        for end in ("-wal", "-shm"):
            left = path.with_name(path.name + end)
            if os.path.lexists(left):
                documents.keep_beside(left)
        _touch(path)
    finally:
        os.close(directory)


def _touch(path: Path) -> None:
    """Make the file as the umask has it: SQLite would not let a group write, and copies the mode of
    the database to the files that it puts beside it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))


def _patiently(attempt: Callable[[], Result]) -> Result:
    """Wait where SQLite does not: when many make a new journal at once, or the last one to have it
    open goes while the next comes, it says at once that it is locked.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except sqlite3.Error as error:
            if not is_held(error) or time.monotonic() >= until:
                raise
        time.sleep(random.uniform(0.005, 0.05))


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        version = _known_version(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        if version < VERSION:
            migrate(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _known_version(database: sqlite3.Connection, path: Path) -> int:
    """Before anything is written."""
    version = version_of(database)
    if version > VERSION:
        raise JournalTooNew(path, version, VERSION)
    return version


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _first(records: list[RolloutRecord]) -> RolloutRecord | None:
    return records[0] if records else None
