"""Where things stand after Ctrl-C, told at once: nobody should have to ask whether it did harm."""

from __future__ import annotations

import click

from sartoris.cli.boundary import Interrupted
from sartoris.cli.context import open_site
from sartoris.errors import SartorisError
from sartoris.queries.status import status
from sartoris.rollout.records import Records

# What changes a rollout, so that its situation is the answer.
_OF_A_ROLLOUT = (
    *("start", "hotfix", "push-hotfix", "sync", "ship", "manual-sync", "release"),
    *("finish", "abort", "resync", "revert", "rollback"),
)
_ON_TARGETS = ("converge", "service")


def interrupted(action: str) -> Interrupted:
    """What to say of `git deploy ACTION`, which was interrupted. Raises nothing else."""
    if action in _ON_TARGETS:
        return Interrupted(
            "interrupted: it may be done on some targets, and not on others",
            ("git deploy report",),
        )
    if action not in _OF_A_ROLLOUT:
        return Interrupted("interrupted")
    try:
        return _of_the_rollout()
    except (SartorisError, OSError, KeyboardInterrupt, click.ClickException):
        return Interrupted("interrupted; `git deploy status` tells where it stands")


def _of_the_rollout() -> Interrupted:
    site = open_site()
    found = status(site, Records(site))
    if found.state is None:
        return Interrupted("interrupted: no rollout is in progress")
    return Interrupted(f"interrupted: {found.explanation}", found.next_steps)
