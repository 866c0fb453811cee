"""`git deploy status`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.meant import say_what_else
from sartoris.cli.options import looking_options, prefix_argument
from sartoris.display import streams
from sartoris.errors import SartorisError
from sartoris.formatting import hanging
from sartoris.queries.not_pushed import not_pushed
from sartoris.queries.status import Status, status
from sartoris.queries.taken_over import taken_over
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.rollout.transitions import say_rebuilt


@click.command("status")
@looking_options
@prefix_argument
@click.pass_context
def command(context: click.Context, prefix: str | None) -> None:
    """Tell whether a rollout is in progress, whose, how far it has come, and what to do next.

    Exit code: 0 no rollout, 1 started, 2 tagged and not finished, 3 deploys are blocked.
    """
    site = open_site(prefix)
    say_what_else(site, prefix)
    found = status(site, Records(site))
    if wants_json():
        streams.print_document(found.to_json())
    else:
        _tell(found)
        for line in (*taken_over(site), *_to_push(site, found)):
            _print(line)
    context.exit(found.exit_code)


def _to_push(site: Site, found: Status) -> Iterator[str]:
    """What is live and only here, with what pushes it; status answers whatever that takes."""
    with suppress(SartorisError):
        one = not_pushed(site, Records(site), found.prefix) if found.prefix else None
        if one is not None:
            yield f"{one.text}\n  {one.step}"


def _tell(found: Status) -> None:
    if found.holder is None or found.state is None:
        _print(f"No rollout{f' of {found.prefix}' if found.prefix else ''} is in progress.")
        if found.blocked:
            _print(f"Deploys are blocked: {found.blocked}")
        return
    tags = ".".join(filter(None, (found.state.start_tag, found.state.rollout_tag)))
    tags = tags.replace(".", "..", 1) if found.state.rollout_tag else tags
    _print(f"A rollout of {found.state.prefix} is in progress ({tags or 'no tag yet'}):")
    _print(f"  {found.holder.describe()}")
    _print(f"  {found.explanation}")
    if found.state.rebuilt:
        _print(f"  {say_rebuilt(found.state)}")
    if found.whom_to_ask:
        _print(f"  {found.whom_to_ask}")
    for step in found.next_steps:
        _print(f"    {step}")


def _print(text: str) -> None:
    """What is told in several lines, such as somebody's reason, cannot pass for what we say."""
    streams.print_text(hanging(text))
