"""`git deploy doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import click

from sartoris.cli.context import here, options, wants_json, with_remote_of_rollout
from sartoris.cli.options import common_options, prefix_argument
from sartoris.diagnostics import Finding
from sartoris.display import streams
from sartoris.formatting import plural
from sartoris.git.repository import Repository
from sartoris.queries.doctor import Examination, examine


@click.command("doctor")
@common_options
@prefix_argument
@click.pass_context
def command(context: click.Context, prefix: str | None) -> None:
    """Tell what is wrong with the set-up of this deployment server, and what to type.

    Looks at git, the configuration, the repositories, hooks, disks and targets, and changes
    nothing. Exit code 1: something is wrong; a warning alone is not.
    """
    found = examine(Repository.meant(here()), options(prefix), with_remote_of_rollout)
    if wants_json():
        streams.print_document(found.to_json())
    else:
        for line in _lines(found):
            streams.print_line(line)
    context.exit(0 if found.is_well else 1)


def _lines(found: Examination) -> Iterator[str]:
    width = max(len(finding.name) for _, finding in found.findings)
    for subject, group in groupby(found.findings, key=lambda one: one[0]):
        yield f"{subject}:"
        for _, finding in group:
            yield from _lines_of(finding, width)
    yield ""
    yield _summary(found)


def _lines_of(finding: Finding, width: int) -> Iterator[str]:
    yield f"  {finding.state:<7}  {finding.name:<{width}}  {finding.text}"
    for step in finding.next_steps:
        yield f"  {'':<7}  {'':<{width}}  Next: {step}"


def _summary(found: Examination) -> str:
    counts = [f"{found.count('wrong') or 'nothing'} wrong"]
    if found.count("warning"):
        counts.append(plural(found.count("warning"), "warning"))
    if found.count("unknown"):
        counts.append(f"{found.count('unknown')} not known")
    return f"{', '.join(counts)}, {found.count('ok')} ok."
