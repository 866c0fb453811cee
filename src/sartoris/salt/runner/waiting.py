"""Minions that have fetched, and wait in that job for the switch.

What they do meanwhile: `sartoris.salt.module.listening`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

STAND_BY = 10.0  # seconds
_MARGIN = 1.0  # seconds; what is published later may come too late


class WaitingMinions:
    """Who waits for the switch to which release, as long as it can be relied on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, ...], tuple[str, float]] = {}

    def add(self, order: Mapping[str, Any], minion: str, jid: str) -> None:
        """The minion has carried out this order to fetch in job `jid`, and waits."""
        self._known[_key(order, minion)] = (jid, self._clock() + STAND_BY - _MARGIN)

    def take(self, order: Mapping[str, Any], minions: Iterable[str]) -> dict[str, list[str]]:
        """These by the job in which they hear an order to switch, "" for those in none.

        Each is taken to hear it only once.
        """
        jobs: dict[str, list[str]] = {}
        for name in minions:
            jid, until = self._known.pop(_key(order, name), ("", 0.0))
            jobs.setdefault(jid if self._clock() < until else "", []).append(name)
        return jobs


def _key(order: Mapping[str, Any], minion: str) -> tuple[str, ...]:
    names = ("repository", "slot", "release", "commit")
    return (minion, *(str(order.get(name)) for name in names))
