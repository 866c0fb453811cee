"""`git-deploy.log` in `deploy.log-directory`: what was done, by whom, when. One line an event.

The form is git-deploy's, so that what reads the old file reads this one too:
`# USER         | YYYY-MM-DD HH:MM:SS # KIND: text`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from sartoris.events import (
    Announced,
    CacheAnswered,
    CommandStarted,
    Event,
    GateDecided,
    HookRan,
    LeftBehind,
    StageFinished,
    StepFailed,
    StepStarted,
    Tagged,
    Warned,
)
from sartoris.formatting import hanging, how_it_ended, shown, shown_on_one_line

NAME = "git-deploy.log"


class LogFile:
    """Appends to the log in `directory`. A log that cannot be written is one warning, by `warn`.

    A line begins with `user`, the login name, as in git-deploy.
    """

    def __init__(self, directory: Path, user: str, warn: Callable[[str], None]) -> None:
        self._path = directory / NAME
        self._user = shown_on_one_line(user)
        self._warn = warn
        self._has_warned = False

    def __call__(self, event: Event) -> None:
        said = _words(event)
        if said:
            self._write(*said, event.at)

    def _write(self, kind: str, text: str, at: float) -> None:
        """Append one entry. The lines of a longer text are indented: none can pass for an entry."""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        head = f"# {self._user:<12} | {when} #{kind:>6}:"
        lines = "".join(f"{head} {line}\n" for line in hanging(shown(text)).split("\n"))
        try:
            with os.fdopen(
                _to_append(self._path), "a", encoding="utf-8", errors="surrogateescape"
            ) as file:
                file.write(lines)
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True  # the warning itself comes here as well
                self._warn(f"{self._path} cannot be written: {error.strerror}")


def _to_append(path: Path) -> int:
    """The file, through no link but of our own or of root: many may write to the directory."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP or path.lstat().st_uid not in (0, os.geteuid()):
            raise
        return os.open(path, flags, 0o666)


def _words(event: Event) -> tuple[str, str] | None:
    """Kind and text of an event; None for what a log does not need."""
    match event:
        case CommandStarted(argv=argv):
            return "LOG", " ".join(argv)
        case StepStarted(step=step, detail=detail):
            return "INFO", f"{step} {detail}".rstrip()
        case StepFailed(step=step, message=message):
            return "WARN", f"{step} failed: {message}"
        case Announced(level=level, message=message):
            return ("WARN" if level == "warning" else "NOTE"), message
        case Tagged(tag=tag, commit=commit):
            return "NOTE", f"{commit} tagged as {tag}"
        case HookRan(phase=phase, hook=hook, exit_code=code):
            end = how_it_ended(code)
            return ("INFO" if code == 0 else "WARN"), f"{phase} hook {hook}: {end}"
        case Warned(message=message):
            return "WARN", message
    return _servers_words(event)


def _servers_words(event: Event) -> tuple[str, str] | None:
    """The same, of what targets and caches answered."""
    match event:
        case StageFinished(stage=stage, release=release, succeeded=count, failed=failed):
            failures = f", failed: {' '.join(failed)}" if failed else ""
            return "INFO", f"{stage} {release}: {count} done{failures}"
        case GateDecided(passed=False, failed=failed):
            return "WARN", f"gate closed: {' '.join(failed)}"
        case LeftBehind(targets=targets, release=release):
            return "WARN", f"left behind {release}: {' '.join(targets)}"
        case CacheAnswered(cache=cache, ban=ban, error=""):
            return "INFO", f"ban on {cache}: {ban}"
        case CacheAnswered(cache=cache, error=error):
            return "WARN", f"ban on {cache} failed: {error}"
    return None
