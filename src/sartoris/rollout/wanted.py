"""What slots should have, and where: `deploy.path` may have moved since a release was made live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sartoris.rollout.site import Site, Slot

if TYPE_CHECKING:
    from sartoris.fleet.desired import Desired

MADE_THERE = "git deploy start && git deploy --force sync"


def wanted(site: Site, slots: Iterable[Desired]) -> list[Desired]:
    """One for each prefix: what was made live where `deploy.path` says now, or else the newest."""
    chosen: dict[str, Desired] = {}
    for one in sorted(slots, key=lambda one: (one.slot == site.slot(one.prefix).name, one.since)):
        chosen[one.prefix] = one
    return sorted(chosen.values(), key=lambda one: one.slot)


def place_of(site: Site, desired: Desired) -> Slot:
    """The slot as it was when its release was made live: nothing is at another path by itself."""
    now = site.slot(desired.prefix)
    return Slot(desired.slot, desired.prefix, desired.path) if has_moved(site, desired) else now


def has_moved(site: Site, desired: Desired) -> bool:
    """Whether `deploy.path` names another place than the one where the release was made live."""
    return desired.path not in ("", site.slot(desired.prefix).path)


def say_moved(site: Site, desired: Desired) -> str:
    """That it has, for a person."""
    return (
        f"deploy.path has moved since, to {site.slot(desired.prefix).path}, where no sync has made"
        " anything live"
    )


def moved_from(slots: Mapping[str, Desired], slot: Slot) -> str:
    """Where a slot was made live last, if deploy.path has moved since; "" if it has not."""
    ours = [one for one in slots.values() if one.prefix == slot.prefix and one.path]
    if not ours or any(one.path == slot.path for one in ours):
        return ""
    return max(ours, key=lambda one: one.since).path
