"""The caches in front of the fleet, once it has another release live.

A cache that cannot be reached takes no rollout back: what is live is live. It is told at once, and
again at the end, by an error of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sartoris.errors import CachesStale
from sartoris.events import CacheAnswered
from sartoris.formatting import plural
from sartoris.rollout.command import Command
from sartoris.rollout.effects import caches
from sartoris.rollout.site import Site

# What `{release}` is in a ban when nothing is live any more.
NOTHING_LIVE = "none"


def purge(command: Command, prefix: str, release: str) -> dict[str, str]:
    """Ban what the caches have from before `release` ("" for nothing live).

    The caches that have not banned, and why. Nothing is done where none are configured.
    """
    if not command.site.config.varnish:
        return {}
    ban = command.site.config.ban(prefix, release or NOTHING_LIVE)
    stale = {}
    with command.events.step("purge", ban):
        for answer in command.effects.ban(ban):
            command.events.emit(
                CacheAnswered(
                    cache=answer.cache,
                    ban=ban,
                    error=answer.error,
                    again=answer.again,
                    seconds=answer.seconds,
                )
            )
            if answer.error:
                stale[answer.cache] = answer.error
    return stale


def require_purged(
    site: Site, prefix: str, release: str, stale: Mapping[str, str], done: str
) -> None:
    """Raises `CachesStale` if there are `stale` caches, after all else is `done`."""
    if stale:
        lines = [f"{done}, but caches are not purged", *stale_lines(stale)]
        raise CachesStale("\n".join(lines), next_steps=ban_commands(site, prefix, release, stale))


def stale_lines(stale: Mapping[str, str]) -> list[str]:
    """Which caches are stale and why, as lines for a person; none if none is."""
    if not stale:
        return []
    lines = [f"  {cache}: {error}" for cache, error in stale.items()]
    return [f"{plural(len(stale), 'cache')} may still serve pages from before:", *lines]


def ban_commands(site: Site, prefix: str, release: str, stale: Iterable[str]) -> list[str]:
    """The commands by which a person purges these caches."""
    ban, ours = site.config.ban(prefix, release or NOTHING_LIVE), caches(site)
    return [ours.by_hand(one, ban) for one in ours.servers if str(one) in stale]
