"""Turns what hooks do into events."""

from __future__ import annotations

import codecs
from pathlib import Path

from sartoris.events import EventStream, HookOutput, HookRan, HookStarted
from sartoris.hooks import HookReport
from sartoris.hooks.listener import HookListener

_Decoder = codecs.getincrementaldecoder("utf-8")


class HookReports(HookListener):
    """One hook runs at a time."""

    def __init__(self, events: EventStream) -> None:
        self._events = events
        self._decoder = _Decoder("surrogateescape")

    def started(self, phase: str, hook: Path) -> None:
        self._decoder.reset()
        self._events.emit(HookStarted(phase=str(phase), hook=str(hook)))

    def wrote(self, phase: str, hook: Path, output: bytes) -> None:
        """An empty `output` is the end: what is left of a character comes then."""
        text = self._decoder.decode(output, final=not output)
        if text:
            self._events.emit(HookOutput(phase=str(phase), hook=str(hook), text=text))

    def ended(self, report: HookReport) -> None:
        if report.skipped_reason:
            self._events.warn(f"hook {report.hook} skipped: {report.skipped_reason}")
            return
        self._events.emit(
            HookRan(
                phase=str(report.phase),
                hook=str(report.hook),
                exit_code=report.exit_code,
                seconds=report.seconds,
                output=report.output_tail,
                stops=report.stops and not report.ok and not report.interrupted,
            )
        )
