"""`git deploy ship`: start, sync and finish in one, for CI and for people who want one command."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sartoris.actions.abort import abort
from sartoris.actions.deliveries import BY_HAND, choose_delivery
from sartoris.actions.roll_out import SyncResult
from sartoris.actions.start import start
from sartoris.actions.sync import sync
from sartoris.errors import Refused, SartorisError
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.transports.configured import how_to_configure_targets

# Opens the command of a name, as if it had been typed, until it ends.
Typing = Callable[[str], AbstractContextManager[Command]]


class ByHandOnly(Refused):
    """Releases get to the servers by hand here, so no command can say that they are there."""


def ship(typing: Typing, *, aborts: bool) -> SyncResult | None:
    """Start, sync and finish. None where there is nothing new: then no rollout is open, either.

    Raises what `start` and `sync` raise; a sync that failed stays open, or is aborted if `aborts`.
    """
    with typing("start") as command:
        _require_a_way(command)
        start(command)
    try:
        with typing("sync") as command:
            return sync(command)
    except checks.NothingNew:
        _end(typing)
        return None
    except SartorisError:
        if aborts:
            _end(typing)
        raise


def _require_a_way(command: Command) -> None:
    """Raises `ByHandOnly`."""
    if choose_delivery(command, command.site.prefix) is BY_HAND:
        raise ByHandOnly(
            "releases are brought to the servers by hand here: no targets are configured, and there"
            f" is no sync hook of {command.site.prefix}",
            next_steps=["git deploy start", how_to_configure_targets(command.site.config)],
        )


def _end(typing: Typing) -> None:
    """As if it had not been started; unless it has come to its end."""
    with typing("abort") as command:
        if command.records.lock.holder() is not None:
            abort(command)
