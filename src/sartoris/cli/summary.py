"""The last words of a sync, on standard error."""

from __future__ import annotations

import click

from sartoris.actions.roll_out import SyncResult
from sartoris.formatting import plural
from sartoris.rollout.delivery import BY_HOOK
from sartoris.rollout.state import Progress


def tell_synced(synced: SyncResult) -> None:
    """What is live, or what is left to do by hand."""
    state = synced.state
    if state.progress < Progress.TAGGED:
        click.echo("The working repository is reverted. Now:\n  git deploy sync", err=True)
    elif state.delivery.is_ours:
        _tell_live(synced)
    elif state.delivery is BY_HOOK:
        click.echo(f"{state.rollout_tag} is synchronised by the sync hook.", err=True)
        _tell_left_behind(synced.left_behind)
    else:
        click.echo(
            f"{state.rollout_tag} is tagged. Synchronise by hand, then\n  git deploy finish",
            err=True,
        )


def _tell_live(synced: SyncResult) -> None:
    """What is live, on how many, and who was left behind."""
    there = synced.total - len(synced.left_behind)
    release = synced.state.release
    click.echo(f"{release} is live on {there} of {plural(synced.total, 'target')}.", err=True)
    _tell_left_behind(synced.left_behind)


def _tell_left_behind(left_behind: tuple[str, ...]) -> None:
    if left_behind:
        names = " ".join(left_behind)
        click.echo(
            f"Left behind: {names}. Once the cause is fixed:\n  git deploy converge {names}",
            err=True,
        )
