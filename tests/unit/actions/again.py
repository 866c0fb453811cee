"""A world as it was at some moment, as often as wanted, without telling again how it came to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.unit.actions.any_order import fast_directory
from tests.unit.actions.life import Life
from tests.unit.actions.world import World

# What changes while commands are typed, beside the files.
_OF_WORLD = ("targets", "broken", "did", "sent", "events", "published", "wanted")
_OF_REPOSITORY = ("checked_out", "upstream_tip", "who", "names", "pushed", "is_merging")


def each_death(tell: Callable[[World], None], **made: Any) -> Iterator[tuple[World, Life]]:
    """The world to which `tell` has happened, with a life of no step, of one, and so on.

    It is `made` so. It ends when a life was long enough.
    """
    with TemporaryDirectory(dir=fast_directory()) as place:
        world = World(Path(place) / "world", keeps_journal_open=True, **made)
        tell(world)
        world.let_go_of_files()
        shutil.copytree(world.place, Path(place) / "before")
        before = _memory(world)
        for steps in range(1000):
            life = Life(steps)
            shutil.rmtree(world.place)
            shutil.copytree(Path(place) / "before", world.place)
            for whole, values in zip((world, world.repository), deepcopy(before), strict=True):
                vars(whole).update(values)
            world.take_up_files()
            yield world, life
            world.let_go_of_files()
            if not life.is_over:
                return


def _memory(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        deepcopy({name: getattr(world, name) for name in _OF_WORLD}),
        deepcopy({name: getattr(world.repository, name) for name in _OF_REPOSITORY}),
    )
