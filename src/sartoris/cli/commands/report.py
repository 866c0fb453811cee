"""`git deploy report`."""

from __future__ import annotations

import time
from typing import Literal

import click

from sartoris.cli.context import open_command, wants_json
from sartoris.cli.options import common_options, prefix_argument
from sartoris.display import streams
from sartoris.display.table import table
from sartoris.formatting import duration, plural
from sartoris.queries.report import Report, SlotReport, TargetReport, report

_DUE = {"hooks": "live hooks"}


class _Verifying(click.Command):
    """`--verify` takes a value after `=` only: what follows it may be the prefix."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(
            ctx, ["--verify=release" if one == "--verify" else one for one in args]
        )


@click.command("report", cls=_Verifying)
@common_options
@click.option(
    "--verify",
    type=click.Choice(["release", "all"]),
    help="Compare every live file with its release, and name those that were added; with"
    " --verify=all also those that git ignores.",
)
@click.option("--rollouts", default=5, show_default=True, help="How many past rollouts to list.")
@prefix_argument
def command(prefix: str | None, verify: Literal["release", "all"] | None, rollouts: int) -> None:
    """Tell what is live where, what should be, and which rollouts led there."""
    found = report(open_command(prefix, shown=False), verify=verify or "", rollouts=rollouts)
    if wants_json():
        streams.print_document(found.to_json())
    else:
        for line in _lines(found):
            streams.print_line(line)


def _lines(found: Report) -> list[str]:
    notes = [found.note, ""] if found.note else []
    lines = [line for slot in found.slots for line in (*_slot(slot, found), "")]
    return [*notes, *lines, *_rollouts(found)]


def _slot(found: SlotReport, whole: Report) -> list[str]:
    should = found.desired.release if found.desired else "nothing yet"
    lines = [f"{found.slot} of {whole.repository} ({found.path or 'no targets'}): {should}"]
    lines += table(
        ("  target", "live", "condition"),
        [(f"  {t.target}", t.live or "nothing", _condition(t)) for t in found.targets],
    )
    if found.targets:
        current = len(found.targets) - len(found.not_current)
        lines.append(f"{current} of {plural(len(found.targets), 'target')} current.")
    return [*lines, *_next(found, in_progress=whole.in_progress)]


def _next(found: SlotReport, *, in_progress: bool) -> list[str]:
    """What brings targets back in order. A release that is damaged is replaced by a new one."""
    damaged = [one for one in found.not_current if one.condition == "damaged"]
    away = [one.target for one in found.not_current if one not in damaged]
    lines = []
    if away and found.desired:
        lines.append(f"Next: git deploy converge {' '.join(away[:8])}")
    if damaged and in_progress:
        lines.append("Next: git deploy status   # its rollout has to end before")
    if damaged:
        lines.append("Next: git deploy start && git deploy --force sync   # new trees everywhere")
    return lines


def _condition(target: TargetReport) -> str:
    if target.condition == "silent":
        seen = "never heard from"
        if target.seen is not None:
            seen = f"last heard from {duration(time.time() - target.seen)} ago"
        return f"does not answer: {target.error}: {target.message} ({seen})"
    if target.condition == "damaged":
        wrong = [*target.changed, *(f"{path} (added)" for path in target.added)]
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"damaged: {', '.join(wrong[:3])}{more}" if wrong else "damaged: incomplete"
    if target.condition == "unfinished":
        return f"unfinished: {' and '.join(_DUE.get(one, one) for one in target.due)} still due"
    return "current, verified" if target.complete else target.condition


def _rollouts(found: Report) -> list[str]:
    return table(
        ("rollout", "action", "result", "when", "by"),
        [
            (
                rollout.tag,
                rollout.action,
                rollout.result or "open",
                time.strftime("%Y-%m-%d %H:%M", time.localtime(rollout.started)),
                rollout.by,
            )
            for rollout in found.rollouts
        ],
    )
