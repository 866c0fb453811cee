"""The last words of a sync, on standard error."""

from __future__ import annotations

import click

from sartoris.actions.steps import Delivered
from sartoris.rollout.state import RolloutState
from sartoris.wording import plural


def tell_synced(synced: Delivered | RolloutState) -> None:
    """What is live, or what is left to do by hand."""
    if isinstance(synced, Delivered):
        _tell_delivered(synced)
    elif synced.way == "hook":
        click.echo(f"{synced.rollout_tag} is synchronised by the sync hook.", err=True)
        _tell_left_behind(synced.left_behind)
    elif synced.action == "revert" and not synced.rollout_tag:
        click.echo("The working repository is reverted. Now:\n  git deploy sync", err=True)
    else:
        click.echo(
            f"{synced.rollout_tag} is tagged. Synchronise by hand, then\n  git deploy finish",
            err=True,
        )


def _tell_delivered(delivered: Delivered) -> None:
    """What is live, on how many, and who was left behind."""
    there = delivered.total - len(delivered.left_behind)
    release = delivered.state.release
    click.echo(f"{release} is live on {there} of {plural(delivered.total, 'target')}.", err=True)
    _tell_left_behind(delivered.left_behind)


def _tell_left_behind(left_behind: tuple[str, ...]) -> None:
    if left_behind:
        names = " ".join(left_behind)
        click.echo(
            f"Left behind: {names}. Once the cause is mended:\n  git deploy converge {names}",
            err=True,
        )
