"""The summary of a sync: what came of each stage on which targets, and what is live there."""

from __future__ import annotations

from sartoris.display.table import table
from sartoris.display.terminal import Line, Style
from sartoris.orders import Outcome

STAGES = ("fetch", "switch")
_DONE = {"fetch": "fetched", "switch": "switched"}
_FEW = 8  # targets that are told in a row each, where one of them failed


class TargetTable:
    """Collects the outcomes of one command."""

    def __init__(self) -> None:
        self._outcomes: dict[str, dict[str, Outcome]] = {}

    def add(self, stage: str, outcome: Outcome) -> None:
        if stage in STAGES:
            self._outcomes.setdefault(outcome.target, {})[stage] = outcome

    def lines(self) -> list[Line]:
        """What is alike in one line; where something failed a row for each target that failed, and
        where they are few for the others, too. No lines when no target was sent anything.
        """
        failed = sorted(filter(self._failed, self._outcomes))
        others = sorted(name for name in self._outcomes if name not in failed)
        rows = [*failed, *others] if failed and len(self._outcomes) <= _FEW else failed
        told = table(("target", *STAGES, "live"), [self._row(name) for name in rows])
        groups: dict[tuple[object, ...], list[str]] = {}
        for name in (name for name in others if name not in rows):
            groups.setdefault((*self._outcomes[name], self._live(name)), []).append(name)
        styles: list[Style] = ["", *("red" if self._failed(name) else "" for name in rows)]
        return [
            *(Line(text, style) for text, style in zip(told, styles, strict=False)),
            *(Line(self._alike(names)) for names in groups.values()),
        ]

    def _alike(self, names: list[str]) -> str:
        """`120 targets: fetched in 0.40-2.10 s, switched in 0.05 s; live: slot0-...`"""
        who = names[0] if len(names) == 1 else f"{len(names)} targets"
        done = [
            f"{word} in {_range([self._outcomes[name][stage].seconds for name in names])}"
            for stage, word in _DONE.items()
            if stage in self._outcomes[names[0]]
        ]
        return f"{who}: {', '.join(done)}; live: {self._live(names[0])}"

    def _live(self, name: str) -> str:
        """What it said last. A target that did not answer did not say."""
        answers = self._outcomes[name]
        last = answers.get("switch") or answers["fetch"]
        return "not known" if last.silent else last.what_is_live

    def _failed(self, name: str) -> bool:
        return any(not outcome.ok for outcome in self._outcomes[name].values())

    def _row(self, name: str) -> tuple[str, ...]:
        answers = self._outcomes[name]
        return (name, *(_cell(answers.get(stage)) for stage in STAGES), self._live(name))


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    return f"{outcome.seconds:.2f} s" if outcome.ok else outcome.error


def _range(seconds: list[float]) -> str:
    ends = dict.fromkeys(f"{one:.2f}" for one in (min(seconds), max(seconds)))
    return f"{'-'.join(ends)} s"
