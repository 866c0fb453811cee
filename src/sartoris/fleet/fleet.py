"""The fleet of one slot: sends an order to its targets and waits for every one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sartoris.errors import NoTargets, WrongUsage
from sartoris.events import EventStream, StageFinished, StageStarted, TargetAnswered
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.orders import Order, Outcome, ServiceAction, now
from sartoris.transports.base import Transport

if TYPE_CHECKING:
    from sartoris.fleet.offers import Offers


@dataclass(frozen=True)
class StageResult:
    """What every target answered to one order, by name."""

    stage: str
    outcomes: Mapping[str, Outcome]

    @property
    def succeeded(self) -> tuple[str, ...]:
        return tuple(name for name, outcome in self.outcomes.items() if outcome.ok)

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, outcome in self.outcomes.items() if not outcome.ok)

    def not_current(self, release: str) -> tuple[str, ...]:
        """The targets that a switch to `release` has something to do on, or that did not answer."""
        outcomes = self.outcomes.items()
        return tuple(name for name, outcome in outcomes if not outcome.is_current(release))

    def and_then(self, later: StageResult) -> StageResult:
        """Both results as one; of a target in both, the later outcome."""
        return StageResult(self.stage, {**self.outcomes, **later.outcomes})


@dataclass(frozen=True)
class Fleet:
    """The targets of one slot.

    `order` has what all orders to this slot have in common (path, url, shared, ...). `left_out`
    are targets that are none for now, each with why. `offers`, where targets get packs by
    themselves, has the orders name them.
    """

    transport: Transport
    order: Order
    events: EventStream
    left_out: Mapping[str, str] = field(default_factory=dict)
    offers: Offers | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Those that orders go to, and that count."""
        return tuple(name for name in self.transport.fleet() if name not in self.left_out)

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The targets called `names`, or all when there are none. Raises `WrongUsage`."""
        unknown = sorted(set(names) - set(self.targets))
        away = [name for name in unknown if name in self.left_out]
        if away:
            raise WrongUsage(
                "; ".join(f"{name} is {self.left_out[name]}" for name in away),
                next_steps=[f"git deploy back {' '.join(away)}   # brings it up to date, too"],
            )
        if unknown:
            raise NoTargets(unknown, self.targets)
        return tuple(name for name in self.targets if name in names) if names else self.targets

    def fetch(self, release: ReleaseSpec, targets: Iterable[str]) -> StageResult:
        """Get the release onto the targets' disks, complete, beside what is live."""
        order, names = self._order_of(release)._replace(size=release.size), tuple(targets)
        if self.offers and names:
            order = self.offers.with_packs(order, names)
        return self._send("fetch", order, names)

    def switch(
        self, release: ReleaseSpec, targets: Iterable[str], *, left: str = ""
    ) -> StageResult:
        """Make the release live on targets that hold it. `left`: the one that they go back from."""
        order = self._order_of(release)._replace(decided=now(), left=left)
        return self._send("switch", order, targets)

    def withdraw(self, release: str, targets: Iterable[str]) -> StageResult:
        """Make nothing live where `release` is, as before the slot's first rollout."""
        return self._send("withdraw", self.order._replace(release=release), targets)

    def status(self, targets: Iterable[str]) -> StageResult:
        return self._send("status", self.order, targets)

    def verify(self, targets: Iterable[str], *, everything: bool = False) -> StageResult:
        """As `status`, and compare the live tree with its release on the target's disk.

        With `everything` files that git ignores count as added, too.
        """
        return self._send("verify", self.order._replace(everything=everything), targets)

    def share(self, paths: Iterable[str]) -> StageResult:
        """Copy what is live at the shared `paths` to the shared place, and ask what is there."""
        return self._send("share", self.order._replace(share=tuple(paths)), self.targets)

    def service(self, service: str, action: ServiceAction, targets: Iterable[str]) -> StageResult:
        """Act on the service at once, or ask how it is."""
        order = self.order._replace(service=service, service_action=action)
        return self._send("service", order, targets)

    def _order_of(self, release: ReleaseSpec) -> Order:
        return self.order._replace(
            release=release.release,
            commit=release.commit,
            deploy_text=release.deploy_text,
        )

    def _send(self, action: str, order: Order, targets: Iterable[str]) -> StageResult:
        names = tuple(targets)
        order = order._replace(action=action)
        self.events.emit(StageStarted(stage=action, release=order.release, targets=names))
        began = time.monotonic()
        outcomes: dict[str, Outcome] = {}
        for outcome in self.transport.run(order, names) if names else ():
            outcomes[outcome.target] = outcome
            self.events.emit(TargetAnswered(stage=action, slot=order.slot, outcome=outcome))
        result = StageResult(action, {name: outcomes[name] for name in names})
        self.events.emit(
            StageFinished(
                stage=action,
                release=order.release,
                succeeded=len(result.succeeded),
                failed=result.failed,
                seconds=time.monotonic() - began,
            )
        )
        return result
