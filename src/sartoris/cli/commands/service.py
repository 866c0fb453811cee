"""`git deploy service`."""

from __future__ import annotations

from typing import Any

import click

from sartoris.actions.service import act_on_service, service_states
from sartoris.cli.context import open_command, wants_json
from sartoris.cli.options import common_options_but, dry_run_option, say_dry_run
from sartoris.config import CountOrPercent
from sartoris.display import streams
from sartoris.display.table import table
from sartoris.fleet.fleet import StageResult
from sartoris.formatting import plural

_DO = ("restart", "reload", "status")


def _batch(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> CountOrPercent | None:
    from sartoris.config.values import BadValue, parse_batch

    try:
        return None if text is None else parse_batch(text)
    except BadValue as error:
        raise click.BadParameter(f"{text!r} {error}", context, parameter) from error


@click.command("service")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@click.option(
    "--batch",
    metavar="N|N%",
    callback=_batch,
    help="How many at once, instead of deploy.batch.",
)
@dry_run_option
@click.argument("do", metavar="|".join(_DO), type=click.Choice(_DO))
@click.argument("targets", nargs=-1)
@click.pass_context
def command(
    context: click.Context,
    do: Any,
    targets: tuple[str, ...],
    batch: CountOrPercent | None,
    dry_run: bool,
) -> None:
    """Restart or reload deploy.service on TARGETS (default: all), or ask how it is.

    One batch after another; stops when more than deploy.max-failed have failed. Exit code 69: not
    done on all of them. Of status: 0 active on all of them, 1 not active on all of them.
    """
    if do == "status":
        context.exit(_tell_states(service_states(open_command(shown=False), targets)))
    result = act_on_service(open_command(dry_run=dry_run), do, targets, batch)
    if dry_run:
        say_dry_run()
        return
    streams.say(f"{do}: done on {plural(len(result.succeeded), 'target')}.")


def _tell_states(result: StageResult) -> int:
    """The answer on standard output, and what to do about it for a person; the exit code."""
    states = {name: o.message if o.ok else o.error for name, o in result.outcomes.items()}
    if wants_json():
        streams.print_document(
            {"targets": [o.to_json() for o in result.outcomes.values()]}, indent=None
        )
    else:
        rows = [(name, state, _remark(result, name)) for name, state in states.items()]
        for line in table(("target", "service", ""), rows):
            streams.print_line(line)
    other = [name for name, state in states.items() if state != "active"]
    if not other:
        return 0
    streams.say(f"Not active on {', '.join(other)}. Next:")
    streams.say(f"  git deploy service restart {' '.join(other)}")
    return 1


def _remark(result: StageResult, name: str) -> str:
    outcome = result.outcomes[name]
    return "" if outcome.ok else outcome.message
