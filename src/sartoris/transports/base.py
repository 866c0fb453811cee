"""What every transport does, and what only some can do.

Three methods are all that a transport needs. What more it can do is a class of its own here, which
it also derives from, and callers ask for by type: `isinstance(transport, KeepsDesiredState)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.orders import Order, Outcome

if TYPE_CHECKING:
    from sartoris.diagnostics import Answers, Check


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
        waits for those in progress, which end within their timeout: a target is not left half way.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what is open; nothing is sent any more."""


class BeginsEarly(ABC):
    """Needs a while before the first order, such as for connecting."""

    @abstractmethod
    def prepare(self) -> None:
        """Begin that now; what follows does not wait for it."""


class KnowsWhoAnswers(BeginsEarly):
    """Holds connections, and so knows of a target that it cannot be reached, before any order."""

    @abstractmethod
    def not_answering(self, seconds: float) -> Mapping[str, str]:
        """The targets that cannot be reached, each with why; "" for those that have said nothing
        yet, after `seconds` at most.
        """


@dataclass(frozen=True)
class HostKey:
    """A key that a target showed and that is not known here. `fingerprint` is as ssh-keygen shows
    it, `line` what known hosts have of it, `file` where that belongs.
    """

    target: str
    fingerprint: str
    line: str
    file: Path


class HasHostKeys(ABC):
    """Knows its targets by keys, which somebody has to find good once."""

    @abstractmethod
    def new_host_keys(self) -> tuple[Sequence[HostKey], Mapping[str, str]]:
        """The keys of targets that are not known yet, and those of which there is none to be had,
        each with why or what to type. Changes nothing.
        """

    @abstractmethod
    def trust(self, keys: Sequence[HostKey]) -> None:
        """Know them from now on. Raises OSError."""


@dataclass(frozen=True, kw_only=True)
class DesiredStateRecord:
    """What a slot's targets should have, for those that ask by themselves when they come back.

    `current` is the order (as for a switch) for what they should have had before the rollout that
    is switching now, or should have if none is; None for nothing. `pending` is that rollout's.
    `origin` is the git directory that the slot is deployed from.
    """

    repository: str
    slot: str
    origin: str
    current: Order | None
    pending: Order | None = None


class KeepsDesiredState(ABC):
    """Can tell targets that come back what they should have, without the deployment server."""

    @abstractmethod
    def publish_desired_state(self, record: DesiredStateRecord) -> str:
        """Have this told from now on; a warning for the deployer, "" if all is well.

        Raises nothing.
        """


class RunsByHand(ABC):
    """Reaches its targets by a program that people have, too."""

    @abstractmethod
    def by_hand(self, target: str, words: Sequence[str]) -> str:
        """What a person types here to run a command on a target.

        A word that is an absolute path is one of the target's. The first word may be `sudo`.
        """


class HasChecks(ABC):
    """Has something that `git deploy doctor` can look at."""

    @abstractmethod
    def checks(self, answers: Answers) -> Sequence[Check]:
        """The checks, `answers` of targets among them. They change nothing, and order nothing."""
