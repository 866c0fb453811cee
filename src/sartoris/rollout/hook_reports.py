"""Turns what a hook reports into an event."""

from __future__ import annotations

from sartoris.events import EventStream, HookRan
from sartoris.hooks import HookReport


class HookReports:
    def __init__(self, events: EventStream) -> None:
        self._events = events

    def __call__(self, report: HookReport) -> None:
        if report.passed_over_reason:
            self._events.warn(f"hook {report.hook} passed over: {report.passed_over_reason}")
            return
        self._events.emit(
            HookRan(
                phase=str(report.phase),
                hook=str(report.hook),
                exit_code=report.exit_code,
                seconds=report.seconds,
                output=report.output_tail,
            )
        )
