"""The log files of a command: what was done, and how long it took."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sartoris.events import EventStream
from sartoris.integrations.logfile import LogFile
from sartoris.integrations.timing import Timing
from sartoris.rollout.site import Site


def subscribe_logs(site: Site, events: EventStream, directory: Path) -> None:
    """Write `git-deploy.log`, and where it is asked for the timing log, until the command ends."""
    log = LogFile(directory, site.user)
    events.subscribe(log)
    context = click.get_current_context()
    log.write("LOG", " ".join(["git deploy", *sys.argv[1:]]))
    if site.config.log_timing_data:
        timing = Timing()
        events.subscribe(timing)
        context.call_on_close(lambda: _write_timing(events, timing, directory))
    context.call_on_close(lambda: _complain(log))


def _write_timing(events: EventStream, timing: Timing, directory: Path) -> None:
    try:
        timing.write(directory, sys.argv)
    except OSError as error:
        events.warn(f"no timing log: {error}")


def _complain(log: LogFile) -> None:
    if log.problem:
        click.echo(f"    note: {log.problem}", err=True)
