"""`git deploy status`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.options import common_options, prefix_argument
from sartoris.queries.status import Status, status
from sartoris.rollout.records import Records
from sartoris.rollout.transitions import say_rebuilt


@click.command("status")
@common_options
@prefix_argument
@click.pass_context
def command(context: click.Context, prefix: str | None) -> None:
    """Tell whether a rollout is in progress, whose, how far it has come, and what to do next.

    Exit code: 0 no rollout, 1 started, 2 tagged and not finished, 3 deploys are blocked.
    """
    site = open_site(prefix)
    found = status(site, Records(site))
    if wants_json():
        import json

        click.echo(json.dumps(found.to_json(), indent=1))
    else:
        _tell(found)
    context.exit(found.exit_code)


def _tell(found: Status) -> None:
    if found.holder is None or found.state is None:
        click.echo(f"No rollout{f' of {found.prefix}' if found.prefix else ''} is in progress.")
        if found.blocked:
            click.echo(f"Deploys are blocked: {found.blocked}")
        return
    tags = ".".join(filter(None, (found.state.start_tag, found.state.rollout_tag)))
    tags = tags.replace(".", "..", 1) if found.state.rollout_tag else tags
    click.echo(f"A rollout of {found.state.prefix} is in progress ({tags or 'no tag yet'}):")
    click.echo(f"  {found.holder.describe()}")
    click.echo(f"  {found.explanation}")
    if found.state.rebuilt:
        click.echo(f"  {say_rebuilt(found.state)}")
    for step in found.next_steps:
        click.echo(f"    {step}")
