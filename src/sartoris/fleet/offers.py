"""The packs that orders name, for targets that get them by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sartoris.orders import Order
from sartoris.releases.packs import Pack, Packs
from sartoris.transports.source import FetchedFrom

# Bases for which one is made; targets that hold something else ask git, as all did before.
_MOST = 3


@dataclass(frozen=True)
class Offers:
    """`held` tells which releases each target of the slot was last known to hold, oldest first."""

    packs: Packs
    source: FetchedFrom
    held: Callable[[], Mapping[str, Sequence[str]]]

    def with_packs(self, order: Order, targets: Sequence[str]) -> Order:
        """An order to fetch, with the packs of its release for what most of the targets hold."""
        held = self.held()
        newest = Counter((held.get(name) or [""])[-1] for name in targets)
        names = [name for name, _ in newest.most_common(_MOST)]
        commits = {"": "", **self.packs.commits(filter(None, names))}
        made = [
            self.packs.to(order.commit, [commits[name]] if name else [])
            for name in names
            if name in commits
        ]
        return self._with(order, [one for one in made if one])

    def with_packs_made(self, order: Order) -> Order:
        """An order that is kept for targets that are away, with the packs that there are of its
        release: none is made for who may never ask.
        """
        return self._with(order, self.packs.made_for(order.commit))

    def _with(self, order: Order, packs: Iterable[Pack]) -> Order:
        return order._replace(
            packs=tuple(
                {"from": one.base, "sha256": one.sha256, "size": one.size} for one in packs
            ),
            pack_urls=self.source.pack_urls,
            relays=tuple({"url": url, "targets": list(names)} for url, names in self.source.relays),
        )
