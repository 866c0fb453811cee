"""Tells what has happened, a line or a few for each event, with the time of day."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sartoris import events
from sartoris.events import Event
from sartoris.formatting import how_it_ended, size
from sartoris.journal.reading import event_of

Document = Mapping[str, Any]


def past(documents: Iterable[Document]) -> Iterator[str]:
    """`14:02:00.123  what happened`; the date where a new day begins."""
    day = ""
    for document in documents:
        at = time.localtime(document["at"])
        if time.strftime("%Y-%m-%d", at) != day:
            day = time.strftime("%Y-%m-%d", at)
            yield day
        clock = time.strftime("%H:%M:%S", at) + f"{document['at'] % 1:.3f}"[1:]
        first, *more = _text(document).rstrip("\n").split("\n")
        yield f"{clock}  {first}".rstrip()
        yield from (f"{'':14}{line}".rstrip() for line in more)


def _text(document: Document) -> str:
    event = event_of(document)
    words = _WORDS.get(type(event))
    return words(event) if words else _as_it_is(document)


def _as_it_is(document: Document) -> str:
    """A kind that has no words here, as one of a later version: its own fields."""
    envelope = ("event", "seq", "at", "session", "command", "repository", "slot")
    own = {name: value for name, value in document.items() if name not in envelope}
    return f"{document['event']} {json.dumps(own)}"


def _command_started(event: events.CommandStarted) -> str:
    return f"{event.by}: {' '.join(event.argv)}   (process {event.process} on {event.host})"


def _command_ended(event: events.CommandEnded) -> str:
    end = f"{event.command} ended with exit code {event.exit_code} after {event.seconds:.1f} s"
    return f"{end}: {event.message}" if event.message else end


def _rollout_started(event: events.RolloutStarted) -> str:
    at = f"{event.start_tag} ({event.start_commit[:12]})"
    return f"{event.action} of {event.prefix} by {event.by}, at {at}"


def _taken_over(event: events.TakenOver) -> str:
    why = f": {event.why}" if event.why else ""
    return f"{event.by} has taken over the rollout of {event.holder}{why}"


def _rollout_ended(event: events.RolloutEnded) -> str:
    return f"the rollout is {event.result}" + (f": {event.message}" if event.message else "")


def _target_answered(event: events.TargetAnswered) -> str:
    one = event.outcome
    output = f"\n{one.output}" if one.output else ""
    if one.ok:
        live = f"; live: {one.what_is_live}"
        came = f", {size(one.came_bytes)} by {one.came_by}" if one.came_by else ""
        refused = "".join(f"\nother bytes, not taken, from {url}" for url in one.came_refused)
        done = f"{one.target}: {event.stage} done in {one.seconds:.2f} s{came}{live}"
        return f"{done}{refused}{output}"
    return f"{one.target}: {event.stage} FAILED, {one.error}: {one.message}{output}"


def _stage_finished(event: events.StageFinished) -> str:
    failed = f", failed: {' '.join(event.failed)}" if event.failed else ""
    return f"{event.stage}: {event.succeeded} done{failed} ({event.seconds:.2f} s)"


def _planned(event: events.Planned) -> str:
    waves = "; ".join(f"{name}: {' '.join(targets)}" for name, targets in event.waves)
    stops = "" if event.allowed is None else f"; {event.allowed} of {event.total} may fail"
    return f"plan to {event.stage}: {waves}{stops}"


def _gate_decided(event: events.GateDecided) -> str:
    decision = "open" if event.passed else "CLOSED"
    failed = f" ({' '.join(event.failed)})" if event.failed else ""
    count = f"{len(event.failed)} of {event.total} failed{failed}, {event.allowed} may"
    return f"gate after {event.stage}, {event.wave}: {decision}, {count}"


def _desired(event: events.DesiredStateChanged) -> str:
    before = event.before or "nothing"
    return f"desired state of {event.slot}: {event.release or 'nothing'} (before: {before})"


def _hook_ran(event: events.HookRan) -> str:
    end = how_it_ended(event.exit_code)
    return f"{event.phase} hook {event.hook}: {end} after {event.seconds:.1f} s"


def _cache_answered(event: events.CacheAnswered) -> str:
    end = f"FAILED: {event.error}" if event.error else "done"
    return f"ban on {event.cache}: {end}"


def _stage_started(event: events.StageStarted) -> str:
    of = f" of {event.release}" if event.release else ""
    return f"{event.stage}{of}: {len(event.targets)} asked"


def _compared(event: events.ComparedToLive) -> str:
    live = f"; live is {event.release} ({event.base[:12]})" if event.release else ""
    counts = f"; {event.new_count} commits new, {event.gone_count} would go" if live else ""
    return f"on branch {event.branch}, at {event.head[:12]}{live}{counts}"


def _will_ship(event: events.WillShip) -> str:
    since = f" since {event.base[:12]}" if event.base else ""
    counts = f"{event.commit_count} commits, {event.file_count} files"
    return "\n".join([f"ships {event.head[:12]}: {counts}{since}", *event.commits])


_WORDS: dict[type[Event | None], Callable[[Any], str]] = {
    events.CommandStarted: _command_started,
    events.CommandEnded: _command_ended,
    events.RolloutStarted: _rollout_started,
    events.TakenOver: _taken_over,
    events.TargetTakenOut: lambda e: f"{e.target} is taken out by {e.by}: {e.why or 'no reason'}",
    events.TargetBack: lambda e: f"{e.target} is back, says {e.by}",
    events.RolloutEnded: _rollout_ended,
    events.StepStarted: lambda e: f"{e.step} {e.detail}".rstrip(),
    events.StepFinished: lambda e: f"{e.step} done ({e.seconds:.2f} s)",
    events.StepFailed: lambda e: f"{e.step} FAILED after {e.seconds:.2f} s: {e.message}",
    events.WillShip: _will_ship,
    events.ComparedToLive: _compared,
    events.Reverted: lambda e: f"{e.release} is found bad: {e.rollout} reverted it",
    events.Tagged: lambda e: f"{e.commit[:12]} tagged as {e.tag}{', pushed' if e.pushed else ''}",
    events.Published: lambda e: f"{e.release} is published, as {e.commit[:12]}",
    events.StageStarted: _stage_started,
    events.TargetAnswered: _target_answered,
    events.StageFinished: _stage_finished,
    events.Planned: _planned,
    events.GateDecided: _gate_decided,
    events.DesiredStateChanged: _desired,
    events.DocumentWritten: lambda e: f"the file of {e.document} is written",
    events.LeftBehind: lambda e: f"left behind {e.release or 'nothing'}: {' '.join(e.targets)}",
    events.CacheAnswered: _cache_answered,
    events.HookStarted: lambda e: f"{e.phase} hook {e.hook}",
    events.HookOutput: lambda e: "\n".join(f"| {line}" for line in e.text.splitlines()),
    events.HookRan: _hook_ran,
    events.Announced: lambda e: f"announced: {e.message}",
    events.MailOffered: lambda e: f"a mail for those who get one on {e.topic}: {e.subject}",
    events.Warned: lambda e: f"note: {e.message}",
    events.Noted: lambda e: e.message,
}
