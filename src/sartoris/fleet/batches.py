"""Who switches when: the canary group first, then batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sartoris.config import Share


@dataclass(frozen=True)
class Batches:
    """`canary` are names of targets, `size` how many of the fleet switch at once after them."""

    canary: Sequence[str]
    size: Share

    def of(self, targets: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """`targets`, each once, in groups that switch one after the other."""
        first = tuple(name for name in targets if name in self.canary)
        rest = [name for name in targets if name not in self.canary]
        if first:
            yield first
        step = self.size.at_least_one(len(targets))
        for start in range(0, len(rest), step):
            yield tuple(rest[start : start + step])
