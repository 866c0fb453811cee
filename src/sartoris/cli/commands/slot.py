"""`git deploy slot`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.options import looking_options
from sartoris.display import streams
from sartoris.display.table import table
from sartoris.errors import WrongUsage
from sartoris.formatting import minute
from sartoris.queries.slots import SlotStanding, slot_named, slots
from sartoris.rollout.records import Records

_DO = ("list", "show")


@click.command("slot")
@looking_options
@click.argument("do", metavar="[list|show]", type=click.Choice(_DO), default="list")
@click.argument("name", metavar="[NAME]", required=False)
def command(do: str, name: str | None) -> None:
    """List the slots: where each is, and which release it should have; or show the one of NAME.

    No target is asked: `git deploy report NAME` does that.
    """
    if (do == "show") != (name is not None):
        raise WrongUsage(
            "`slot show` takes the name of a slot, `slot list` none",
            next_steps=["git deploy slot list"],
        )
    site = open_site()
    records = Records(site)
    if name is None:
        _list(slots(site, records))
    else:
        _show(slot_named(site, records, name))


def _list(found: tuple[SlotStanding, ...]) -> None:
    if wants_json():
        streams.print_document({"slots": [one.to_json() for one in found]})
        return
    if not found:
        streams.say("There are no slots: nothing is configured, and nothing was deployed.")
    heading = ("slot", "prefix", "path", "targets", "release", "since")
    for line in table(heading, [_row(one) for one in found]):
        streams.print_line(line)


def _row(one: SlotStanding) -> tuple[str, ...]:
    release, since = one.release or "none yet", _when(one.since)
    return (one.name, one.prefix, one.path or "-", one.fleet, release, since)


def _show(one: SlotStanding) -> None:
    if wants_json():
        streams.print_document(one.to_json())
        return
    facts = {
        "slot": one.name + ("" if one.configured else " (without a section of its own)"),
        "prefix": one.prefix,
        "path": one.path or "-",
        "branch": one.branch or "any",
        "targets": one.fleet,
        "": ", ".join(one.targets),
        "release": one.release or "none yet",
        "commit": one.source[:12],
        "since": _when(one.since),
    }
    for name, value in facts.items():
        if value:
            streams.print_line(f"{name:<8} {value}")


def _when(at: float | None) -> str:
    return "-" if at is None else minute(at)
