"""The summary of a sync: a row for each target, what came of each stage, and what is live there."""

from __future__ import annotations

from sartoris.display.table import table
from sartoris.orders import Outcome

STAGES = ("fetch", "switch")
_ROWS_AT_MOST = 20


class TargetTable:
    """Collects the outcomes of one command."""

    def __init__(self) -> None:
        self._outcomes: dict[str, dict[str, Outcome]] = {}

    def add(self, stage: str, outcome: Outcome) -> None:
        if stage in STAGES:
            self._outcomes.setdefault(outcome.target, {})[stage] = outcome

    def lines(self) -> list[str]:
        """The table, targets with failures first; no lines when no target was sent anything."""
        names = sorted(self._outcomes, key=lambda name: (not self._failed(name), name))
        rows = [self._row(name) for name in names[:_ROWS_AT_MOST]]
        left = len(names) - len(rows)
        more = [f"and {left} more, the rest of {len(names)}"] if left else []
        return [*table(("target", *STAGES, "live"), rows), *more]

    def _failed(self, name: str) -> bool:
        return any(not outcome.ok for outcome in self._outcomes[name].values())

    def _row(self, name: str) -> tuple[str, ...]:
        answers = self._outcomes[name]
        last = answers.get("switch") or answers["fetch"]
        return (name, *(_cell(answers.get(stage)) for stage in STAGES), _live(last))


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    return f"{outcome.seconds:.2f} s" if outcome.ok else outcome.error


def _live(outcome: Outcome) -> str:
    """A target that did not answer did not say."""
    return "not known" if outcome.silent else outcome.live or "nothing"
