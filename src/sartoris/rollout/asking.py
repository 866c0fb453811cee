"""Questions before something that may not be meant, whoever asks them and however."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sartoris.errors import Refused


class NotConfirmed(Refused):
    """The answer was no, or there was nobody to ask."""


class Ask(Protocol):
    """Asks whether to go on. Returns for a yes, and raises `NotConfirmed` otherwise."""

    def __call__(self, question: str, *, instead: Sequence[str] = ()) -> None:
        """`instead` is what may be typed instead of a yes."""


def agreed(question: str, *, instead: Sequence[str] = ()) -> None:
    """Where a program decides: it has its reasons."""
    del question, instead
