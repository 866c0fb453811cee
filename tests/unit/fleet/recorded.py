"""A fleet whose targets only write down what they are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sartoris.config.values import CountOrPercent
from sartoris.events import Event, EventStream
from sartoris.fleet.fleet import Fleet
from sartoris.fleet.plan import Planner
from sartoris.fleet.runner import Runner
from sartoris.fleet.slot_fleet import SlotFleet
from sartoris.orders import Order, Outcome
from sartoris.transports.recording import RecordingTransport


@dataclass
class Recorded:
    """Targets `names`. Those in `fails[action]` fail it; `answers` (action, target) go first."""

    names: Collection[str]
    fails: Mapping[str, Collection[str]] = field(default_factory=dict)
    answers: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = EventStream()
        self.stream.subscribe(self.events.append)
        self.transport = RecordingTransport(list(self.names), self._answer)
        order = Order(action="status", repository="wiki", slot="slot0", path="/srv/wiki")
        self.fleet = Fleet(self.transport, order, self.stream)

    def slot_fleet(
        self, allowed: int = 0, canary: Collection[str] = (), batch: str = "100%"
    ) -> SlotFleet:
        size = CountOrPercent(int(batch.rstrip("%")), percent=batch.endswith("%"))
        planner = Planner(
            targets=tuple(self.names),
            canary=tuple(canary),
            batch=size,
            max_failed=CountOrPercent(allowed),
        )
        return SlotFleet(self.fleet, planner, Runner(self.stream))

    @property
    def sent(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What was sent, in order: action, release, targets."""
        return [(order.action, order.release, names) for order, names in self.transport.orders]

    def _answer(self, order: Order, target: str) -> Outcome:
        if (order.action, target) in self.answers:
            return self.answers[order.action, target]
        fails = target in self.fails.get(order.action, ())
        error = "no-space" if fails else ""
        return Outcome(action=order.action, target=target, ok=not fails, error=error)


def outcome(target: str, error: str = "", message: str = "", output: str = "") -> Outcome:
    return Outcome(
        action="fetch", target=target, ok=not error, error=error, message=message, output=output
    )
