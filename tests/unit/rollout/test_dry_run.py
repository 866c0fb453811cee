"""A dry run names each effect, and has none."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sartoris.events import Noted
from sartoris.hooks import HookContext, Phase
from sartoris.rollout.command import hooks_of
from sartoris.rollout.dry_run import DryRun
from sartoris.rollout.effects import Effects
from sartoris.rollout.lock import Holder, LockHeld
from sartoris.rollout.state import RolloutState
from tests.unit.actions.typing_commands import enter
from tests.unit.actions.world import World

ME = Holder("1", "me", "Me <me@example.org>", "here", 1, 0.0, "sync")
STATE = RolloutState(session="1", action="start", prefix="slot0", slot="slot0")
CONTEXT = HookContext(action="sync", prefix="slot0")
COMMIT = "a" * 40

# What each effect is asked for, and what the dry run says of it; "" where an event says it, or
# where nothing is to be said.
EFFECTS: dict[str, tuple[tuple[Any, ...], str]] = {
    "take_lock": ((ME,), ""),
    "release_lock": ((ME,), ""),
    "lock_holder": ((), ""),
    "write_state": ((STATE,), ""),
    "forget_state": ((), ""),
    "set_desired": (("slot0", None), ""),
    "set_away": (({},), ""),
    "make_tag": (("slot0-1", COMMIT, "why"), "annotated tag slot0-1"),
    "delete_tag": (("slot0-1",), ""),
    "push_tags": (("origin", ["slot0-1"]), "push to origin: slot0-1"),
    "write_deploy_file": ((".deploy", "text"), "write .deploy"),
    "pull": (("main",), "fast-forward main"),
    "go_to": (("main", COMMIT), "reset main to aaaaaaaaaaaa"),
    "step_back": ((COMMIT,), "return to aaaaaaaaaaaa"),
    "merge_upstream": (("main",), "merge main"),
    "push_head": (("origin", "main"), "push HEAD to main of origin"),
    "abort_merge": ((), "leave the merge"),
    "forget_checkouts": ((), ""),
    "run_hooks": ((Phase.PRE_SYNC, CONTEXT), "run the pre-sync hook"),
    "run_all_hooks": ((Phase.POST_ABORT, CONTEXT), "run the post-abort hook"),
    "run_sync_hook": (
        (Path("/hooks/slot0.sync"), CONTEXT, {}, lambda: None),
        "sync hook /hooks/slot0.sync",
    ),
    "mend_publishing": ((), ""),
    "ban": (("req.url ~ .",), "would ban on cache1:6082: req.url ~ ."),
}
# They need a lock that is held, or a git that is real: tests of actions have them.
ELSEWHERE = {"exclusively", "claim_lock", "compose", "publish"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """With hooks in two phases, and a cache."""
    hooks = tmp_path / "hooks"
    for name in ("pre-sync.10-look", "post-abort.10-look"):
        path = hooks / "apps" / "common" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    lines = {"deploy.hook-dir": str(hooks), "deploy.varnish": "cache1:6082"}
    return World(tmp_path, lines=lines)


@contextmanager
def dry_run(world: World) -> Iterator[DryRun]:
    with world.command("sync") as command:
        hooks = hooks_of(command.site, command.events)
        yield DryRun(command.site, world.records, hooks, command.events)


def everything(world: World) -> tuple[object, ...]:
    files = {
        path: path.read_bytes() if path.is_file() else b""
        for path in world.place.rglob("*")
        if "journal" not in path.name
    }
    repository = world.repository
    tags, pushed = dict(repository.names), set(repository.pushed)
    return (files, tags, pushed, repository.head(), repository.upstream_tip, world.live())


def test_every_effect_is_looked_at_here() -> None:
    names = {name for name, _ in inspect.getmembers(Effects, inspect.isfunction)}
    assert {*EFFECTS, *ELSEWHERE} == {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_is_named_and_does_not_happen(world: World, name: str) -> None:
    arguments, said = EFFECTS[name]
    with dry_run(world) as effects:
        before = everything(world)
        world.events.clear()
        result = getattr(effects, name)(*arguments)
        if inspect.isgenerator(result):
            assert list(result) == []
        assert everything(world) == before
    notes = [event.message for event in world.events if isinstance(event, Noted)]
    assert said in "\n".join(notes)
    assert bool(notes) is bool(said)


def test_the_lock_of_another_person_is_respected(world: World) -> None:
    enter(world, "start")
    held = world.records.lock.holder()
    me = ME._replace(repository=str(world.repository.git_dir))
    with dry_run(world) as effects:
        with pytest.raises(LockHeld):
            effects.claim_lock(me, force=False)
        assert effects.claim_lock(me, force=True).user == "me"
    assert world.records.lock.holder() == held
