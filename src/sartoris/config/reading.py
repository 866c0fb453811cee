"""From entries to typed values, by the table of keys; what cannot be read becomes a problem."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sartoris.config.commands import command_in, output_of
from sartoris.config.entries import Entry, Levels
from sartoris.config.key import Key
from sartoris.config.problems import Problem
from sartoris.config.values import BOOLEAN, BadValue


class Reader:
    """Reads keys from `levels`. Relative paths and commands in values start at `top`.

    `problems` grows with what could not be read; `listed` holds, for each key with many values,
    the entry behind each value. `outputs` are what commands in values have written, by command: no
    command is run twice by those who share them.
    """

    def __init__(
        self,
        levels: Levels,
        top: Path,
        problems: Iterable[Problem] = (),
        outputs: dict[str, str] | None = None,
    ) -> None:
        self._outputs = {} if outputs is None else outputs
        self.levels = levels
        self.top = top
        self.problems = list(problems)
        self.listed: dict[str, list[tuple[Entry, Any]]] = {}

    def value(self, key: Key) -> Any:
        """The value of `key`; its default if it is not set, is planned, or cannot be read."""
        if key.planned:
            return key.default_value()
        if key.family:
            return self._family(key)
        if key.many:
            return self._many(key)
        levels = self.levels.read_for(key.where)
        entry = levels.winner(key.name, empty_counts=key.kind is BOOLEAN)
        value = None if entry is None else self._parsed(key, entry)
        return key.default_value() if value is None else value

    def _many(self, key: Key) -> tuple[Any, ...]:
        read = [(entry, self._parsed(key, entry)) for entry in self.levels.winners(key.name)]
        self.listed[key.name] = [pair for pair in read if pair[1] is not None]
        return tuple(value for _, value in self.listed[key.name])

    def _family(self, key: Key) -> frozenset[str]:
        """The members of the family that are true, by the part of their name that varies."""
        stem = key.name.removesuffix("ACTION")
        chosen = ((name, self.levels.winner(name, empty_counts=True)) for name in key.names)
        return frozenset(
            name.removeprefix(stem)
            for name, entry in chosen
            if entry is not None and self._parsed(key, entry)
        )

    def _parsed(self, key: Key, entry: Entry) -> Any:
        """The value in `entry`, or None and a problem."""
        try:
            text = self._text(key, entry)
            value = key.kind.parse(text) if text or key.kind is BOOLEAN else None
        except BadValue as error:
            self.problems.append(Problem(f"{entry}: {error}", entry.git_config("--edit")))
            return None
        return self.top / value if isinstance(value, Path) else value

    def _text(self, key: Key, entry: Entry) -> str:
        if entry.value is None:
            if key.kind is BOOLEAN:
                return "true"
            raise BadValue("has no value")
        shell_command = command_in(entry.value) if key.kind.commands else None
        if shell_command is None:
            return entry.value
        if shell_command not in self._outputs:
            self._outputs[shell_command] = output_of(shell_command, self.top)
        return self._outputs[shell_command]
