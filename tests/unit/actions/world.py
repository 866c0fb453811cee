"""A small world for tests of whole actions: no process is started, and all of it can be broken.

The repository is a dictionary of commits, the targets are objects that remember what they hold, and
everything else is real: lock, state, desired state and journal are files, written by our own code.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sartoris.config import load_config
from sartoris.config.config import Config
from sartoris.events import Event, EventStream
from sartoris.git.command import Git, GitResult
from sartoris.git.repository import Repository
from sartoris.hooks import HookContext, HookReport, Phase
from sartoris.integrations.varnish import Answer
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal
from sartoris.orders import Order, Outcome
from sartoris.releases.publish import Release
from sartoris.rollout.command import Command, hooks_of
from sartoris.rollout.effects import Real
from sartoris.rollout.fleets import Fleets
from sartoris.rollout.options import Options
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.transports.base import Transport


def commit_id(number: int) -> str:
    return f"{number:040x}"


class QuietGit(Git):
    """Answers everything with nothing."""

    def run(self, *arguments: str, **_: Any) -> GitResult:
        return GitResult(("git", *arguments), 0, b"0\n" if "--count" in arguments else b"", b"")


class MemoryRepository(Repository):
    """One branch, whose commits are numbers: a later one contains all before it."""

    def __init__(self, top: Path) -> None:
        super().__init__(QuietGit(top), top, top / ".git")
        self.at = commit_id(1)
        self.upstream_tip = commit_id(1)
        self.names: dict[str, str] = {}
        self.pushed: set[str] = set()

    def commit(self) -> str:
        """A new commit, checked out and pushed."""
        newest = max(int(self.at, 16), int(self.upstream_tip, 16))
        self.at = self.upstream_tip = commit_id(newest + 1)
        return self.at

    def head(self) -> str:
        return self.at

    def branch(self) -> str:
        return "main"

    def commit_of(self, name: str) -> str | None:
        if name.startswith("refs/tags/"):
            return self.names.get(name.removeprefix("refs/tags/"))
        return self.at if name == "HEAD" else name if name.isalnum() and len(name) == 40 else None

    def changes(self, *, ignored_submodules: bool = False) -> list[str]:
        del ignored_submodules
        return []

    def identity(self) -> str | None:
        return "Some Deployer <deployer@example.org>"

    def has_remote(self, site: str) -> bool:
        return site == "origin"

    def upstream(self, site: str, branch: str) -> str:
        del site
        return branch

    def tracking_commit(self, site: str, branch: str) -> str | None:
        del site, branch
        return self.upstream_tip

    def contains(self, commit: str, ancestor: str) -> bool:
        return int(ancestor, 16) <= int(commit, 16)

    def has_tag(self, tag: str) -> bool:
        return tag in self.names

    def create_tag(self, tag: str, commit: str, message: str) -> None:
        del message
        self.names[tag] = commit

    def delete_tag(self, tag: str) -> None:
        self.names.pop(tag, None)

    def push_tags(self, site: str, tags: list[str]) -> None:
        del site
        self.pushed |= set(tags)

    def tags(self) -> dict[str, str]:
        return dict(self.names)

    def unmerged(self) -> list[str]:
        return []

    def write_untracked(self, name: str, text: str) -> bool:
        del name, text
        return True


@dataclass
class Target:
    """What is really on a target. `live` "" is nothing; `wrong` are the actions that fail on it.

    `away`: it does not answer. `late`: it does what it is told, and its answer comes too late.
    `lies`: it says that all is well, and does nothing.
    """

    name: str
    live: str = ""
    held: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    away: bool = False
    late: bool = False
    lies: bool = False

    def answer(self, order: Order) -> Outcome:
        if self.away:
            return self._outcome(order, "unreachable")
        if self.lies and order.action != "status":
            return self._outcome(order, live=order.release)
        if order.action in self.wrong:
            return self._outcome(order, "no-space")
        if error := self._do(order):
            return self._outcome(order, error)
        return self._outcome(order, "timeout" if self.late else "")

    def _do(self, order: Order) -> str:
        if order.action == "fetch" and order.release not in self.held:
            self.held.append(order.release)
        if order.action == "switch":
            if order.release not in self.held:
                return "not-staged"
            self.live = order.release
        if order.action == "withdraw" and self.live == order.release:
            self.live = ""
        return ""

    def _outcome(self, order: Order, error: str = "", *, live: str | None = None) -> Outcome:
        silent = error in ("unreachable", "timeout")
        return Outcome(
            action=order.action,
            target=self.name,
            ok=not error,
            error=error,
            live="" if silent else self.live if live is None else live,
            held=() if silent else tuple(self.held),
        )


class Killed(BaseException):
    """The process was killed here: nothing of it is done any more, not even its clean-up."""


@dataclass
class Life:
    """How long a process lives: `steps` more steps, None for ever. Each is a place to be killed."""

    steps: int | None = None

    def step(self) -> None:
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                raise Killed


class MemoryFleet(Transport):
    def __init__(self, targets: Mapping[str, Target], life: Life) -> None:
        self.targets = targets
        self.life = life
        self.orders: list[tuple[str, str, tuple[str, ...]]] = []

    def fleet(self) -> tuple[str, ...]:
        return tuple(self.targets)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        self.orders.append((order.action, order.release, tuple(targets)))
        for name in targets:
            self.life.step()
            outcome = self.targets[name].answer(order)
            self.life.step()
            yield outcome


class WorldEffects(Real):
    """Real files; a repository, releases, hooks and caches that are only written down."""

    def __init__(self, world: World, command_site: Site, events: EventStream, life: Life) -> None:
        super().__init__(command_site, world.records, hooks_of(command_site, events), events)
        self._world = world
        self._life = life

    @contextmanager
    def exclusively(self, user: str) -> Iterator[None]:
        del user
        yield

    def pull(self, branch: str) -> str:
        del branch
        self._world.repository.at = self._world.repository.upstream_tip
        return self._world.repository.at

    def go_to(self, branch: str, commit: str) -> list[str]:
        del branch
        self._world.repository.at = commit
        return []

    def run_hooks(self, phase: Phase, context: HookContext) -> None:
        self._world.phases.append(str(phase))
        self._world.fail_hook(phase, context)

    def run_all_hooks(self, phase: Phase, context: HookContext) -> None:
        del context
        self._world.phases.append(str(phase))

    def run_sync_hook(
        self, hook: Path, context: HookContext, variables: Mapping[str, str]
    ) -> HookReport:
        del context, variables
        return HookReport(hook, "sync", exit_code=0)

    def compose(self, source: str) -> None:
        del source

    def publish(self, tag: str, source: str) -> Release:
        return Release(tag=tag, source=source, commit=source[::-1], size=1)

    def ban(self, expression: str) -> Iterator[Answer]:
        del expression
        yield from ()


def mortal(effects: WorldEffects, life: Life) -> WorldEffects:
    """`effects`, of which each is a step of `life`, before it and after it."""

    class Mortal(WorldEffects):
        def __getattribute__(self, name: str) -> Any:
            found = object.__getattribute__(self, name)
            if name.startswith("_") or not callable(found):
                return found

            def stepping(*arguments: Any, **named: Any) -> Any:
                life.step()
                result = found(*arguments, **named)
                life.step()
                return result

            return stepping

    effects.__class__ = Mortal
    return effects


@dataclass
class World:
    """A site with targets, on which commands can be typed one after the other."""

    place: Path
    names: Sequence[str] = ("web1", "web2", "web3")
    settings: Mapping[str, str] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)
    fail_hook: Callable[[Phase, HookContext], None] = lambda phase, context: None  # noqa: ARG005
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        top = self.place / "wiki"
        (top / ".git").mkdir(parents=True)
        self.repository = MemoryRepository(top)
        self.targets = {name: Target(name) for name in self.names}
        self.config = configured(self.names, self.settings)
        self.records = Records.of(self.site())
        self.orders: list[tuple[str, str, tuple[str, ...]]] = []

    def site(self, **options: Any) -> Site:
        return Site(self.repository, self.config, Options(**options))

    @contextmanager
    def command(self, name: str, life: Life | None = None, **options: Any) -> Iterator[Command]:
        """A command as it is put together when it is typed. `life`: it is killed at its end."""
        life, site, events = life or Life(), self.site(**options), EventStream()
        journal = Journal(self.records.journal)
        events.subscribe(Recorder(journal, events))
        events.subscribe(self.events.append)
        events.subscribe(lambda _: life.step())
        fleet = MemoryFleet(self.targets, life)
        fleet.orders = self.orders
        effects = WorldEffects(self, site, events, life)
        command = Command(
            name=name,
            site=site,
            records=self.records,
            events=events,
            journal=journal,
            effects=mortal(effects, life),
            fleets=Fleets(site, events, lambda: fleet),
            hooks=hooks_of(site, events),
        )
        try:
            yield command
        finally:
            command.close()

    def live(self) -> dict[str, str]:
        return {name: target.live for name, target in self.targets.items()}

    def remove(self) -> None:
        shutil.rmtree(self.place)


_TEMPLATE: dict[tuple[str, ...], Config] = {}


def configured(names: Sequence[str], settings: Mapping[str, str]) -> Config:
    """A configuration as the loader makes it, with these targets and settings."""
    key = (*names, *settings, *settings.values())
    if key not in _TEMPLATE:
        lines = {
            "deploy.tag-prefix": "slot0",
            "deploy.path": "/srv/wiki/php-{prefix}",
            **settings,
        }
        listed = [(name, value) for name, value in lines.items()]
        listed += [("deploy.target", f"{name}=/nowhere/{name}") for name in names]
        _TEMPLATE[key] = _load(listed)
    return _TEMPLATE[key]


def _load(settings: Sequence[tuple[str, str]]) -> Config:
    import subprocess
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        subprocess.run(["git", "init", "--quiet", place], check=True)
        for name, value in settings:
            subprocess.run(["git", "-C", place, "config", "--add", name, value], check=True)
        top = Path(place)
        loaded = load_config(Git(top), git_dir=top / ".git", top=top)
    return replace(loaded, repo_name="wiki")
