"""`git deploy shared`."""

from __future__ import annotations

import posixpath

import click

from sartoris.actions.shared import adopt_shared, shared_status
from sartoris.cli.context import open_command, wants_json
from sartoris.cli.options import common_options
from sartoris.display import streams
from sartoris.display.table import table
from sartoris.errors import WrongUsage
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.shared import COPIES, SharedPath, shared_paths
from sartoris.formatting import plural
from sartoris.rollout.command import Command

_DO = ("status", "adopt")


@click.command("shared")
@common_options
@click.option("--with", "away", metavar="TARGET", multiple=True, help="A target that is away, too.")
@click.argument("do", metavar="|".join(_DO), type=click.Choice(_DO))
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.pass_context
def command(context: click.Context, away: tuple[str, ...], do: str, paths: tuple[str, ...]) -> None:
    """Tell what is at the paths of deploy.shared on each target, or copy to it what is live there.

    `adopt` copies what is live at PATH (default: all of them) on each target to where it lives on
    across releases; what is there already stays. Exit code of status: 0 all is there, 1 something
    is missing, or would leave the site with the next release.
    """
    if do == "adopt":
        opened = open_command()
        opened.fleets.readmit(away)
        _tell_copied(adopt_shared(opened, paths))
        return
    if paths:
        raise WrongUsage("`git deploy shared status` takes no path: it tells of all of them")
    opened = open_command(shown=False)
    opened.fleets.readmit(away)
    context.exit(_tell(opened, shared_status(opened)))


def _tell_copied(result: StageResult) -> None:
    for outcome in result.outcomes.values():
        streams.say(f"{outcome.target}: {outcome.message}")


def _tell(opened: Command, result: StageResult) -> int:
    """The answer on standard output, what to do about it for a person; the exit code."""
    found = [one for outcome in result.outcomes.values() for one in shared_paths(outcome)]
    if wants_json():
        documents = [outcome.to_json() for outcome in result.outcomes.values()]
        streams.print_document({"targets": documents}, indent=None)
    else:
        slot = opened.site.slot(opened.site.prefix)
        where = posixpath.join(posixpath.dirname(slot.path), ".sartoris/shared", slot.name)
        streams.print_line(f"{slot.name}: shared paths are in {where}")
        rows = [(one.target, one.path, one.kind, _remark(one)) for one in found]
        silent = [o for o in result.outcomes.values() if not o.ok]
        rows += [(o.target, "", o.error, o.message) for o in silent]
        for line in table(("target", "path", "there", ""), rows):
            streams.print_line(line)
    if any(one.left for one in found):
        streams.say(f"Next:\n  {COPIES}")
    return int(bool(result.failed) or any(one.left or one.kind == "missing" for one in found))


def _remark(one: SharedPath) -> str:
    left = f"{plural(one.left, 'file')} live, not copied" if one.left else ""
    files = plural(one.files, "file") if one.kind == "directory" else ""
    return ", ".join(filter(None, (files, left)))
