"""What is wrong with a configuration, in words: every problem at once, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sartoris.errors import Refused


class Problem(NamedTuple):
    """One thing that is wrong: a line for a person, and the commands that may mend it."""

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


def on_one_line(text: object) -> str:
    """`text` on one line and printable, whatever is in it."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))


def quoted(value: str, longest: int = 200) -> str:
    """`value` on one line in double quotes, its beginning if it is longer than `longest`."""
    text = on_one_line(value)
    return f'"{text if len(text) <= longest else text[:longest] + "..."}"'


def command(*arguments: str) -> str:
    """A command that can be pasted into a shell."""
    import shlex

    return shlex.join(arguments)
