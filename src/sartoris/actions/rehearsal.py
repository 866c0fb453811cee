"""The dry run: the same story, told with peers that change nothing and invent nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.events import EventStream
from sartoris.fleet.desired import Desired, DesiredState, Found
from sartoris.git.repository import Repository
from sartoris.hooks import HookReport, Hooks
from sartoris.integrations.varnish import Answer, Caches
from sartoris.releases.publish import PublishRepository, Release
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.lock import Holder, LockHeld, NoRollout, OtherRepository, RolloutLock
from sartoris.rollout.options import Options
from sartoris.rollout.state import RolloutState, StateFile

if TYPE_CHECKING:
    from sartoris.journal.store import Journal
    from sartoris.transports.base import Transport


class Rehearsal(Deployment):
    """A deployment whose lock, state, tags, hooks, publish repository and fleet only say what
    they would do. It does compose the release, which is how it knows that it can be composed:
    objects that no ref names are all that it leaves behind.
    """

    def __init__(self, directory: Path, options: Options) -> None:
        super().__init__(directory, options)
        real = self.repository
        self.repository = RehearsedRepository(real, self.events)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        yield

    @cached_property
    def lock(self) -> RolloutLock:
        return RehearsedLock(super().lock.path)

    @cached_property
    def state_file(self) -> StateFile:
        return RehearsedState(super().state_file)

    @cached_property
    def desired(self) -> DesiredState:
        return RehearsedDesired(super().desired)

    @cached_property
    def journal(self) -> Journal:
        """Read, and not written to."""
        from sartoris.journal.store import Journal

        return Journal(self.directory / "journal.sqlite")

    @cached_property
    def hooks(self) -> Hooks:
        directory = None if self.options.skip_hooks else self.config.hook_dir
        return RehearsedHooks(directory, self.repository.top, self.events)

    @cached_property
    def publish(self) -> PublishRepository:
        submodules = self.config.submodules
        publish = RehearsedPublish(self.publish_path, self.repository.git, submodules)
        publish.prepare()
        return publish

    @cached_property
    def caches(self) -> Caches:
        return RehearsedCaches(super().caches, self.events)

    @cached_property
    def transport(self) -> Transport:
        from sartoris.transports.recording import RecordingTransport

        if self.config.transport == "local":
            return RecordingTransport([target.name for target in self.config.target])
        with closing(super().transport) as real:
            return RecordingTransport(real.fleet())


class RehearsedRepository(Repository):
    """Names the tags and the file that it would make."""

    def __init__(self, real: Repository, events: EventStream) -> None:
        super().__init__(real.git, real.top, real.git_dir)
        self.events = events

    def create_tag(self, tag: str, commit: str, message: str) -> None:
        self.events.note(f"would make the annotated tag {tag} on {commit[:12]}: {message}")

    def delete_tag(self, tag: str) -> None:
        """No tag was made."""

    def push_tags(self, site: str, tags: list[str]) -> None:
        self.events.note(f"would push to {site}: {' '.join(tags)}")

    def write_untracked(self, name: str, text: str) -> bool:
        self.events.note(f"would write {name} here and in the release ({len(text)} bytes)")
        return True


class RehearsedLock(RolloutLock):
    """Checks whose lock it is and leaves it as it is."""

    def require(self, me: Holder, *, force: bool) -> Holder:
        current = self.holder()
        if current is None:
            raise NoRollout(me.action)
        if not current.is_of(me.repository):
            raise OtherRepository(current)
        if not current.is_same_person_as(me) and not force:
            raise LockHeld(current)
        return me._replace(session=current.session)

    def release(self, holder: Holder) -> None:
        """The rollout goes on after a rehearsal."""


class RehearsedState(StateFile):
    """Keeps what would be written for the rest of the rehearsal."""

    def __init__(self, real: StateFile) -> None:
        super().__init__(real.path, recover=lambda _: None)
        self._state = real.read()

    def read(self) -> RolloutState | None:
        return self._state

    def write(self, state: RolloutState) -> None:
        self._state = state

    def remove(self) -> None:
        """The rollout goes on after a rehearsal."""


class RehearsedDesired(DesiredState):
    def __init__(self, real: DesiredState) -> None:
        super().__init__(real.path, recover=lambda _: Found({}))
        self._slots = real.slots()

    def read(self) -> Found:
        return Found(self._slots)

    def _write(self, slots: dict[str, Desired]) -> None:
        self._slots = slots


class RehearsedHooks(Hooks):
    """Names the hooks that would run. What they would decide is not known."""

    def __init__(self, directory: Path | None, top: Path, events: EventStream) -> None:
        super().__init__(directory, top, timeout=0, listener=lambda _: None)
        self._stream = events

    def _run(self, path: Path, phase: str, environment: Mapping[str, str]) -> HookReport:  # noqa: ARG002
        self._stream.note(f"would run the {phase} hook {path}, which may stop the rollout")
        return HookReport(path, phase, exit_code=0)


class RehearsedPublish(PublishRepository):
    def publish(self, tag: str, source_commit: str) -> Release:
        return Release(tag=tag, source=source_commit, commit=self.compose(source_commit), size=0)


class RehearsedCaches(Caches):
    """Names the caches that would be told to ban. Whether they would is not known."""

    def __init__(self, real: Caches, events: EventStream) -> None:
        super().__init__(real.servers, real.secret)
        self._events = events

    def ban(self, expression: str) -> Iterator[Answer]:
        for server in self.servers:
            self._events.note(f"would ban on {server}: {expression}")
        yield from ()
