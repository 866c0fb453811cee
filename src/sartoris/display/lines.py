"""Shows events as lines on standard error, for people and for log files."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from sartoris import events
from sartoris.display.streams import say_command, write_line
from sartoris.display.targettable import TargetTable
from sartoris.display.terminal import Style
from sartoris.display.waiting import Waiting
from sartoris.events import Event
from sartoris.formatting import how_it_ended, plural, shown_on_one_line, without_bytes
from sartoris.orders import Outcome

# Steps whose own events say it better, or that are over before anyone has read their name.
_QUIET = ("check", "publish", "compose", "commit", "start tag", "ask")
_NAMED_AT_MOST = 8
WIDTH = 79  # letters on a line of ours, where we can choose
_QUIET_HOOKS = ("sync", "log")
_QUESTIONS = ("status", "verify")  # a dry run asks them


class Lines:
    """One line or a few for each event that a person cares about.

    `verbose` shows every step and every target. `dry_run` says "would" of what stages do.
    """

    def __init__(self, *, verbose: bool = False, dry_run: bool = False) -> None:
        self._verbose = verbose
        self._dry_run = dry_run
        self._targets = TargetTable()
        self._failures: list[Outcome] = []  # of this stage
        self._waves: dict[tuple[str, tuple[str, ...]], str] = {}  # by stage and targets
        self._waiting: Waiting | None = None
        self._show: dict[type[Event], Callable[[Any], None]] = {
            events.StepStarted: self._step_started,
            events.StepFinished: self._step_finished,
            events.StepFailed: self._step_failed,
            events.WillShip: self._will_ship,
            events.ComparedToLive: self._compared,
            events.Tagged: self._tagged,
            events.StageStarted: self._stage_started,
            events.TargetAnswered: self._target_answered,
            events.StageFinished: self._stage_finished,
            events.Planned: self._planned,
            events.GateDecided: self._gate_decided,
            events.LeftBehind: self._left_behind,
            events.CacheAnswered: self._cache_answered,
            events.HookStarted: self._hook_started,
            events.HookRan: self._hook_ran,
            events.Warned: self._warned,
            events.Noted: self._noted,
            events.CommandEnded: lambda _: self._end_waiting(),
        }

    def __call__(self, event: Event) -> None:
        show = self._show.get(type(event))
        if show is not None:
            show(event)

    def write(self, line: str, style: Style = "", *, whole: bool = False) -> None:
        """One line to standard error. Bytes that are no text are shown as question marks. `whole`:
        it is to be copied.
        """
        if whole:
            say_command(shown_on_one_line(line))
        else:
            write_line(sys.stderr, without_bytes(line), style)

    def _step_started(self, event: events.StepStarted) -> None:
        if self._verbose or event.step not in _QUIET:
            self.write(f"==> {event.step} {event.detail}".rstrip(), "bold")

    def _step_finished(self, event: events.StepFinished) -> None:
        if event.step == "switch" and not self._dry_run:
            self._summarise()

    def _summarise(self) -> None:
        """The table of targets, once a sync knows what is live where; after a gate that closes, not
        again when the step ends.
        """
        for line in self._targets.lines():
            self.write(f"    {line.text}", line.style)
        self._targets = TargetTable()

    def _step_failed(self, event: events.StepFailed) -> None:
        self._end_waiting()
        if self._verbose:
            self.write(f"    {event.step} failed after {event.seconds:.1f} s: {event.message}")

    def _will_ship(self, event: events.WillShip) -> None:
        self.write(f"==> {'would ship' if self._dry_run else 'ships'} {event.head[:12]}", "bold")
        if not event.base:
            self.write(f"    the first release here: {plural(event.file_count, 'file')}")
        else:
            self._difference(event)
        for line in event.submodules:
            self.write(f"    submodule {line}")

    def _difference(self, event: events.WillShip) -> None:
        self.write(
            f"    {plural(event.commit_count, 'commit')},"
            f" {plural(event.file_count, 'file')} changed since {event.base[:12]}"
        )
        self._named(event.commits, event.commit_count)
        self._going(event.gone_commits, event.gone)
        if self._verbose or self._dry_run:
            self._named(event.files, event.file_count)

    def _going(self, lines: tuple[str, ...], count: int) -> None:
        if count:
            self.write(f"    {plural(count, 'commit')} of what is live would go:", "yellow")
            self._named(lines, count)

    def _compared(self, event: events.ComparedToLive) -> None:
        self.write(f"    on branch {event.branch}, at {event.head[:12]}")
        if not event.release:
            return
        since = time.strftime("%d %b %H:%M", time.localtime(event.since))
        person = f" by {event.by.split(' <')[0]}" if event.by else ""
        what = "live is" if event.is_known else "rolled out last:"
        self.write(f"    {what} {event.release} ({event.base[:12]}), since {since}{person}")
        if event.new_count:
            self.write(f"    {plural(event.new_count, 'commit')} new:")
            self._named(event.new, event.new_count)
        elif not event.gone_count:
            self.write("    nothing new yet")
        self._going(event.gone, event.gone_count)

    def _named(self, lines: tuple[str, ...], count: int) -> None:
        for line in lines:
            self.write(f"      {line}")
        if count > len(lines):
            self.write(f"      and {count - len(lines)} more")

    def _tagged(self, event: events.Tagged) -> None:
        if self._dry_run:
            return
        pushed = "tagged and pushed" if event.pushed else "tagged"
        self.write(f"    {event.commit[:12]} is {pushed} as {event.tag}")

    def _stage_started(self, event: events.StageStarted) -> None:
        self._failures = []
        if self._dry_run and event.stage not in _QUESTIONS:
            release = f" of {event.release}" if event.release else ""
            self.write(
                f"    would send `{event.stage}`{release} to {_targets(event.targets)};"
                " whether they can take it is not known"
            )
            return
        if self._dry_run or not event.targets:
            return
        wave = self._waves.get((event.stage, event.targets), "")
        self._waiting = Waiting(f"{event.stage} {wave}".rstrip(), event.targets)
        if wave:
            self.write(f"    {self._waiting.name}: {_names(event.targets)}")
        self._begin_waiting(self._waiting)

    def _begin_waiting(self, waiting: Waiting) -> None:
        """A stage begins; how its wait is shown depends on where."""

    def _end_waiting(self) -> None:
        """It has ended, or was interrupted."""

    def _target_answered(self, event: events.TargetAnswered) -> None:
        outcome = event.outcome
        if self._dry_run:
            return
        if self._waiting is not None:
            self._waiting.heard(outcome)
        self._targets.add(event.stage, outcome)
        if not outcome.ok:
            self._failures.append(outcome)
        if self._verbose:
            end = "done" if outcome.ok else f"{outcome.error}: {outcome.message}"
            took = f"({outcome.seconds:.1f} s)"
            self.write(f"    {outcome.target}: {end} {took}", "" if outcome.ok else "red")
            for line in outcome.output.splitlines():
                self.write(f"      | {line}")

    def _stage_finished(self, event: events.StageFinished) -> None:
        if self._dry_run or event.succeeded + len(event.failed) == 0:
            return
        self._end_waiting()
        name = self._waiting.name if self._waiting else event.stage
        self._waiting = None
        failed = f", {len(event.failed)} failed: {_names(event.failed)}" if event.failed else ""
        self.write(
            f"    {name}: {event.succeeded} done{failed} ({event.seconds:.2f} s)",
            "red" if event.failed else "",
        )

    def _planned(self, event: events.Planned) -> None:
        """What a dry run is for; else only when it is asked for."""
        several = event.waves if len(event.waves) > 1 else ()
        self._waves = {(event.stage, targets): name for name, targets in several}
        if not (self._dry_run or self._verbose):
            return
        for name, targets in event.waves:
            self.write(f"    plan: {event.stage}, {name}: {_targets(targets)}")
        if event.waves and event.allowed is not None:
            self.write(f"    plan: stops when more than {event.allowed} of {event.total} fail")

    def _gate_decided(self, event: events.GateDecided) -> None:
        if self._dry_run:
            self.write(
                f"    the gate would stop here if more than {event.allowed} of {event.total} failed"
            )
        elif event.failed:
            decision = "go on without" if event.passed else "stop because of"
            self.write(
                f"    gate: {decision} {_targets(event.failed)}, {event.allowed} may fail",
                "yellow" if event.passed else "red",
            )
            if event.passed:
                self._tell_causes()
            else:
                self._summarise()

    def _tell_causes(self) -> None:
        """Why some are left behind. (When the gate is closed, the error tells it.)"""
        from sartoris.fleet.causes import causes

        for cause in causes(self._failures):
            self.write(f"      {cause.describe()}", "yellow")

    def _left_behind(self, event: events.LeftBehind) -> None:
        self.write(
            f"    left behind: {_names(event.targets)}; `git deploy converge` brings them to"
            f" {event.release or 'nothing live'}",
            "yellow",
        )

    def _cache_answered(self, event: events.CacheAnswered) -> None:
        if event.error:
            self.write(f"    {event.cache} may serve old pages: {event.error}", "yellow")
            self.write(f"      {event.again}", whole=True)
        elif self._verbose:
            self.write(f"    {event.cache}: banned ({event.seconds:.2f} s)")

    def _hook_started(self, event: events.HookStarted) -> None:
        """The sync hook is a step, and log hooks run for each thing that they are told."""
        if self._verbose or event.phase not in _QUIET_HOOKS:
            name = PurePath(event.hook).name.removeprefix(f"{event.phase}.")
            self.write(f"==> {event.phase} {name}", "bold")

    def _hook_ran(self, event: events.HookRan) -> None:
        """A failure that stops the command is told once, by its error."""
        if event.stops:
            return
        if event.exit_code != 0:
            end = how_it_ended(event.exit_code)
            self.write(f"    {event.phase} hook {event.hook}: {end}", "red")
        elif self._verbose:
            self.write(f"    {event.phase} hook {event.hook} ({event.seconds:.1f} s)")

    def _warned(self, event: events.Warned) -> None:
        self._write_text(f"    note: {event.message}", "yellow")

    def _noted(self, event: events.Noted) -> None:
        self._write_text(f"    {event.message}")

    def _write_text(self, text: str, style: Style = "") -> None:
        """Lines of one message: those after its first are seen to belong to it."""
        first, *more = text.split("\n")
        self.write(first, style)
        for line in more:
            self.write(f"      {line}", style)


def _names(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _targets(names: tuple[str, ...]) -> str:
    return f"{plural(len(names), 'target')} ({_names(names)})"
