"""What is wrong with a configuration, in words: every problem at once, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sartoris.errors import Refused


class Problem(NamedTuple):
    """One thing that is wrong: a line for a person, and the commands that may fix it."""

    line: str
    next_steps: tuple[str, ...] = ()


class ConfigError(Refused):
    """The configuration cannot be used. `problems` are all of them, in reading order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [problem.line for problem in problems]
        if len(lines) > 1:
            heading = f"{len(lines)} problems in the configuration:"
            lines = [heading, *(f"  {line}" for line in lines)]
        steps = dict.fromkeys(step for problem in problems for step in problem.next_steps)
        super().__init__("\n".join(lines), next_steps=steps)
