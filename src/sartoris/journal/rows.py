"""What stands in the journal's rows, as values; what a damaged file has in them is noticed here."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


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


TagKind = Literal["start", "tagged", "shipped"]


class MadeTag(NamedTuple):
    """A tag that a rollout which began `at` made, or found (`start`), on a commit.

    `shipped`: the rollout came to its end, with a release. `reverts`: it was a revert's own tag.
    """

    name: str
    commit: str
    at: float
    kind: TagKind
    reverts: bool = False


class MadeLive(NamedTuple):
    """That the fleet got `release` of commit `source` by a rollout that ended `at`, by a person.

    `rollout` is its tag, `is_revert` what it was.
    """

    release: str
    source: str
    at: float
    by: str
    rollout: str
    is_revert: bool


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


def document_of(
    seq: int,
    event: str,
    at: float,
    session: str,
    command: str,
    repository: str,
    slot: str,
    data: str,
) -> dict[str, Any]:
    """As `Event.to_json`. Before version 2 all that there was stood in `data`."""
    if not all(isinstance(one, str) for one in (event, session, command, repository, slot)):
        raise TypeError("a name is no text")
    envelope = {"session": session, "command": command, "repository": repository, "slot": slot}
    return {"event": event, "seq": seq, "at": round(at, 6), **envelope, **json.loads(data)}


def made_live_of(
    release: str, source: str, at: float, by: str, rollout: str, is_revert: int
) -> MadeLive:
    if not all(isinstance(one, str) for one in (release, source, by, rollout)):
        raise TypeError("a name is no text")
    return MadeLive(release, source, _time(at), by, rollout, bool(is_revert))


def target_of(
    target: str,
    at: float,
    answered_at: float | None,
    live: str,
    held: str,
    error: str,
    message: str,
) -> TargetRecord:
    if not all(isinstance(one, str) for one in (target, live, error, message)):
        raise TypeError("a name is no text")
    return TargetRecord(
        target=target,
        at=_time(at),
        answered_at=None if answered_at is None else _time(answered_at),
        live=live,
        held=tuple(map(str, json.loads(held))),
        error=error,
        message=message,
    )


def rollout_of(*, started: float, ended: float | None, **names: Any) -> RolloutRecord:
    if not all(isinstance(one, str) for one in names.values()):
        raise TypeError("a name is no text")
    ended = None if ended is None else _time(ended)
    return RolloutRecord(started=_time(started), ended=ended, **names)


def _time(seconds: Any) -> float:
    """One that a calendar has. Raises ValueError, TypeError, OverflowError."""
    time.localtime(seconds)
    return float(seconds)
