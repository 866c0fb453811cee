"""`git deploy doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import click

from sartoris.cli.confirming import yes_option
from sartoris.cli.context import as_in_rollout, here, is_verbose, options, wants_json
from sartoris.cli.host_keys import show_host_keys
from sartoris.cli.options import looking_options, prefix_argument
from sartoris.diagnostics import Finding, State
from sartoris.display import streams
from sartoris.display.terminal import Line, Style
from sartoris.formatting import plural
from sartoris.git.repository import Repository
from sartoris.queries.doctor import Examination, examine
from sartoris.rollout.site import Site

_STYLES: dict[State, Style] = {"ok": "", "warning": "yellow", "wrong": "red", "unknown": "yellow"}


@click.command("doctor")
@looking_options
@click.option(
    "--host-keys",
    is_flag=True,
    help="Show the keys of targets that ssh does not know yet, and ask once whether to trust them.",
)
@yes_option
@prefix_argument
@click.pass_context
def command(context: click.Context, prefix: str | None, host_keys: bool, yes: bool) -> None:
    """Tell what is wrong with the set-up of this deployment server, and what to type.

    Looks at git, the configuration, the repositories, hooks, disks and targets, and changes
    nothing. What is in order is counted, and listed with `-v`. Exit code 1: something is wrong; a
    warning alone is not.
    """
    if host_keys:
        show_host_keys(Site.of(Repository.meant(here()), options(prefix)), yes=yes)
        return
    found = examine(Repository.meant(here()), options(prefix), as_in_rollout)
    if wants_json():
        streams.print_document(found.to_json())
    else:
        streams.print_lines(_lines(found, everything=is_verbose()))
    context.exit(0 if found.is_well else 1)


def _lines(found: Examination, *, everything: bool) -> Iterator[Line]:
    """What is not in order, by subject, and the count of what is; or with `everything` all."""
    findings = [one for one in found.findings if everything or one[1].state != "ok"]
    width = max((len(finding.name) for _, finding in findings), default=0)
    for subject, group in groupby(findings, key=lambda one: one[0]):
        yield Line(f"{subject}:")
        for _, finding in group:
            yield from _lines_of(finding, width)
    if findings:
        yield Line("")
    hint = " (-v lists all)" if len(findings) < len(found.findings) else ""
    yield Line(f"{_summary(found)}{hint}.", "green" if found.is_well else "red")


def _lines_of(finding: Finding, width: int) -> Iterator[Line]:
    before = f"  {finding.state:<7}  {finding.name:<{width}}  "
    yield Line(f"{before}{finding.text}", _STYLES[finding.state], len(before))
    for step in finding.next_steps:
        yield Line(f"  {'':<7}  {'':<{width}}  Next: {step}", hanging=len(before))


def _summary(found: Examination) -> str:
    counts = [f"{found.count('wrong') or 'nothing'} wrong"]
    if found.count("warning"):
        counts.append(plural(found.count("warning"), "warning"))
    if found.count("unknown"):
        counts.append(f"{found.count('unknown')} not known")
    return f"{', '.join(counts)}, {found.count('ok')} ok"
