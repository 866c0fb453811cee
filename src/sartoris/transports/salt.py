"""Salt: orders go to minions as jobs of the execution module `git_deploy`.

Salt itself runs in a process of its own, the bridge (`sartoris.salt.bridge`), for its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sartoris.errors import Refused, WrongSetup
from sartoris.orders import Order, Outcome
from sartoris.transports.base import (
    BeginsEarly,
    DesiredStateRecord,
    HasChecks,
    KeepsDesiredState,
    RunsByHand,
    Transport,
)
from sartoris.transports.salt_bridge import Bridge, SaltRefused

if TYPE_CHECKING:
    from sartoris.diagnostics import Answers, Check


class SaltTransport(Transport, BeginsEarly, KeepsDesiredState, HasChecks, RunsByHand):
    """The minions that match the compound expression `targets`.

    `config` is Salt's configuration directory: of the master where there is one, otherwise of the
    minion that this machine is, which reaches the others through the master's peer system.
    """

    def __init__(self, config: Path, targets: str) -> None:
        self._config = config
        self._expression = targets

    def prepare(self) -> None:
        _ = self._bridge

    def fleet(self) -> tuple[str, ...]:
        return self._names

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Raises `WrongSetup` when nobody matches, `SaltRefused`."""
        names, missing = self.matching()
        if not names:
            raise WrongSetup(
                f"no minion matches deploy.targets, {self._expression!r}",
                next_steps=[f"salt -C {self._expression!r} test.ping", "salt-key -L"],
            )
        return (*names, *missing)

    def matching(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The minions that match, and those that are named and have no accepted key."""
        (answer,) = self._bridge.ask({"ask": "fleet", "targets": self._expression})
        names = tuple(answer["fleet"])
        return names, tuple(name for name in _listed(self._expression) if name not in names)

    def ask(self, what: str) -> Any:
        """The bridge's answer to a short question. Raises `WrongSetup`, `SaltRefused`."""
        (answer,) = self._bridge.ask({"ask": what})
        return answer[what]

    def beside(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """What a job may name beside its function, of each minion. Raises `SaltRefused`."""
        for answer in self._bridge.ask({"ask": "beside", "minions": list(names)}):
            yield answer["outcome"]

    def by_hand(self, target: str, words: Sequence[str]) -> str:
        from sartoris.shell import command

        # What a minion runs, it runs as root.
        there = command(*words[words[0] == "sudo" :])
        return f"{command('salt', target, 'cmd.run', there)}   # on the master"

    def checks(self, answers: Answers) -> Sequence[Check]:
        from sartoris.transports.salt_checks import checks

        return checks(self, answers, self._config, self._expression)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        request = {"ask": "order", "order": order.to_json(), "minions": list(targets)}
        answers = self._bridge.ask(request)
        waiting = dict.fromkeys(targets)
        try:
            for answer in answers:
                outcome = answer["outcome"]
                name = outcome["target"]
                if name in waiting:  # one that was asked, and for the first time
                    del waiting[name]
                    yield Outcome.answered(outcome, action=order.action, target=name)
        except SaltRefused as error:
            for name in waiting:
                yield _unreachable(order, name, error)
        finally:
            for _ in answers:  # those in progress end within their timeout
                pass

    def publish_desired_state(self, record: DesiredStateRecord) -> str:
        # The words of the master's records, which older releases read as well.
        document = {
            "repository": record.repository,
            "slot": record.slot,
            "origin": record.origin,
            "targets": self._expression,
            "settled": record.current.to_json() if record.current else None,
            "coming": record.pending.to_json() if record.pending else None,
        }
        try:
            for _ in self._bridge.ask({"ask": "desire", "record": document}):
                pass
        except Refused as error:
            return f"minions that come back will not converge by themselves: {error.message}"
        return ""

    def close(self) -> None:
        if "_bridge" in self.__dict__:
            self._bridge.close()

    @cached_property
    def _bridge(self) -> Bridge:
        return Bridge(self._config)


def _unreachable(order: Order, target: str, error: SaltRefused) -> Outcome:
    message = f"no way to it: {error.message}"
    return Outcome(
        action=order.action, target=target, ok=False, error="unreachable", message=message
    )


def _listed(expression: str) -> list[str]:
    """The minions that an expression names one by one, where it says nothing but `or`.

    Salt leaves out those without an accepted key; a deployer who named one wants to hear of it.
    """
    words = expression.split()
    if {"and", "not", "(", ")"} & set(words):
        return []
    names: list[str] = []
    for word in words:
        if word.startswith("L@"):
            names += word[2:].split(",")
        elif word != "or" and not set("*?[]@") & set(word):
            names += word.split(",")
    return list(dict.fromkeys(filter(None, names)))
