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


class QuestionsOnly(Transport):
    """The dry run's: asks targets what is live, and gives them no orders.

    What they would answer to an order is not known, so that is what their outcomes say.
    """

    def __init__(self, real: Transport) -> None:
        self._real = real

    def fleet(self) -> tuple[str, ...]:
        return self._real.fleet()

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        if order.action in ("status", "verify") or (order.action == "share" and not order.share):
            yield from self._real.run(order, targets)
        else:
            yield from (not_asked(order, target) for target in targets)

    def close(self) -> None:
        self._real.close()
