"""What is live where, for people."""

from __future__ import annotations

from collections.abc import Mapping

from sartoris.display.table import table
from sartoris.display.terminal import Line
from sartoris.formatting import duration, minute, name_of, plural, size
from sartoris.orders import what_is_live
from sartoris.queries.report import Report, SlotReport, TargetReport
from sartoris.queries.status import Status
from sartoris.rollout.state import RolloutState

_FEW = 8  # targets that are listed each, whatever they have
_DUE = {"hooks": "live hooks"}


def report_lines(found: Report, now: float, *, everything: bool = False) -> list[Line]:
    """Each slot with its targets, and the rollouts. Of a large fleet the targets that are not
    current, or with `everything` all. `now` is the time, in seconds since the epoch.
    """
    notes = [Line(found.note, "yellow"), Line("")] if found.note else []
    notes += map(Line, _open(found.open)) if found.open else []
    slots = (_slot(slot, found, now, everything=everything) for slot in found.slots)
    return [*notes, *(line for lines in slots for line in (*lines, Line(""))), *_rollouts(found)]


def _slot(found: SlotReport, whole: Report, now: float, *, everything: bool) -> list[Line]:
    should = found.desired.release if found.desired else "nothing yet"
    lines = [Line(f"{found.slot} of {whole.repository} ({found.path or 'no targets'}): {should}")]
    listed = found.targets if everything or len(found.targets) <= _FEW else found.not_current
    rows = table(
        ("  target", "live", "condition"),
        [(f"  {one.target}", _live(one), _condition(one, now)) for one in listed],
    )
    lines += [Line(one, hanging=6) for one in rows[:1]]
    for target, row in zip(listed, rows[1:], strict=True):
        lines.append(Line(row, "" if target.condition == "current" else "red", 6))
    if found.targets:
        current = [one for one in found.targets if one not in found.not_current]
        verified = " and verified" if current and all(one.complete for one in current) else ""
        count = f"{len(current)} of {plural(len(found.targets), 'target')} current"
        out = f", {len(whole.away)} away" if whole.away else ""
        text = f"{count}{verified if len(listed) < len(found.targets) else ''}{out}."
        lines.append(Line(text, "red" if found.not_current else "yellow" if out else "green"))
    lines += _came(found, everything=everything)
    return [*lines, *map(Line, [*_away(whole.away), *_next(found, whole.open)])]


def _came(found: SlotReport, *, everything: bool) -> list[Line]:
    """Which way the objects of the last rollout came, and who was given other bytes."""
    came = {one.target: one.came for one in found.targets if one.came}
    ways = []
    for by, word in (("pack", "by pack"), ("fetch", "by git fetch")):
        sizes = [one.bytes for one in came.values() if one.by == by]
        if sizes:
            ways.append(f"{plural(len(sizes), 'target')} {word} ({size(sum(sizes))})")
    told = f"Objects of the last rollout: {', '.join(ways)}."
    lines = [Line(told, hanging=2)] if ways else []
    for name, one in came.items():
        if everything and one.by:
            took = f"{size(one.bytes)} in {one.seconds:.2f} s"
            lines.append(Line(f"  {name}: {one.by}, {took}, from {one.source}", hanging=6))
        gave = f"{name} was given other bytes, and took none, by"
        lines += [Line(f"{gave} {url}", "yellow", 2) for url in one.refused]
    return lines


def _away(targets: Mapping[str, str]) -> list[str]:
    """Those that rollouts leave alone, each with why."""
    if not targets:
        return []
    back = f"Next: git deploy back {' '.join(targets)}   # once up: brings it, and counts it"
    return [*(f"{name} is {why}" for name, why in targets.items()), back]


def _open(found: Status) -> list[str]:
    """The rollout in progress, as `status` tells it."""
    named = found.state.rollout_tag if found.state else ""
    lines = [f"A rollout of {found.prefix} is open{f' ({named})' if named else ''}:"]
    lines += [f"  {found.holder.describe()}"] if found.holder else []
    return [*lines, f"  {found.explanation}", ""]


def _next(found: SlotReport, rollout: Status | None) -> list[str]:
    """What brings targets back in order. A release that is damaged is replaced by a new one.

    What a rollout is bringing now is brought by going on with it.
    """
    damaged = [one for one in found.not_current if one.condition == "damaged"]
    away = [one.target for one in found.not_current if one not in damaged]
    is_of_slot = rollout is not None and rollout.prefix == found.prefix
    on = rollout.way_on if rollout and is_of_slot else ""
    lines = []
    if on and rollout and rollout.state and _is_nowhere(found, rollout.state):
        tag = rollout.state.release
        lines.append(f"{tag} is live on none of them; git deploy history {tag} tells why.")
        lines.append(f"Next: {on}   # tries it again, once the cause is fixed")
        lines.append("Next: git deploy abort   # gives it up")
    elif on:
        step = next(iter(rollout.next_steps), on) if rollout else on
        lines.append(f"Next: {step}   # goes on with its rollout, which is open")
    elif away and found.desired:
        lines.append(f"Next: git deploy converge {' '.join(away[:8])}")
    lines += found.moved.splitlines()[: 1 if on else None]  # to start is not for now
    if found.unpushed:
        lines += [found.unpushed.text, f"Next: {found.unpushed.step}"]
    if damaged and rollout:
        lines.append("Next: git deploy status   # its rollout has to end before")
    if damaged:
        lines.append("Next: git deploy start && git deploy --force sync   # new trees everywhere")
    return lines


def _is_nowhere(found: SlotReport, rollout: RolloutState) -> bool:
    """Whether a rollout that was stopped has left nothing: every target says so."""
    return not rollout.may_be_live and all(
        one.condition != "silent" and one.live != rollout.release for one in found.targets
    )


def _live(target: TargetReport) -> str:
    """What it has, or had when it last answered."""
    if target.condition == "silent" and not target.live:
        return "not known"
    return what_is_live(target.live, target.in_the_way)


def _condition(target: TargetReport, now: float) -> str:
    if target.condition == "silent":
        seen = "never heard from"
        if target.seen is not None:
            seen = f"last heard from {duration(now - target.seen)} ago"
        return f"does not answer: {target.error}: {target.message} ({seen})"
    if target.condition == "damaged":
        wrong = [*target.changed, *(f"{path} (added)" for path in target.added)]
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"damaged: {', '.join(wrong[:3])}{more}" if wrong else "damaged: incomplete"
    if target.condition == "unfinished":
        return f"unfinished: {' and '.join(_DUE.get(one, one) for one in target.due)} still due"
    return "current, verified" if target.complete else target.condition


def kind_of(action: str) -> str:
    """What a rollout is called that `action` began: `start` would be read as how far it came."""
    return "deploy" if action == "start" else action


def _rollouts(found: Report) -> list[Line]:
    rows = [
        (
            rollout.tag,
            kind_of(rollout.action),
            rollout.result or "open",
            minute(rollout.started),
            name_of(rollout.by),
        )
        for rollout in found.rollouts
    ]
    return [Line(one) for one in table(("rollout", "kind", "result", "when", "by"), rows)]
