"""Looking for what is wrong: checks, each on its own, and what they find."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sartoris.errors import SartorisError
from sartoris.formatting import on_one_line

State = Literal["ok", "warning", "wrong", "unknown"]

PATIENCE = 20.0  # seconds for a check, unless it says otherwise


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing. `text` is one line, `next_steps` what to type."""

    name: str
    state: State
    text: str
    next_steps: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "text": self.text,
            "next": list(self.next_steps),
        }


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", one_line(text))


def warning(name: str, text: str, *next_steps: str) -> Finding:
    return Finding(name, "warning", one_line(text), next_steps)


def wrong(name: str, text: str, *next_steps: str) -> Finding:
    return Finding(name, "wrong", one_line(text), next_steps)


def unknown(name: str, text: str, *next_steps: str) -> Finding:
    return Finding(name, "unknown", one_line(text), next_steps)


def refused(name: str, error: SartorisError) -> Finding:
    """What a command would be refused with is wrong."""
    return Finding(name, "wrong", one_line(error.message), error.next_steps)


def one_line(text: str) -> str:
    return on_one_line(" ".join(text.split()))


@dataclass(frozen=True)
class Check:
    """`look` finds something out about `name`, and maybe more; it may raise anything.

    `subject` is the heading that it stands below, `seconds` how long it may take.
    """

    subject: str
    name: str
    look: Callable[[], Iterable[Finding]]
    seconds: float | None = None


# What to type about an error, given by its word, of these targets; nothing where nobody knows.
Remedy = Callable[[str, Sequence[str]], Sequence[str]]
# What the targets of these names answer, as findings.
Answers = Callable[[Sequence[str], Remedy], Iterable[Finding]]


def by_word(remedies: Mapping[str, Sequence[str]]) -> Remedy:
    """Where it is the same for all targets."""
    return lambda error, _: remedies.get(error, ())


def look(checks: Sequence[Check]) -> Iterator[tuple[str, Finding]]:
    """The findings of all checks, which run at once, in the order of the checks, each with its
    subject. One that crashes or hangs is `unknown`, and hides no other.
    """
    for look_in_progress in [_Look(check) for check in checks]:
        for finding in look_in_progress.end():
            yield look_in_progress.check.subject, finding


class _Look:
    """A check in a thread. One that hangs is left alone, and ends with the process."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._found: list[Finding] = []
        self._seconds = PATIENCE if check.seconds is None else check.seconds
        self._until = time.monotonic() + self._seconds
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> list[Finding]:
        self._thread.join(max(0.0, self._until - time.monotonic()))
        found = list(self._found)
        if self._thread.is_alive():
            found.append(unknown(self.check.name, f"no answer within {self._seconds:g} s"))
        return found

    def _run(self) -> None:
        try:
            for finding in self.check.look():
                self._found.append(finding)
        except SartorisError as error:
            self._found.append(refused(self.check.name, error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._found.append(wrong(self.check.name, f"{where}{error.strerror or error}"))
        except Exception as bug:  # noqa: BLE001 - the others go on
            text = f"the check itself failed: {type(bug).__name__}: {bug}"
            self._found.append(unknown(self.check.name, text))
