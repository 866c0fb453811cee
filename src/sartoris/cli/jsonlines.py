"""Shows events as JSON, one a line, as they happen."""

from __future__ import annotations

from typing import TextIO

from sartoris.display.streams import write_document
from sartoris.events import CacheAnswered, Event, StageFinished, TargetAnswered

# What a dry run cannot know: nobody was asked.
_ANSWERS = (TargetAnswered, StageFinished, CacheAnswered)


class JsonLines:
    """`dry_run`: every event says so, and there are no answers of targets among them."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False) -> None:
        self._stream = stream
        self._dry_run = dry_run

    def __call__(self, event: Event) -> None:
        if not self._dry_run:
            write_document(self._stream, event.to_json())
        elif not isinstance(event, _ANSWERS):
            write_document(self._stream, {**event.to_json(), "dry_run": True})
