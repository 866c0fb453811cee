"""What every transport does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sartoris.orders import Order, Outcome

if TYPE_CHECKING:
    from sartoris.checkup import Answers, Check


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a slot's targets should have, for those that ask by themselves when they come back.

    `settled` is the order (as for a switch) for what they should have had before the rollout that
    is switching now, or should have if none is; None for nothing. `coming` is that rollout's.
    `origin` is the git directory that the slot is deployed from.
    """

    repository: str
    slot: str
    origin: str
    settled: Order | None
    coming: Order | None = None


class Transport(ABC):
    """Carries one order to many targets.

    A transport answers for every target that it was given, always: one that cannot be reached gets
    an outcome with the error `unreachable`, one that does not answer in time `timeout`.
    """

    @abstractmethod
    def fleet(self) -> tuple[str, ...]:
        """The names of all targets, in a stable order."""

    @abstractmethod
    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        """Send `order` to each of `targets`; their outcomes, each as it arrives.

        Raises nothing for a target's failure. Closing the iterator early sends no more orders and
        waits for those under way, which end within their timeout: a target is not left half way.
        """

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Begin what takes a while, such as connecting; what follows does not wait for it."""

    def want(self, wanted: Wanted) -> str:  # noqa: ARG002 - most targets do not ask
        """Let targets that come back by themselves know what they should have.

        Answers with a warning for the deployer, "" if all is well. Raises nothing.
        """
        return ""

    def checks(self, answers: Answers) -> Sequence[Check]:  # noqa: ARG002 - some have none
        """What `git deploy doctor` can look at, `answers` of targets among it.

        To look changes nothing, and orders nothing.
        """
        return ()

    def close(self) -> None:  # noqa: B027 - most have nothing to do
        """Let go of what is open."""
