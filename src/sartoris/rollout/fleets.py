"""The fleets of a site's slots, each over a transport that slots on the same targets share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sartoris.errors import NoTargets
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site, Slot

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.fleet.desired import Desired
    from sartoris.fleet.offers import Offers
    from sartoris.fleet.slot_fleet import SlotFleet
    from sartoris.orders import Order
    from sartoris.transports.base import Transport


class Fleets:
    """Makes the fleet of a slot when it is asked for; a transport is made once, by `connect`."""

    def __init__(
        self,
        site: Site,
        events: EventStream,
        connect: Callable[[Site], Transport],
        moved_from: Callable[[Slot], str] = lambda _: "",
        held: Callable[[Slot], Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        """`moved_from` says where a slot lived before its path was changed, "" if it was not.

        `held` are the releases that each target was last known to hold, oldest first; None: no
        packs are made, as nothing is sent.
        """
        self._held = held
        self._site = site
        self._moved_from = moved_from
        self._events = events
        self._connect = connect
        self._transports: dict[object, Transport] = {}
        self._readmitted: set[str] = set()

    def left_out(self) -> dict[str, str]:
        """The targets that this command leaves alone, each with why, for a person."""
        away = Records(self._site).away.read()
        found = {name: one.describe() for name, one in away.items()}
        found |= dict.fromkeys(self._site.options.without, "left out by --without")
        return {name: why for name, why in found.items() if name not in self._readmitted}

    def readmit(self, names: Iterable[str]) -> None:
        """Leave out these no more, in this command."""
        self._readmitted |= set(names)

    def transport(self, prefix: str) -> Transport:
        """That of the slot of a prefix. Slots on the same targets have one together."""
        site = self._site.in_slot(prefix)
        key = site.config.fleet_key
        if key not in self._transports:
            self._transports[key] = self._connect(site)
        return self._transports[key]

    def everybody(self) -> tuple[str, ...]:
        """The names of the targets of all slots that are configured."""
        prefixes = ("", *self._site.config.slots)
        reached = [prefix for prefix in prefixes if self._site.in_slot(prefix).has_fleet]
        fleets = [self.transport(prefix).fleet() for prefix in reached]
        return tuple(dict.fromkeys(name for fleet in fleets for name in fleet))

    def prepare(self, slot: Slot) -> None:
        """Begin to connect, where that takes a while; what follows does not wait for it."""
        from sartoris.transports.base import BeginsEarly

        transport = self.transport(slot.prefix)
        if isinstance(transport, BeginsEarly):
            transport.prepare()

    def connect(self, slot: Slot) -> None:
        """Begin to hold connections to targets, where the transport does so."""
        from sartoris.transports.base import KnowsWhoAnswers

        transport = self.transport(slot.prefix)
        if isinstance(transport, KnowsWhoAnswers):
            transport.prepare()

    def not_answering(self, slot: Slot, seconds: float) -> dict[str, str]:
        """Targets of whom it is known without an order that they cannot be reached, each with why;
        "" for those that have not answered after so many seconds.
        """
        from sartoris.transports.base import KnowsWhoAnswers

        transport, out = self.transport(slot.prefix), self.left_out()
        if not isinstance(transport, KnowsWhoAnswers):
            return {}
        found = transport.not_answering(seconds)
        return {name: why for name, why in found.items() if name not in out}

    def of(self, slot: Slot) -> SlotFleet:
        from sartoris.fleet.fleet import Fleet
        from sartoris.fleet.plan import Planner
        from sartoris.fleet.runner import Runner
        from sartoris.fleet.slot_fleet import SlotFleet

        site = self._site.in_slot(slot.prefix)
        config, transport = site.config, self.transport(slot.prefix)
        left_out = self.left_out()
        order = site.order(slot)._replace(moved_from=self._moved_from(slot))
        offers = self._offers(slot)
        fleet = Fleet(transport, order, self._events, left_out, offers)
        self._require_known(transport.fleet(), site.options.without)
        planner = Planner(
            targets=fleet.targets,
            canary=config.canary,
            batch=config.batch,
            max_failed=site.max_failed,
        )
        return SlotFleet(fleet, planner, Runner(self._events))

    def _offers(self, slot: Slot) -> Offers | None:
        """The packs that orders name, where targets can get them by themselves."""
        from sartoris.transports.source import FetchedFrom

        source, held = self._site.in_slot(slot.prefix).source, self._held
        if held is None or not isinstance(source, FetchedFrom) or not source.pack_urls:
            return None
        from sartoris.fleet.offers import Offers
        from sartoris.releases.packs import Packs

        return Offers(Packs(self._site.publish_path), source, lambda: held(slot))

    def _require_known(self, known: Sequence[str], names: Sequence[str]) -> None:
        """Raises `NoTargets` for a name that is neither a known target nor one of another slot."""
        if all(name in known for name in names):
            return
        known = self.everybody()
        unknown = [name for name in names if name not in known]
        if unknown:
            raise NoTargets(unknown, known)

    def publish_desired(
        self, slot: Slot, *, current: Desired | None, pending: Desired | None = None
    ) -> None:
        """Let targets that come back by themselves know what they should have.

        `pending` is what a rollout brings now; until it is current, they are not to run ahead.
        """
        from sartoris.transports.base import DesiredStateRecord, KeepsDesiredState

        transport = self.transport(slot.prefix)
        if not isinstance(transport, KeepsDesiredState):
            return
        record = DesiredStateRecord(
            repository=self._site.config.repo_name,
            slot=slot.name,
            origin=str(self._site.repository.git_dir),
            current=self._order(slot, current),
            pending=self._order(slot, pending),
        )
        warning = transport.publish_desired_state(record)
        if warning:
            self._events.warn(warning)

    def _order(self, slot: Slot, desired: Desired | None) -> Order | None:
        from sartoris.orders import now

        if desired is None:
            return None
        order = self._site.order(slot)._replace(
            action="switch",
            release=desired.release,
            commit=desired.commit,
            deploy_text=desired.deploy_text,
            decided=now(),
            catch_up=True,
        )
        offers = self._offers(slot)
        return offers.with_packs_made(order) if offers else order

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()
