"""An event of any kind, for tests that are about all of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sartoris.events import Event
from sartoris.orders import Outcome


def any_event(kind: type[Event]) -> Event:
    """One whose fields are all filled in."""
    samples = {
        "str": "text",
        "int": 7,
        "float": 1.5,
        "bool": True,
        "int | None": None,
        "tuple[str, ...]": ("one", "two"),
        "tuple[tuple[str, tuple[str, ...]], ...]": (("all", ("web1",)),),
        "dict[str, Any]": {"name": "value"},
        "Outcome": Outcome(action="fetch", target="web1", ok=True, held=("a",)),
    }
    values: dict[str, Any] = {one.name: samples[str(one.type)] for one in fields(kind)}
    return kind(**values)
