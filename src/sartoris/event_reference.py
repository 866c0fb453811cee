"""Print docs/events.md: `python -m sartoris.event_reference > docs/events.md`."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields

from sartoris.events import Event
from sartoris.journal.reading import kinds

_INTRODUCTION = """\
# Events

<!-- Generated from the classes of sartoris.events: python -m sartoris.event_reference -->

Everything that happens in a command which changes something is an event. The terminal, `--json`,
the journal, the log files, mails and `log` hooks are made from the same stream.

    git deploy sync --json          # one event a line, as they happen
    git deploy history TAG --json   # those of one rollout, as the journal has them

Each is a JSON object. New fields and new kinds may be added, so ignore those that you do not know.
None is renamed. The output of a command that fails ends with a line that is not an event of the
journal: `"event": "error"`, with the kind of `error`, its `message`, what to type `next`, and the
`exit_code`.

An event is in the journal before anyone is shown it. This is how another process follows:

    journal = Journal(Path(".git/deploy/journal.sqlite"))    # of sartoris.journal.store
    for event in journal.since(seq):                         # what was recorded after number `seq`
        ...

Should the journal stop taking records in the middle of a command, a warning says so, the command
goes on, and its events have the number 0. With `--dry-run` nothing is recorded: events are counted
from 1 then, and each has `"dry_run": true`.
"""


def render() -> str:
    """The reference page, in Markdown."""
    parts = [_INTRODUCTION, _envelope()]
    parts += [_section(name, kind) for name, kind in kinds().items()]
    return "\n".join(parts)


def _envelope() -> str:
    text = "What each event has. " + _paragraphs(Event)[1]
    rows = [("event", "text", "the kind, as below"), *_rows(Event)]
    return "\n".join(["## The envelope\n", _wrapped(text), "", *_table(rows)])


def _section(name: str, kind: type[Event]) -> str:
    text = "\n\n".join(_wrapped(paragraph) for paragraph in _paragraphs(kind))
    own = [row for row in _rows(kind) if row not in _rows(Event)]
    return "\n".join([f"## `{name}`\n", text, "", *_table(own)])


def _rows(kind: type[Event]) -> list[tuple[str, str, str]]:
    return [(one.name, _words(str(one.type)), _default(one.default)) for one in fields(kind)]


def _table(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    yield from ("| field | value | if there is none |", "| --- | --- | --- |")
    yield from (f"| `{name}` | {words} | {default} |" for name, words, default in rows)
    yield ""


def _words(type_name: str) -> str:
    return {
        "str": "text",
        "int": "number",
        "int | None": "number or null",
        "float": "number",
        "bool": "true or false",
        "tuple[str, ...]": "list of texts",
        "tuple[tuple[str, tuple[str, ...]], ...]": "list of pairs: a name, and a list of texts",
        "dict[str, Any]": "an object",
        "Outcome": "an outcome, as in [orders.md](orders.md)",
    }[type_name]


def _default(value: object) -> str:
    if value is MISSING:
        return ""
    shown = {True: "`true`", False: "`false`"} if isinstance(value, bool) else {}
    return shown.get(bool(value)) or ("`[]`" if value == () else f"`{value!r}`".replace("'", '"'))


def _paragraphs(kind: type[Event]) -> list[str]:
    return [" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n")]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render())
