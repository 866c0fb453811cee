"""Who has not answered yet in the stage that is in progress."""

from __future__ import annotations

from collections.abc import Iterable

from sartoris.orders import Outcome


class Waiting:
    """The targets of one stage. `name` is the stage, with its wave where there are several."""

    def __init__(self, name: str, targets: Iterable[str]) -> None:
        self.name = name
        self._left = dict.fromkeys(targets)
        self.total = len(self._left)
        self.failed = 0

    @property
    def answered(self) -> int:
        return self.total - len(self._left)

    def heard(self, outcome: Outcome) -> None:
        self._left.pop(outcome.target, None)
        self.failed += not outcome.ok

    def describe(self, width: int) -> str:
        """`4 of 5, 1 failed: waiting for web3`: of the names as many as fit into `width`."""
        text = f"{self.answered} of {self.total}"
        if self.failed:
            text += f", {self.failed} failed"
        names = list(self._left)
        return f"{text}: {_fitting(names, width - len(text) - 2)}" if names else text


def _fitting(names: list[str], width: int) -> str:
    """At least one name, and of the others how many there are."""

    def told(count: int) -> str:
        more = f" and {len(names) - count} more" if count < len(names) else ""
        return f"waiting for {', '.join(names[:count])}{more}"

    fitting = (told(count) for count in range(len(names), 1, -1) if len(told(count)) <= width)
    return next(fitting, told(1))
