"""The lock: one rollout at a time, held from `start` to `finish` or `abort`, by a person.

The lock outlives the commands of a rollout. `exclusively` is the other lock: it lasts as long as
one command runs, and keeps two terminals of the same person apart.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from sartoris import atomic, documents
from sartoris.errors import Refused
from sartoris.formatting import duration


class Holder(NamedTuple):
    """Who holds the lock. `since` is in seconds since the epoch, `why` may be empty.

    `session` identifies the rollout; it is also in the rollout's state and in the journal.
    `rollout` is what it is, such as "start of slot0", while `action` is the last command that went
    on with it. `repository` is the git directory that the rollout is of: several repositories may
    share one lock (`deploy.lock-dir-root`). Both are "" in a lock that an older version wrote.
    `unknown` are the fields of a later version.
    """

    session: str
    user: str
    who: str
    host: str
    process: int
    since: float
    action: str
    why: str = ""
    repository: str = ""
    rollout: str = ""
    unknown: Mapping[str, Any] = MappingProxyType({})

    def to_json(self) -> dict[str, Any]:
        return documents.fields_of(self._asdict())

    @classmethod
    def nobody(
        cls,
        why: str,
        *,
        since: float,
        session: str = "",
        action: str = "unknown",
        repository: str = "",
    ) -> Holder:
        """Who holds a lock that does not say it; `why` stands for the name."""
        return cls(session, _NOBODY, why, _NOBODY, 0, since, action, "", repository)

    @property
    def is_known(self) -> bool:
        return self.user != _NOBODY

    def is_of(self, repository: str) -> bool:
        """Whether the rollout is of this repository, not of one that shares its lock."""
        return self.repository in ("", repository)

    def is_same_person_as(self, other: Holder) -> bool:
        return (self.user, self.who) == (other.user, other.who)

    def describe(self) -> str:
        """One line for a person: who, where, since when, for what."""
        name = self.who if self.who.split(" ")[0] == self.user else f"{self.who} ({self.user})"
        reason = f": {self.why}" if self.why else ""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        if not self.is_known:
            return f"{self.who}, since {when} ({duration(time.time() - self.since)} ago)"
        return (
            f"{name} on {self.host}, since {when} ({duration(time.time() - self.since)} ago),"
            f" {self.rollout or self.action}{reason}"
        )


class LockHeld(Refused):
    """Someone else's rollout is in progress."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(
            f"a rollout is in progress: {holder.describe()}{whom_to_ask(holder)}",
            next_steps=[
                "git deploy status   # how far it has come",
                "git deploy --force sync    # only if nobody answers: takes it over as it is",
                "git deploy --force abort   # the same: ends it, and resets the working repository",
            ],
        )
        self.holder = holder


def whom_to_ask(holder: Holder) -> str:
    """A line for whoever is not the holder, with its line end before it; "" if nobody is known."""
    if not holder.is_known:
        return ""
    ago = duration(time.time() - holder.since)
    return (
        f"\nAsk {holder.who} first: it was begun {ago} ago, and may be in the middle of something"
    )


class OtherRepository(Refused):
    """A repository that shares its lock with this one is being rolled out."""

    def __init__(self, holder: Holder) -> None:
        directory = holder.repository.removesuffix("/.git")
        super().__init__(
            f"a rollout of {directory}, which shares its lock with this repository"
            f" (deploy.lock-dir-root), is in progress: {holder.describe()}",
            next_steps=[f"git -C {shlex.quote(directory)} deploy status"],
        )
        self.holder = holder


class NoRollout(Refused):
    """The command needs a rollout, and none has been started."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"no rollout has been started, so there is nothing to {action}",
            next_steps=["git deploy start"],
        )


class CommandRunning(Refused):
    """Another command on this repository has not ended yet. `process`: its number and user."""

    def __init__(self, process: str) -> None:
        number, _, user = process.partition(" ")
        named = f" (process {number} of {user})" if user else ""
        super().__init__(
            f"another `git deploy` is running in this repository{named}",
            next_steps=["git deploy status", "wait for it to end, then repeat the command"],
        )


_NOBODY = "unknown"  # who holds a lock that does not say it


_TIME_TO_SAY_A_NAME = 2  # seconds; a process needs microseconds, unless it has been stopped there
UNREADABLE = "(its lock file is not readable)"
MISSING = "(its lock file is missing)"


class RolloutLock:
    """The lock file at `path`, a document with the fields of `Holder`.

    `lost` gives the holder when there is no file, and a rollout is in progress all the same.
    Whoever asks for the holder or changes it may get `NewerVersion`.
    """

    def __init__(self, path: Path, lost: Callable[[], Holder | None] = lambda: None) -> None:
        self.path = path
        self._lost = lost

    def holder(self) -> Holder | None:
        """Who holds the lock; None if it is free. A damaged or lost file still counts as held."""
        return self.written() or self._lost()

    def written(self) -> Holder | None:
        """As `holder`, but a lock that has no file is free: somebody took it away."""
        try:
            return documents.read(self.path, "the lock", _holder)
        except documents.Unreadable:
            return Holder.nobody(UNREADABLE, since=self.path.lstat().st_mtime)

    def take(self, holder: Holder) -> None:
        """Take the free lock; of many at once, exactly one does.

        Raises `LockHeld`, `OtherRepository`.
        """
        self.require_free(holder)
        text = documents.text_of(holder.to_json())
        if not atomic.create_text(self.path, text):
            raise _held(self.holder() or holder, holder)

    def require_free(self, holder: Holder) -> None:
        """As `take`, and take nothing."""
        current = self.holder()
        if current is not None:
            raise _held(current, holder)

    def require(self, me: Holder, *, force: bool, session: str = "") -> Holder:
        """The lock as held by `me`, taken over from another person if `force`.

        `session` is the rollout's where that is known; else it stays the one in the lock. Raises
        `NoRollout`, `LockHeld`, `OtherRepository`.
        """
        mine = self.examine(me, force=force, session=session)
        documents.write(self.path, mine.to_json())
        return mine

    def examine(self, me: Holder, *, force: bool, session: str = "") -> Holder:
        """As `require`, and leave the lock as it is."""
        current = self.holder()
        if current is None:
            raise NoRollout(me.action)
        if not current.is_of(me.repository):
            raise OtherRepository(current)
        if not current.is_same_person_as(me) and not force:
            raise LockHeld(current)
        return me._replace(
            session=session or current.session or me.session,
            since=current.since,
            why=me.why or current.why,
            rollout=me.rollout or current.rollout,
            unknown=current.unknown,
        )

    def release(self, holder: Holder) -> None:
        """Remove the lock if it is still this session's; never another person's."""
        current = self.written()
        if current is not None and current.session == holder.session:
            documents.remove(self.path)


def _held(current: Holder, me: Holder) -> LockHeld | OtherRepository:
    return LockHeld(current) if current.is_of(me.repository) else OtherRepository(current)


@contextmanager
def exclusively(path: Path, user: str) -> Iterator[bool]:
    """Keep other commands on this repository out while the body runs. Raises `CommandRunning`.

    Gives whether the last command was killed. The kernel frees this lock when the process ends,
    however it ends; only a process that is killed leaves its name in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.is_dir():  # nobody runs who has locked that
        documents.keep_beside(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        _take_alone(descriptor, path)
        last_was_killed = os.fstat(descriptor).st_size > 0
        # Never empty in between: who is killed there must not hide that the last one was. So the
        # end of a longer name may stand behind this one for a moment; a line's end parts them.
        mine = os.fsencode(f"{os.getpid()} {user}\n")
        os.pwrite(descriptor, mine, 0)
        os.ftruncate(descriptor, len(mine))
        try:
            yield last_was_killed
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take_alone(descriptor: int, path: Path) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            process = _running(path)
            if process is not None:
                raise CommandRunning(process) from error
            time.sleep(0.001)  # it was only somebody who asked, as `running` does


def running(path: Path) -> int | None:
    """The process that is inside `exclusively` now; None if none is."""
    process = _running(path)
    return None if process is None else int(process.partition(" ")[0] or 0)


def was_killed(path: Path) -> bool:
    """Whether a command was inside `exclusively` that has not left it, if none is inside now."""
    return path.exists() and path.stat().st_size > 0


def _running(path: Path) -> str | None:
    """Number and user of the process that is inside `exclusively` now; "" if it does not say."""
    patience = time.monotonic() + _TIME_TO_SAY_A_NAME
    try:
        with path.open(errors="replace") as file:
            while _is_locked(file.fileno()):
                file.seek(0)
                if named := file.readline().rstrip("\n"):
                    return named
                if time.monotonic() > patience:
                    return ""
                time.sleep(0.001)  # it came in just now, or is leaving
    except (FileNotFoundError, IsADirectoryError):
        pass
    return None


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _holder(document: dict[str, Any]) -> Holder:
    return Holder(**documents.values_of(Holder, document))
