"""A small world for tests of whole actions: no process is started, and all of it can be broken.

The repository is a dictionary of commits, the targets are objects that remember what they hold
(`memory`), and everything else is real: lock, state, desired state and journal are files, written
by our own code. `life` says where a process is killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from sartoris.actions.choice import Choice
from sartoris.config import Configured, read_config
from sartoris.config.config import Config
from sartoris.errors import GitFailed
from sartoris.events import Event, EventStream, Warned
from sartoris.fleet.desired import Desired
from sartoris.git.command import Git
from sartoris.hooks import HookContext, HookFailed, HookReport, Phase
from sartoris.integrations.varnish import Answer
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal
from sartoris.queries.status import Status, status
from sartoris.releases.publish import Release
from sartoris.rollout.command import Command, hooks_of
from sartoris.rollout.effects import Real
from sartoris.rollout.fleets import Fleets
from sartoris.rollout.options import Options
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.rollout.state import RolloutState, StateLost
from sartoris.transports.base import DesiredStateRecord
from tests.unit.actions.life import Killed, Life, mortal
from tests.unit.actions.memory import MemoryFleet, MemoryRepository, Sent, Target

__all__ = ["Killed", "Life", "Target", "World"]


class WorldEffects(Real):
    """Real files; a repository, releases, hooks and caches that are only written down."""

    def __init__(self, world: World, site: Site, records: Records, events: EventStream) -> None:
        super().__init__(site, records, hooks_of(site, events), events)
        self._world = world
        self._repository = world.repository

    def make_tag(self, tag: str, commit: str, message: str) -> None:
        self._do("make-tag", tag)
        super().make_tag(tag, commit, message)

    def push_tags(self, remote: str, tags: Sequence[str]) -> None:
        self._do("push-tags", " ".join(tags))
        super().push_tags(remote, tags)

    def pull(self, branch: str) -> str:
        self._do("pull", branch)
        ours = self._repository
        ours.checked_out = max(ours.checked_out, ours.upstream_tip)
        return ours.checked_out

    def go_to(self, branch: str, commit: str) -> list[str]:
        del branch
        self._do("go-to", commit)
        self._repository.checked_out, self._repository.is_merging = commit, False
        return []

    def step_back(self, commit: str) -> None:
        self._do("step-back", commit)
        self._repository.checked_out, self._repository.is_merging = commit, False

    def merge_upstream(self, branch: str) -> None:
        self._repository.is_merging = True
        self._do("merge", branch)
        self._repository.merge_commit()

    def push_head(self, remote: str, branch: str) -> None:
        self._do("push-head", f"{remote} {branch}")
        self._repository.upstream_tip = self._repository.checked_out

    def abort_merge(self) -> None:
        self._repository.is_merging = False

    def run_hooks(self, phase: Phase, context: HookContext) -> None:
        self._world.run_hook(phase, context)
        if str(phase) in self._world.broken:
            report = HookReport(Path("/hooks") / phase, phase, exit_code=1)
            raise HookFailed(report, action=context.action)

    def run_all_hooks(self, phase: Phase, context: HookContext) -> None:
        self._world.run_hook(phase, context)

    def run_sync_hook(
        self,
        hook: Path,
        context: HookContext,
        variables: Mapping[str, str],
        meanwhile: Callable[[], None],
    ) -> HookReport:
        del variables, meanwhile
        self._world.did.append(f"sync-hook {context.rollout_tag}")
        return HookReport(hook, "sync", exit_code=int("sync-hook" in self._world.broken))

    def compose(self, source: str) -> None:
        self._do("compose", source)

    def publish(self, tag: str, source: str) -> Release:
        self._do("publish", tag)
        self._world.published[tag] = source
        return Release(tag=tag, source=source, commit=source[::-1], size=1)

    def mend_publishing(self) -> bool:
        return False

    def ban(self, expression: str) -> Iterator[Answer]:
        error = "no answer" if "ban" in self._world.broken else ""
        for server in self._site.config.varnish:
            self._world.did.append(f"ban {expression}")
            yield Answer(str(server), error, f"varnishadm {expression}", 0.0)

    def _do(self, what: str, detail: str) -> None:
        """Fails where the world says so, after it was begun."""
        self._world.did.append(f"{what} {detail}")
        if what in self._world.broken:
            raise GitFailed(["git", what], 128, "it is broken today")


@dataclass
class World:
    """A site with targets, on which commands can be typed one after the other.

    `broken` are phases of hooks that fail, and effects (`publish`, `push-tags`, ...). `did` is what
    was done, in order: hooks (`hook pre-sync`), effects, and orders (`switch TAG web1 web2`).
    `keeps_journal_open`: between commands, which saves the time to open it. `forgets`: its journal
    was lost once. `newcomers` are targets that came while a rollout was open.
    """

    place: Path
    names: Sequence[str] = ("web1", "web2", "web3")
    settings: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    keeps_journal_open: bool = False
    broken: set[str] = field(default_factory=set)
    did: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, DesiredStateRecord] = field(default_factory=dict)
    on_hook: Callable[[Phase, HookContext], None] = lambda *_: None
    forgets: bool = False
    newcomers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        top = self.place / "wiki"
        (top / ".git").mkdir(parents=True)
        self.repository = MemoryRepository(top)
        self.targets = {name: Target(name) for name in self.names}
        loaded = configured(tuple(self.names), tuple(self.lines.items()))
        self.config = replace(loaded, **self.settings)
        self.take_up_files()

    def take_up_files(self) -> None:
        """Read the files, whatever was known of them before."""
        self.records = Records(self.site())
        self._journal = KeptJournal(self.records.journal) if self.keeps_journal_open else None

    def site(self, **options: Any) -> Site:
        configured = Configured(self.config, {})
        return Site(self.repository, self.config, Options(**options), configured)

    @contextmanager
    def command(self, name: str, life: Life | None = None, **options: Any) -> Iterator[Command]:
        """A command as it is put together when it is typed; its process is killed at the end of
        `life`. Raises `Killed` then.
        """
        life, site = life or Life(), self.site(**options)
        journal = self._journal or Journal(self.records.journal)
        recorder = Recorder(lambda: journal)

        def record(event: Event) -> int:
            life.step()  # first: the dead write no journal
            return recorder(event)

        events = EventStream(record)
        events.about(command=name, repository="wiki")
        events.subscribe(self.events.append)
        records = Records(site, events)
        fleet = MemoryFleet(self.targets, life, first="/srv/wiki/php-slot0")
        fleet.sent, fleet.wanted = self.sent, self.wanted
        command = Command(
            name=name,
            site=site,
            records=records,
            events=events,
            journal=journal,
            effects=mortal(WorldEffects(self, site, records, events), life),
            fleets=Fleets(site, events, lambda _: fleet),
            hooks=hooks_of(site, events),
            new_session=os.urandom(16).hex(),
            hook_variables={},
        )
        try:
            yield command
        finally:
            command.close()
            if life.is_over and self.records.running.exists():  # whoever is killed leaves its name
                self.records.running.write_text("1 killed\n")

    def run_hook(self, phase: Phase, context: HookContext) -> None:
        self.did.append(f"hook {phase}")
        self.on_hook(phase, context)

    @property
    def journal(self) -> Journal:
        """As another process reads it."""
        return self._journal or Journal.read_only(self.records.journal)

    @property
    def state(self) -> RolloutState | None:
        """None also where it is lost."""
        try:
            return Records(self.site()).state.read()
        except StateLost:
            return None

    @property
    def desired(self) -> Desired | None:
        return self.desired_of("slot0")

    def desired_of(self, slot: str) -> Desired | None:
        return Records(self.site()).desired.of(slot)

    def status(self) -> Status:
        """Raises `StateLost`."""
        return status(self.site(), Records(self.site()))

    def choice(self, release: str) -> Choice:
        """What `git deploy revert RELEASE` chooses."""
        source = self.published[release]
        return Choice(prefix=release.partition("-")[0], tag=release, release=release, source=source)

    def orders(self, *actions: str) -> list[tuple[str, str, tuple[str, ...]]]:
        """What was sent to whom, in order: action, release, targets."""
        return [
            (one.order.action, one.order.release, one.targets)
            for one in self.sent
            if not actions or one.order.action in actions
        ]

    def warnings(self) -> list[str]:
        """What a person was warned of, in order."""
        return [event.message for event in self.events if isinstance(event, Warned)]

    def live(self, slot: str = "slot0") -> dict[str, str]:
        path = f"/srv/wiki/php-{slot}"
        places = {
            name: target if slot == "slot0" else target.place(path)
            for name, target in self.targets.items()
        }
        return {name: place.live for name, place in places.items()}

    def lose_journal(self) -> None:
        """It was damaged, and is moved away as the message says."""
        if self._journal:
            self._journal.really_close()
        for path in self.records.journal.parent.glob("journal.sqlite*"):
            path.unlink()
        self._journal = KeptJournal(self.records.journal) if self.keeps_journal_open else None
        self.forgets = True

    def all_events(self) -> list[dict[str, Any]]:
        """What the journal has of all rollouts, oldest first."""
        with closing(self.journal) as journal:
            return journal.since(0, limit=1_000_000)

    def heal(self) -> None:
        """Everything works from now on; what went wrong stays as it is."""
        self.broken = set()
        for target in self.targets.values():
            target.heal()

    def let_go_of_files(self) -> None:
        """Until `take_up_files` nothing is open, and they can be changed from outside."""
        if self._journal:
            self._journal.really_close()

    def close(self) -> None:
        """Leaves nothing on disk."""
        self.let_go_of_files()
        shutil.rmtree(self.place)


class KeptJournal(Journal):
    """One that outlives its commands, which saves the time to open it."""

    def close(self) -> None:
        """Stays open: the next command reads it."""

    def really_close(self) -> None:
        super().close()


@cache
def configured(names: tuple[str, ...], lines: tuple[tuple[str, str], ...]) -> Config:
    """A configuration as the loader makes it, with these targets and settings."""
    settings = {
        "deploy.tag-prefix": "slot0",
        "deploy.path": "/srv/wiki/php-{prefix}",
        **dict(lines),
    }
    listed = list(settings.items())
    listed += [("deploy.target", f"{name}=/nowhere/{name}") for name in names]
    return replace(_load(listed), repo_name="wiki")


def _load(settings: Sequence[tuple[str, str]]) -> Config:
    import subprocess
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        subprocess.run(["git", "init", "--quiet", place], check=True)
        for name, value in settings:
            subprocess.run(["git", "-C", place, "config", "--add", name, value], check=True)
        top = Path(place)
        return read_config(Git(top), git_dir=top / ".git", top=top).plain
