"""From what the journal keeps back to an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from sartoris.agent.answers import NoOutcome
from sartoris.events import Event
from sartoris.orders import Outcome


def event_of(document: Mapping[str, Any]) -> Event | None:
    """The event that a document of `Journal.since` tells of.

    Fields that this version does not know are ignored. None for a kind that it does not know, or
    for one that lacks what it needs.
    """
    kind = kinds().get(document.get("event", ""))
    if kind is None:
        return None
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{n: _typed(n, value) for n, value in document.items() if n in known})
    except (TypeError, NoOutcome):
        return None


@cache
def kinds() -> dict[str, type[Event]]:
    """All kinds of events by their names, in the order in which they are declared."""
    return {kind.kind(): kind for kind in _below(Event)}


def _below(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _typed(name: str, value: Any) -> Any:
    if name == "outcome":
        return Outcome.from_json(value, target=_target(value))
    return _tuples(value)


def _target(value: Any) -> str:
    name = value.get("target") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
