"""What a journal says about a rollout whose own files are lost.

It is read on a connection of its own that changes and creates nothing: `git deploy status` may do
that, too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sartoris.journal.snapshot import readable

Recorded = dict[str, Any]  # an event as in `--json`

_DECISIONS = ("desired-state-changed", "document-written")
PATIENCE = 5.0  # seconds to wait for another process that has locked it


class JournalUnreadable(Exception):
    """There is no journal that could be read. `why` is for a person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A release as the journal has it. `rollout` is the tag of the newest rollout of it."""

    prefix: str
    commit: str
    source: str
    rollout: str
    by: str
    host: str
    message: str
    started: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a journal has.

    `session` is the rollout that was asked for, `events` are its events, oldest first. `decisions`
    are the changes of the desired state in all rollouts, oldest first. `releases` are by slot and
    name, `tags` those of all rollouts but this one. `began` is the time of the first event, None
    for an empty journal.
    """

    session: str
    events: tuple[Recorded, ...] = ()
    decisions: tuple[Recorded, ...] = ()
    releases: Mapping[tuple[str, str], Shipped] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    began: float | None = None


def read_journal(path: Path, session: str) -> Record:
    """What the journal at `path` has of `session`, or of the newest one if that is "".

    Raises `JournalUnreadable`.
    """
    if not path.is_file():
        raise JournalUnreadable(f"there is no {path}")
    try:
        with readable(path) as there:
            uri = f"{there.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as database:
                return _read(database, session or _newest_session(database))
    except (sqlite3.Error, ValueError, TypeError, OSError) as error:
        raise JournalUnreadable(f"{path} cannot be read: {error}") from error


@contextmanager
def believing(path: Path) -> Iterator[None]:
    """While events are looked into: those of a damaged file may lack what they need.

    Raises `JournalUnreadable`.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalUnreadable(f"{path} has damaged events: {error!r}") from error


def _read(database: sqlite3.Connection, session: str) -> Record:
    (began,) = database.execute("SELECT MIN(at) FROM events").fetchone()
    tags = database.execute("SELECT tag FROM rollouts WHERE session != ?", (session,))
    return Record(
        session=session,
        events=_events(database, "session = ?", session) if session else (),
        decisions=_events(database, "event IN (?, ?)", *_DECISIONS),
        releases=_releases(database),
        tags=frozenset(row[0] for row in tags),
        began=began,
    )


def _newest_session(database: sqlite3.Connection) -> str:
    query = "SELECT session FROM events WHERE session != '' ORDER BY id DESC LIMIT 1"
    row = database.execute(query).fetchone()
    return str(row[0]) if row else ""


def _events(database: sqlite3.Connection, which: str, *values: str) -> tuple[Recorded, ...]:
    """In the first version all that there is of an event stands in `data`, later its envelope has
    columns of its own; nothing is migrated here.
    """
    columns = [row[1] for row in database.execute("PRAGMA table_info(events)")]
    envelope = [name for name in columns if name not in ("id", "data")]
    rows = database.execute(
        f"SELECT data, {', '.join(envelope)} FROM events WHERE {which} ORDER BY id", values
    )
    read = (_recorded(data, zip(envelope, known, strict=True)) for data, *known in rows)
    return tuple(event for event in read if event is not None)


def _recorded(data: Any, envelope: Iterable[tuple[str, Any]]) -> Recorded | None:
    """An event; None for one that a damaged file has made unreadable: what others say still counts.

    A lost one is noticed where it matters: a state and the desired state that do not agree.
    """
    try:
        event = {**dict(envelope), **json.loads(data)}
    except (ValueError, TypeError, RecursionError):
        return None
    return event if isinstance(event.get("event"), str) else None


def _releases(database: sqlite3.Connection) -> dict[tuple[str, str], Shipped]:
    """A newer rollout of a release counts more, and most of all one that was finished."""
    rows = database.execute(
        "SELECT slot, release, prefix, commit_id, source, tag, by, host, message, started"
        " FROM rollouts WHERE release != '' ORDER BY result = 'finished', id"
    )
    names = ("prefix", "commit", "source", "rollout", "by", "host", "message", "started")
    return {
        (slot, release): Shipped(**dict(zip(names, rest, strict=True)))
        for slot, release, *rest in rows
    }
