"""The log files of a command: what was done, and how long it took."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sartoris.integrations.logfile import LogFile
from sartoris.integrations.timing import Timing
from sartoris.rollout.deployment import Deployment


def subscribe_logs(d: Deployment, directory: Path) -> None:
    """Write `git-deploy.log`, and where it is asked for the timing log, until the command ends."""
    log = LogFile(directory, d.user)
    d.events.subscribe(log)
    context = click.get_current_context()
    log.write("LOG", " ".join(["git deploy", *sys.argv[1:]]))
    if d.config.log_timing_data:
        timing = Timing()
        d.events.subscribe(timing)
        context.call_on_close(lambda: _write_timing(d, timing, directory))
    context.call_on_close(lambda: _complain(log))


def _write_timing(d: Deployment, timing: Timing, directory: Path) -> None:
    try:
        timing.write(directory, sys.argv)
    except OSError as error:
        d.events.warn(f"no timing log: {error}")


def _complain(log: LogFile) -> None:
    if log.problem:
        click.echo(f"    note: {log.problem}", err=True)
