"""A field of another type in a file of a rollout is damage, and no bug: it is said, or rebuilt."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from sartoris.errors import SartorisError
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

VALUES: tuple[object, ...] = (
    None,
    7,
    -1e30,
    1e300,
    "text",
    "\0",
    "\ud800",
    [],
    ["a", 1],
    {},
    {"a": {"b": 1}},
    True,
)
COMMANDS = cycle(["resync", "finish", "abort", "start", "sync", "converge", "revert"])
Document = dict[str, Any]


def fields(document: Document, *above: str) -> Iterator[tuple[str, ...]]:
    """The path of each field, and of those below it."""
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from fields(value, *above, name)


def with_field(document: Document, path: tuple[str, ...], value: object) -> str:
    changed = deepcopy(document)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(changed)


@pytest.fixture
def half_way(world: World) -> World:
    """A release is live that is not finished, after another one."""
    enter(world, "start")
    enter(world, "sync")
    world.repository.commit()
    enter(world, "start")
    world.broken = {"post-sync"}
    enter(world, "sync")
    return world


def files(world: World) -> dict[str, Path]:
    records = world.records
    return {
        "lock": records.lock.path,
        "rollout": records.state.path,
        "desired": records.desired.path,
    }


@pytest.mark.parametrize("name", ["lock", "rollout", "desired"])
def test_questions_are_answered_whatever_a_field_has(half_way: World, name: str) -> None:
    path = files(half_way)[name]
    document = json.loads(path.read_text())
    for place in fields(document):
        for value in VALUES:
            path.write_text(with_field(document, place, value))
            with contextlib.suppress(SartorisError):
                half_way.status().to_json()
                str(half_way.desired)


@pytest.mark.parametrize("name", ["lock", "rollout", "desired"])
def test_commands_end_with_a_clear_error_or_rebuild_it(half_way: World, name: str) -> None:
    """Each field has one command and one value; in the end there is a way out."""
    world, values = half_way, cycle(VALUES)
    texts = {one: path.read_text() for one, path in files(world).items()}
    tags, release = dict(world.repository.names), next(iter(world.published))
    for place in fields(json.loads(texts[name])):
        for one, path in files(world).items():
            path.write_text(texts[one])
        world.repository.names = dict(tags)
        files(world)[name].write_text(with_field(json.loads(texts[name]), place, next(values)))
        typed = enter(world, next(COMMANDS), release=release)
        assert typed.succeeded or (typed.error is not None and typed.error.message), place
    world.heal()
    if world.status().kind != "none":
        enter(world, "abort", force=True)
    assert world.status().kind == "none"
