"""What happens in a rollout, as one stream of typed events.

Whoever shows, records or announces a rollout listens to the same stream: the terminal, `--json`,
log files, mail, hooks. An event is in the journal before the first of them hears of it. A step is
announced before it is taken and again when it has ended, so that a record interrupted by a crash
still tells what was being done. An event is known by its fields and not compared: methods that are
not made for these classes are not made at every start.

On the wire an event is one JSON object: `event` (its kind), the envelope that is the same for all,
and the fields of its class. New fields may be added; none is renamed. docs/events.md lists all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from sartoris.orders import Outcome


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Event:
    """Something that happened, or is about to.

    These fields are the envelope. The stream fills in what whoever emits the event leaves out.
    `seq` is the event's number in the journal: it grows, and none is given twice in a repository.
    0: the journal does not have this event. `at` is in seconds since the epoch. `session` is the
    rollout in progress, "" for none; `command` what was typed, as in `git deploy COMMAND`.
    """

    seq: int = 0
    at: float = field(default_factory=time.time)
    session: str = ""
    command: str = ""
    repository: str = ""
    slot: str = ""

    @classmethod
    @cache
    def kind(cls) -> str:
        """`StageStarted` is `stage-started` in the journal and in `--json`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def to_json(self) -> dict[str, Any]:
        return {
            "event": self.kind(),
            **{f.name: _plain(getattr(self, f.name)) for f in fields(self)},
        }


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CommandStarted(Event):
    """Somebody typed a command that may change something. It is recorded before all else, so that
    what is refused leaves a trace, too.

    `argv` is what was typed, without passwords in URLs. `by` is the person as in
    rollout tags, or the login name where git knows no person. `process` is its number on `host`.
    """

    argv: tuple[str, ...]
    by: str
    host: str
    process: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CommandEnded(Event):
    """The command ends. `exit_code` is what the shell gets, `error` the kind of error and `message`
    its text; both are "" if there was none. A command without this event is running, or was killed.
    """

    exit_code: int
    seconds: float
    error: str = ""
    message: str = ""


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
class TakenOver(Event):
    """The rollout that `holder` held was taken over with `--force`, by the `command` of `by`.

    `why` is what was said to it.
    """

    session: str
    holder: str
    by: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepStarted(Event):
    """A named step of a story is about to be taken."""

    step: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepFinished(Event):
    """The step has succeeded."""

    step: str
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepFailed(Event):
    """The step has failed, and what follows it is not done. `message` is the error's first line."""

    step: str
    seconds: float
    message: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WillShip(Event):
    """What changes between what is live (`base`, "" for nothing) and what will be (`head`).

    `commits` and `files` may name only the first of `commit_count` and `file_count`. `gone` counts
    commits that are live now and are not in `head`, `gone_commits` names the first of them.
    `submodules` are lines for a person.
    """

    base: str
    head: str
    commits: tuple[str, ...] = ()
    commit_count: int = 0
    files: tuple[str, ...] = ()
    file_count: int = 0
    submodules: tuple[str, ...] = ()
    gone: int = 0
    gone_commits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ComparedToLive(Event):
    """What a start has checked out, `head` of `branch`, beside what is live.

    That is `release` of commit `base`, since (seconds since the epoch) and by whom; "" for nothing.
    `new` are lines of the first of `new_count` commits that are not live, `gone` of the first of
    `gone_count` that are, and would go. `is_known`: a fleet of ours should have it; otherwise it
    is what was rolled out last.
    """

    branch: str
    head: str
    release: str = ""
    base: str = ""
    since: float = 0.0
    by: str = ""
    new: tuple[str, ...] = ()
    new_count: int = 0
    gone: tuple[str, ...] = ()
    gone_count: int = 0
    is_known: bool = True


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
    """What one target answered, or what its transport answers for it (orders.md)."""

    stage: str
    slot: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StageFinished(Event):
    """All of them have answered: how many succeeded, and who did not."""

    stage: str
    release: str
    succeeded: int
    failed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Planned(Event):
    """What is about to be done to whom: `stage` to each of `waves`, one after the other.

    A wave is its name and its targets. At most `allowed` of `total` targets may fail; None: it does
    not stop, whoever fails. `behind` are targets that the rollout goes on without already.
    """

    stage: str
    waves: tuple[tuple[str, tuple[str, ...]], ...]
    allowed: int | None
    total: int
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GateDecided(Event):
    """The decision after a wave: `failed` of `total` targets failed until now, `allowed` may."""

    stage: str
    wave: str = "all"
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
class HookStarted(Event):
    """A hook is about to run. `phase` is `sync` for the sync hook."""

    phase: str
    hook: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HookOutput(Event):
    """What a hook has just written, as it came: it may begin and end in the middle of a line.

    Bytes that are no UTF-8 are lone surrogates. The journal has the first 256 KiB of each hook.
    """

    phase: str
    hook: str
    text: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HookRan(Event):
    """A hook ended. `exit_code` None: it could not be started or ran out of time.

    `output` is the end of what it wrote. `stops`: it failed, and so does the command, whose error
    tells it.
    """

    phase: str
    hook: str
    exit_code: int | None
    seconds: float
    output: str = ""
    stops: bool = False


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Announced(Event):
    """A turn of the rollout, in words for the whole site. `level` is a syslog(3) level's name.

    `announce`: it is worth telling a channel; otherwise it is for logs. `topic` is the action that
    the turn belongs to: a sync that finishes by itself has one of `finish`, too. The tags are ""
    while there are none.
    """

    message: str
    level: str = "info"
    announce: bool = True
    topic: str = ""
    prefix: str = ""
    start_tag: str = ""
    rollout_tag: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TargetTakenOut(Event):
    """Rollouts leave `target` alone from now on, and do not count it."""

    target: str
    by: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TargetBack(Event):
    """A target that was away has what it should have, and counts again."""

    target: str
    by: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MailOffered(Event):
    """What a mail about a turn of the rollout says, for sites that ask for one at this `topic`.

    `text` is followed by what is in the range of `commits`, "" for none, and by `deploy_text`, the
    deploy file's text. With `to` it is for that person, `NAME <ADDRESS>`, at any topic, where the
    site sends mails at all.
    """

    topic: str
    subject: str
    text: str
    commits: str = ""
    deploy_text: str = ""
    to: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Warned(Event):
    """Something that a person should know, and that stops nothing."""

    message: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Noted(Event):
    """Progress that is not a step."""

    message: str


Listener = Callable[[Event], None]


class NotRecorded(Exception):
    """The record has come to its end; `str()` says why. Raised by what an `EventStream` records in,
    which is not asked again.
    """


class Envelope(NamedTuple):
    """What the events of a stream have in common, until something else is said."""

    session: str = ""
    command: str = ""
    repository: str = ""
    slot: str = ""


class EventStream:
    """Records every event, and hands it to every listener, in the order in which they subscribed.

    `record` writes an event down and gives its number; without it events are only numbered. What it
    raises means that nothing has happened yet, but for `NotRecorded`: then a warning says so, and
    the events that follow have the number 0.

    A listener may emit events itself, which come between. So those that act (mail, hooks) subscribe
    after those that show.
    """

    def __init__(self, record: Callable[[Event], int] | None = None) -> None:
        self._record = record or _numbering()
        self._envelope = Envelope()
        self._listeners: list[Listener] = []
        self._of_relayed: list[Listener] = []
        self._not_recorded: NotRecorded | None = None

    @property
    def not_recorded(self) -> NotRecorded | None:
        """Why the journal has had none of the events since some moment; None while it has all."""
        return self._not_recorded

    @property
    def envelope(self) -> Envelope:
        return self._envelope

    def about(self, **known: str) -> None:
        """Say what the events from now on are about, by the names of `Envelope`."""
        self._envelope = self._envelope._replace(**known)

    def subscribe(self, listener: Listener, *, relayed: bool = True) -> None:
        """`relayed` False: without the events that another process has shown already."""
        self._listeners.append(listener)
        if relayed:
            self._of_relayed.append(listener)

    @contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Have one more listener while the body runs."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def emit(self, event: Event) -> None:
        """Record the event in its envelope, then hand it on."""
        event = self._numbered(self._in_envelope(event))
        for listener in self._listeners:
            listener(event)

    def relay(self, event: Event) -> None:
        """Hand on what another process of this command has recorded."""
        for listener in self._of_relayed:
            listener(event)

    def _in_envelope(self, event: Event) -> Event:
        known = self._envelope._asdict().items()
        return replace(event, **{name: text for name, text in known if not getattr(event, name)})

    def _numbered(self, event: Event) -> Event:
        try:
            seq = self._record(event)
        except NotRecorded as end:
            self._record = _unnumbered
            self._not_recorded = end
            self.warn(f"{end}; this command goes on without it")
            seq = 0
        return replace(event, seq=seq)

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


def _numbering() -> Callable[[Event], int]:
    numbers = count(1)
    return lambda _: next(numbers)


def _unnumbered(event: Event) -> int:
    del event
    return 0


def _plain(value: object) -> object:
    if isinstance(value, Outcome):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
