"""How long a process lives. A process that was killed does nothing any more, not even clean up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar


class Killed(BaseException):
    """The process was killed here."""


@dataclass
class Life:
    """`steps` more steps, None for ever, or until `enough` is true. `taken`: how many it was.

    Each step is a place to be killed. Whatever changes the world asks `step` first, so that after
    a kill no `finally` and no `except` of the dead process reaches the world.
    """

    steps: int | None = None
    enough: Callable[[], bool] = lambda: False
    taken: int = 0
    is_over: bool = False

    def step(self) -> None:
        """Raises `Killed` when this is one step too many, and at every step after that."""
        self.taken += 1
        if self.enough() or self.taken - 1 == self.steps:
            self.is_over = True
        if self.is_over:
            raise Killed


T = TypeVar("T")


def mortal(effects: T, life: Life) -> T:
    """`effects`, of which each public method is a step of `life` before it and one after it."""

    class Mortal(type(effects)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            found = object.__getattribute__(self, name)
            if name.startswith("_") or not callable(found):
                return found

            def stepping(*arguments: Any, **named: Any) -> Any:
                life.step()
                result = found(*arguments, **named)
                life.step()
                return result

            return stepping

    effects.__class__ = Mortal
    return effects
