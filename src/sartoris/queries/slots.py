"""The slots of a site: where each is, and what it should have. No target is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sartoris.errors import WrongUsage
from sartoris.fleet.desired import Desired
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.rollout.wanted import place_of, wanted
from sartoris.transports.configured import fleet_in_words


@dataclass(frozen=True)
class SlotStanding:
    """One slot. `fleet` says in words what its targets are; `targets` names those that the
    configuration names. `release` is what it should have, "" for nothing, since when, in seconds
    since the epoch, and by which rollout. `configured`: it has a section of its own.
    """

    name: str
    prefix: str
    path: str
    branch: str
    fleet: str
    targets: tuple[str, ...]
    release: str
    source: str
    since: float | None
    configured: bool

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "targets": list(self.targets)}


def slots(site: Site, records: Records) -> tuple[SlotStanding, ...]:
    """Those that are configured, and those that were ever deployed to, by name.

    Raises `ConfigError` where a slot has no path.
    """
    deployed = {one.prefix: one for one in wanted(site, records.desired.slots().values())}
    prefixes = [site.in_slot(name).prefix for name in site.config.slots]
    if site.configured.plain.tag_prefix:
        prefixes.append(site.configured.plain.tag_prefix)
    found = (
        _standing(site.in_slot(prefix), prefix, deployed.get(prefix))
        for prefix in dict.fromkeys([*prefixes, *deployed])
    )
    return tuple(sorted(found, key=lambda one: one.name))


def slot_named(site: Site, records: Records, name: str) -> SlotStanding:
    """The slot of a name, or of a prefix. Raises `WrongUsage`."""
    found = slots(site, records)
    for one in found:
        if name in (one.name, one.prefix):
            return one
    names = ", ".join(one.name for one in found) or "none"
    raise WrongUsage(
        f"there is no slot {name} (there are: {names})", next_steps=["git deploy slot list"]
    )


def _standing(site: Site, prefix: str, desired: Desired | None) -> SlotStanding:
    slot = place_of(site, desired) if desired else site.slot(prefix)
    return SlotStanding(
        name=slot.name,
        prefix=prefix,
        path=slot.path,
        branch=site.config.branch or "",
        fleet=fleet_in_words(site.config),
        targets=tuple(target.name for target in site.config.target),
        release=desired.release if desired else "",
        source=desired.source if desired else "",
        since=desired.since if desired else None,
        configured=bool(site.config.slot),
    )
