"""An event of any kind, for tests that are about all of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sartoris.events import Event
from sartoris.orders import Outcome


def any_outcome(text: str) -> Outcome:
    """One whose fields are all filled in."""
    return Outcome(
        action="fetch",
        target="web1",
        ok=text == "text",
        error="" if text == "text" else "no-space",
        message=text,
        live="slot0-1",
        held=("slot0-1",),
        output=text,
        changed=(text,),
    )


def any_event(kind: type[Event], text: str = "text") -> Event:
    """One whose fields are all filled in, with `text` wherever a text can be."""
    samples = {
        "str": text,
        "int": 7,
        "float": 1.5,
        "bool": True,
        "int | None": None,
        "tuple[str, ...]": (text, "two"),
        "tuple[tuple[str, tuple[str, ...]], ...]": ((text, (text,)),),
        "dict[str, Any]": {"name": text},
        "Outcome": any_outcome(text),
    }
    values: dict[str, Any] = {one.name: samples[str(one.type)] for one in fields(kind)}
    return kind(**values)
