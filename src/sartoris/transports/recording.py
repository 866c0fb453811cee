"""Carries no order anywhere, and remembers them all: the dry run, and a peer for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sartoris.orders import Order, Outcome
from sartoris.transports.base import Transport

Answer = Callable[[Order, str], Outcome]


def not_asked(order: Order, target: str) -> Outcome:
    """A dry run's answer: it knows that an order would be sent, and nothing of its outcome."""
    return Outcome(
        action=order.action,
        target=target,
        ok=True,
        message="not asked: whether the target can do this is not known",
    )


@dataclass
class RecordingTransport(Transport):
    """`orders` are what would have been sent, in order, each with its targets.

    `answer` makes the outcomes; a dry run leaves it at `not_asked`, which invents nothing.
    """

    names: Sequence[str]
    answer: Answer = not_asked
    orders: list[tuple[Order, tuple[str, ...]]] = field(default_factory=list)

    def close(self) -> None:
        """Nothing is open."""

    def fleet(self) -> tuple[str, ...]:
        return tuple(self.names)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        self.orders.append((order, tuple(targets)))
        for target in targets:
            yield self.answer(order, target)
