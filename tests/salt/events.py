"""What happens on a master's event bus, and waiting for it."""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.salt.daemon import Daemon

_STEP = 0.02


@dataclass(frozen=True)
class Event:
    """`tag` is such as `salt/minion/web1/start` or `salt/job/JID/ret/web1`."""

    tag: str
    data: dict[str, Any]


class Events:
    """Everything that was on the event bus since the listener started, in its order."""

    def __init__(self, listener: Daemon) -> None:
        self._listener = listener

    def start(self, limit: float) -> None:
        """Listen, once the master is up. What was heard before is forgotten."""
        self._listener.kill()
        self._listener.printed.write_bytes(b"")
        self._listener.start()
        until = time.monotonic() + limit
        while not self._lines():
            assert self._listener.running, self._listener.printed.read_text(errors="replace")
            assert time.monotonic() < until, f"the master is not up after {limit} s"
            time.sleep(_STEP)

    @property
    def count(self) -> int:
        """How many there were until now: a place to wait from."""
        return max(len(self._lines()) - 1, 0)

    def matching(self, tag: str, since: int = 0, **data: Any) -> list[Event]:
        """Those after the first `since` with a tag like `tag`, a shell pattern, and with `data`."""
        return [
            event
            for event in self._heard(since)
            if fnmatch.fnmatchcase(event.tag, tag) and data.items() <= event.data.items()
        ]

    def wait(self, *tags: str, since: int = 0, limit: float = 60, **data: Any) -> list[Event]:
        """Wait for an event for each of `tags`; one for each. Fails after `limit` seconds.

        Events arrive here a little after they happen: what was done before `count` was asked may
        come after it. So say by `data`, such as `fun="test.ping"` or a `jid`, which one it is.
        """
        until = time.monotonic() + limit
        while True:
            found = {tag: self.matching(tag, since, **data) for tag in tags}
            if all(found.values()):
                return [events[0] for events in found.values()]
            missing = [tag for tag, events in found.items() if not events]
            assert time.monotonic() < until, f"no event after {limit} s: {' '.join(missing)}"
            time.sleep(_STEP)

    def _heard(self, since: int) -> Iterator[Event]:
        for line in self._lines()[1 + since :]:
            event = json.loads(line)
            yield Event(event["tag"], event["data"])

    def _lines(self) -> list[bytes]:
        """The complete lines, without what Salt complained of: events, and `null` first."""
        *complete, _ = self._listener.printed.read_bytes().split(b"\n")
        return [line for line in complete if line.startswith((b"null", b'{"'))]

    @property
    def path(self) -> Path:
        return self._listener.printed
