"""What happens in a rollout, as one stream of typed events.

Whoever shows, records or announces a rollout listens to the same stream: the terminal, `--json`,
the journal. A step is announced before it is taken and again when it has ended, so that a record
cut short by a crash still tells what was being done. An event is told by its fields and not
compared: methods that are not made for these classes are not made at every start.

On the wire an event is one JSON object: `event` (its kind), `at` (seconds since the epoch), and the
fields of its class. New fields may be added; none is renamed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from sartoris.orders import Outcome


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Event:
    """Something that happened, or is about to. `at`: seconds since the epoch."""

    at: float = field(default_factory=time.time)

    @classmethod
    def kind(cls) -> str:
        """`StageStarted` is `stage-started` in the journal and in `--json`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        values = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "at"}
        return {"event": self.kind(), "at": round(self.at, 6), **values}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RolloutStarted(Event):
    """A session began. `session` identifies it until it has a rollout tag, and after."""

    session: str
    action: str
    prefix: str
    slot: str
    start_tag: str
    start_commit: str
    by: str
    host: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RolloutEnded(Event):
    """A session ended. `result`: `finished`, `aborted` or `quit` (given up before it began)."""

    session: str
    result: str
    message: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepStarted(Event):
    """A named step of a story is about to be taken."""

    step: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepFinished(Event):
    step: str
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepFailed(Event):
    step: str
    seconds: float
    message: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WillShip(Event):
    """What changes between what is live (`base`, "" for nothing) and what will be (`head`).

    `commits` and `files` may name only the first of `commit_count` and `file_count`. `gone` counts
    commits that are live now and are not in `head`. `submodules` are lines for a person.
    """

    base: str
    head: str
    commits: tuple[str, ...] = ()
    commit_count: int = 0
    files: tuple[str, ...] = ()
    file_count: int = 0
    submodules: tuple[str, ...] = ()
    gone: int = 0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Reverted(Event):
    """The rollout `rollout` took the fleet from `release`, which is bad, back to another."""

    release: str
    rollout: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Tagged(Event):
    """`commit` now has the annotated tag `tag`; `pushed` says whether the remote has it too."""

    session: str
    tag: str
    commit: str
    message: str
    pushed: bool


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Published(Event):
    """The release is in the publish repository: `commit` is composed from `source`."""

    session: str
    release: str
    commit: str
    source: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StageStarted(Event):
    """All of `targets` are being sent the order."""

    stage: str
    release: str
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TargetAnswered(Event):
    stage: str
    slot: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StageFinished(Event):
    stage: str
    release: str
    succeeded: int
    failed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GateDecided(Event):
    """The decision between stages: `failed` of `total` targets failed, `allowed` may."""

    stage: str
    passed: bool
    failed: tuple[str, ...]
    allowed: int
    total: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DesiredStateChanged(Event):
    """The slot should have `release` from now on; `before` is what it should have had."""

    slot: str
    release: str
    before: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DocumentWritten(Event):
    """A file of ours is about to say `content`: `document` is `rollout` or `desired`.

    From this the journal can give the file back when it is lost or damaged.
    """

    document: str
    content: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LeftBehind(Event):
    """Targets that the rollout goes on without; they converge later."""

    targets: tuple[str, ...]
    release: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CacheAnswered(Event):
    """A cache was told to ban the pages that `ban` names. `error` "": it has; otherwise why not,
    and it may go on serving them. `again` is the command that does the same.
    """

    cache: str
    ban: str
    error: str
    again: str
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HookRan(Event):
    """A hook ended. `exit_code` None: it could not be started or ran out of time."""

    phase: str
    hook: str
    exit_code: int | None
    seconds: float
    output: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Announced(Event):
    """A turn of the rollout, in words for the whole site. `level` is a syslog(3) level's name.

    `announce`: it is worth telling a channel; otherwise it is for logs.
    """

    message: str
    level: str = "info"
    announce: bool = True


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Warned(Event):
    """Something that a person should know, and that stops nothing."""

    message: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Noted(Event):
    """Progress that is not a step."""

    message: str


Listener = Callable[[Event], None]


class EventStream:
    """Hands every event to every listener, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def warn(self, message: str) -> None:
        self.emit(Warned(message=message))

    def note(self, message: str) -> None:
        self.emit(Noted(message=message))

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Announce a step before its body runs, and its end or failure after."""
        self.emit(StepStarted(step=name, detail=detail))
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            took = time.monotonic() - began
            first_line = str(error).split("\n", 1)[0] or type(error).__name__
            self.emit(StepFailed(step=name, seconds=took, message=first_line))
            raise
        self.emit(StepFinished(step=name, seconds=time.monotonic() - began))


def _plain(value: object) -> object:
    if isinstance(value, Outcome):
        return value.to_json()
    if isinstance(value, tuple):
        return list(value)
    return round(value, 6) if isinstance(value, float) else value
