"""The one way to change the world outside the fleet, with two implementations.

Actions change tags, files, hooks, caches and the work tree only through `Effects`. `Real` does it;
a dry run (`sartoris.rollout.dry_run`) says what it would do. A new effect is a new abstract method
here, and then neither type-checks without it.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.hooks import HookContext, HookReport, Hooks, Phase
from sartoris.rollout.lock import Holder, RolloutLock, exclusively
from sartoris.workspace.worktree import Workspace

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.fleet.desired import Desired
    from sartoris.integrations.varnish import Answer, Caches
    from sartoris.releases.publish import PublishRepository, Release
    from sartoris.rollout.away import Away
    from sartoris.rollout.records import Records
    from sartoris.rollout.site import Site
    from sartoris.rollout.state import RolloutState


# What the machine says of something that is not the file, or the directory, that was there.
_OF_ANOTHER_KIND = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
Made = TypeVar("Made")


class Effects(ABC):
    """What actions may do to the world. What each raises stands with what it calls."""

    # Whose turn it is

    @abstractmethod
    def exclusively(self, user: str) -> AbstractContextManager[None]:
        """Keep other commands on this repository out. Raises `CommandRunning`."""

    @abstractmethod
    def take_lock(self, holder: Holder) -> None:
        """Take the free lock. Raises `LockHeld`, `OtherRepository`."""

    @abstractmethod
    def claim_lock(self, me: Holder, *, force: bool, session: str = "") -> Holder:
        """The lock as held by `me`, taken over if `force`, of the rollout `session` where that is
        known. Raises as `RolloutLock.require` does.
        """

    @abstractmethod
    def release_lock(self, holder: Holder) -> None: ...

    @abstractmethod
    def lock_holder(self) -> Holder | None:
        """Who holds the lock by now: it may have been taken away."""

    # What is written down

    @abstractmethod
    def write_state(self, state: RolloutState) -> None: ...

    @abstractmethod
    def forget_state(self) -> None: ...

    @abstractmethod
    def set_desired(self, slot: str, desired: Desired | None) -> None:
        """What the slot should have from now on; None for nothing."""

    @abstractmethod
    def set_away(self, away: Mapping[str, Away]) -> None:
        """These targets are away from now on, and no others."""

    # git

    @abstractmethod
    def make_tag(self, tag: str, commit: str, message: str) -> None: ...

    @abstractmethod
    def delete_tag(self, tag: str) -> None: ...

    @abstractmethod
    def push_tags(self, remote: str, tags: Sequence[str]) -> None: ...

    @abstractmethod
    def write_deploy_file(self, name: str, text: str) -> bool:
        """Whether it was written: not where the repository tracks a file of that name."""

    # The work tree: what a person should know of it comes back as lines

    @abstractmethod
    def pull(self, branch: str) -> str: ...

    @abstractmethod
    def go_to(self, branch: str, commit: str) -> list[str]: ...

    @abstractmethod
    def step_back(self, commit: str) -> None: ...

    @abstractmethod
    def merge_upstream(self, branch: str) -> None: ...

    @abstractmethod
    def push_head(self, remote: str, branch: str) -> None: ...

    @abstractmethod
    def abort_merge(self) -> None: ...

    @abstractmethod
    def forget_checkouts(self) -> None: ...

    # Hooks

    @abstractmethod
    def run_hooks(self, phase: Phase, context: HookContext) -> None:
        """Raises `HookFailed` at the first that fails."""

    @abstractmethod
    def run_all_hooks(self, phase: Phase, context: HookContext) -> None:
        """All of them, whatever fails: where a way back must not stop."""

    @abstractmethod
    def run_sync_hook(
        self,
        hook: Path,
        context: HookContext,
        variables: Mapping[str, str],
        meanwhile: Callable[[], None],
    ) -> HookReport:
        """`meanwhile` is called again and again while it runs."""

    # Releases and caches

    @abstractmethod
    def compose(self, source: str) -> None:
        """Know that the release of a commit can be made. Raises what `compose` raises."""

    @abstractmethod
    def publish(self, tag: str, source: str) -> Release: ...

    @abstractmethod
    def mend_publishing(self) -> bool:
        """Make the publish repository anew if it is damaged; whether it was."""

    @abstractmethod
    def ban(self, expression: str) -> Iterator[Answer]: ...


class Real(Effects):
    """Does it."""

    def __init__(self, site: Site, records: Records, hooks: Hooks, events: EventStream) -> None:
        self._site = site
        self._records = records
        self._hooks = hooks
        self._events = events
        self._workspace = workspace(site, records, events.warn)
        self._publish: PublishRepository | None = None

    @contextmanager
    def exclusively(self, user: str) -> Iterator[None]:
        with exclusively(self._records.running, user) as last_was_killed:
            if last_was_killed:
                self._clear_up_after_a_kill()
            self._free_lock_of_ended_rollout()
            yield

    def _free_lock_of_ended_rollout(self) -> None:
        """An end that was killed between its last two steps."""
        holder, state = self._lock.written(), None
        is_ours = holder is not None and holder.is_of(str(self._site.repository.git_dir))
        if holder is None or not is_ours or os.path.lexists(self._records.state.path):
            return
        with suppress(Refused):  # a state that is lost, which whoever needs it says
            state = self._records.state.read()
        if state is not None and state.ended:
            self._events.warn(
                f"the lock of a rollout that is {state.ended} is freed: its last command was killed"
            )
            self._lock.release(holder)

    def _clear_up_after_a_kill(self) -> None:
        from sartoris import atomic
        from sartoris.git.stale_locks import remove_lock_files

        site, records = self._site, self._records
        deploy_file = site.repository.top / site.deploy_file
        ours = (records.state.path, records.desired.path, records.lock.path, records.checkouts.path)
        for path in (deploy_file, *ours):
            atomic.remove_leftovers(path)
        for path in remove_lock_files(site.repository.git_dir, site.repository.top):
            self._events.warn(f"{path} is removed: a git that was killed had left it")

    def take_lock(self, holder: Holder) -> None:
        self._lock.take(holder)

    def claim_lock(self, me: Holder, *, force: bool, session: str = "") -> Holder:
        return self._lock.require(me, force=force, session=session)

    def release_lock(self, holder: Holder) -> None:
        self._lock.release(holder)

    def lock_holder(self) -> Holder | None:
        return self._lock.written()

    @property
    def _lock(self) -> RolloutLock:
        return self._records.lock

    def write_state(self, state: RolloutState) -> None:
        self._records.state.write(state)

    def forget_state(self) -> None:
        self._records.state.remove()

    def set_desired(self, slot: str, desired: Desired | None) -> None:
        if desired is None:
            self._records.desired.unset(slot)
        else:
            self._records.desired.set(desired)

    def set_away(self, away: Mapping[str, Away]) -> None:
        self._records.away.write(away)

    def make_tag(self, tag: str, commit: str, message: str) -> None:
        self._site.repository.create_tag(tag, commit, message)

    def delete_tag(self, tag: str) -> None:
        self._site.repository.delete_tag(tag)

    def push_tags(self, remote: str, tags: Sequence[str]) -> None:
        self._site.repository.push_tags(remote, list(tags))

    def write_deploy_file(self, name: str, text: str) -> bool:
        return self._site.repository.write_untracked(name, text)

    def pull(self, branch: str) -> str:
        commit, notes = self._workspace.pull(branch)
        for line in notes:
            self._events.warn(line)
        return commit

    def go_to(self, branch: str, commit: str) -> list[str]:
        return self._workspace.go_to(branch, commit)

    def step_back(self, commit: str) -> None:
        self._workspace.step_back(commit)

    def merge_upstream(self, branch: str) -> None:
        self._workspace.merge_upstream(branch)

    def push_head(self, remote: str, branch: str) -> None:
        self._site.repository.push_head(remote, branch)

    def abort_merge(self) -> None:
        self._site.repository.abort_merge()

    def forget_checkouts(self) -> None:
        self._records.checkouts.forget()

    def run_hooks(self, phase: Phase, context: HookContext) -> None:
        self._hooks.run(phase, context)

    def run_all_hooks(self, phase: Phase, context: HookContext) -> None:
        self._hooks.run_all(phase, context)

    def run_sync_hook(
        self,
        hook: Path,
        context: HookContext,
        variables: Mapping[str, str],
        meanwhile: Callable[[], None],
    ) -> HookReport:
        return self._hooks.run_sync_hook(hook, context, variables, meanwhile=meanwhile)

    def compose(self, source: str) -> None:
        def composed(repository: PublishRepository) -> None:
            refuse_links_out(self._site, repository, repository.compose(source))

        self._published(composed)

    def publish(self, tag: str, source: str) -> Release:
        return self._published(lambda repository: repository.publish(tag, source))

    def mend_publishing(self) -> bool:
        from sartoris.releases.soundness import damage

        path = self._site.publish_path
        found = damage(path)
        if not found:
            return False
        self._publish = publish_repository(self._site)
        aside = self._publish.make_anew()
        self._events.warn(
            f"the publish repository {path} is damaged: {found}; it is made again, and the damaged"
            f" one is {aside}"
        )
        self._publish_what_should_be_live(self._publish)
        return True

    def _publish_what_should_be_live(self, repository: PublishRepository) -> None:
        """Targets that were away fetch it when they come back."""
        for desired in self._records.desired.slots().values():
            try:
                repository.publish(desired.release, desired.source)
            except SartorisError as error:
                self._events.warn(f"{desired.release} is not published again: {error.message}")

    def _published(self, act: Callable[[PublishRepository], Made]) -> Made:
        """What `act` makes in the publish repository, a new one if it fails and that is damaged."""
        from sartoris.releases.publish import NoPlace

        try:
            return act(self._publishing())
        except (GitFailed, NoPlace, *_OF_ANOTHER_KIND):
            if not self.mend_publishing():
                raise
        return act(self._publishing())

    def _publishing(self) -> PublishRepository:
        """The publish repository, made where it is not there yet. Raises `Refused`."""
        if self._publish is None:
            self._publish = publish_repository(self._site)
            self._publish.prepare()
        return self._publish

    def ban(self, expression: str) -> Iterator[Answer]:
        return caches(self._site).ban(expression)


def workspace(site: Site, records: Records, tell: Callable[[str], None]) -> Workspace:
    """The work tree of the site; `tell` says what it has kept."""
    return Workspace(
        site.repository,
        records.checkouts,
        aside=site.directory / "aside",
        remote=site.options.remote_site,
        remote_branch=site.remote_branch,
        tell=tell,
        needs_submodules=site.config.submodules != "none",
    )


def publish_repository(site: Site, path: Path | None = None) -> PublishRepository:
    """Where the site's releases are published; whether it is there is not looked at."""
    from sartoris.releases.publish import PublishRepository

    return PublishRepository(path or site.publish_path, site.repository.git, site.config.submodules)


def refuse_links_out(site: Site, publish: PublishRepository, commit: str) -> None:
    """Raise `LinksLeadOut` where a composed release has links that would be broken live.

    What is shared, and the deploy file, are replaced on the targets.
    """
    from sartoris.releases.links import require_links_inside

    config = site.config
    if config.switch == "atomic":
        placed = (*(path.removesuffix("/") for path in config.shared), site.deploy_file)
        require_links_inside(publish.links(commit), (*config.link_out, *placed))


def caches(site: Site) -> Caches:
    from sartoris.integrations.varnish import Caches

    return Caches(site.config.varnish, site.config.varnish_secret)
