"""Commands as a person types them on a `World`: by their line, or as the last message advised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sartoris.actions.abort import abort
from sartoris.actions.check import check
from sartoris.actions.converge import converge
from sartoris.actions.finish import finish
from sartoris.actions.push_hotfix import push_hotfix
from sartoris.actions.revert import revert
from sartoris.actions.start import hotfix, start
from sartoris.actions.sync import manual_sync, resync, sync
from sartoris.errors import SartorisError
from sartoris.rollout.command import Command
from tests.unit.actions.life import Killed, Life
from tests.unit.actions.world import World

ACTIONS: Mapping[str, Callable[[Command], object]] = {
    "start": start,
    "hotfix": hotfix,
    "push-hotfix": push_hotfix,
    "sync": sync,
    "manual-sync": manual_sync,
    "resync": resync,
    "finish": finish,
    "check": check,
    "abort": abort,
    "converge": lambda command: converge(command, ()),
}
# They look, and change nothing.
QUESTIONS = ("report", "status", "show")


@dataclass(frozen=True)
class Typed:
    """What came of a command: a result, an expected error, or a death on the way."""

    name: str
    result: object = None
    error: SartorisError | None = None
    killed: bool = False
    force: bool = False

    @property
    def succeeded(self) -> bool:
        return self.error is None and not self.killed


def enter(
    world: World, name: str, *, release: str = "", life: Life | None = None, **options: Any
) -> Typed:
    """Type one command; `release` is what to revert to. Unexpected errors come through."""
    force = bool(options.get("force"))
    try:
        with world.command(name, life, **options) as command:
            if name == "revert":
                result: object = revert(command, world.choice(release))
            else:
                result = ACTIONS[name](command)
            return Typed(name, result, force=force)
    except SartorisError as error:
        return Typed(name, error=error, force=force)
    except Killed:
        return Typed(name, killed=True, force=force)


def follow(world: World, line: str, *, life: Life | None = None) -> Typed:
    """Type a next step as a message or `git deploy status` gives it."""
    words = line.partition("#")[0].split()
    if words[:2] == ["git", "log"]:
        return Typed(line)
    if words[:3] in (["git", "reset", "--hard"], ["git", "reset", "--keep"]):
        known = world.repository.names.get(words[3])
        world.repository.checked_out = known or words[3].ljust(40, "0")
        return Typed(line)
    assert words[:2] == ["git", "deploy"], f"not a command to type: {line!r}"
    force, rest = "--force" in words, [word for word in words[2:] if not word.startswith("-")]
    if rest[0] in QUESTIONS:
        return Typed(rest[0])
    if rest[0] == "revert":
        return enter(world, "revert", release=rest[1], life=life, force=force)
    options = {"prefix": rest[1]} if len(rest) > 1 and rest[0] != "converge" else {}
    return enter(world, rest[0], life=life, force=force, **options)
