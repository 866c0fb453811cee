"""Everything that a story works with: one working repository, its configuration and its fleet.

Each part is made when it is first asked for, so that `status` opens no database.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sartoris.config import Config, load_config
from sartoris.errors import NoPrefix, WrongSetup, WrongUsage
from sartoris.git.repository import Repository
from sartoris.rollout.lock import Holder, RolloutLock, exclusively
from sartoris.rollout.options import Options

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.fleet.desired import DesiredState
    from sartoris.fleet.fleet import Fleet
    from sartoris.fleet.two_stage import TwoStageSync
    from sartoris.hooks import HookContext, Hooks, Phase
    from sartoris.integrations.varnish import Caches
    from sartoris.journal.store import Journal
    from sartoris.orders import Order
    from sartoris.releases.publish import PublishRepository
    from sartoris.rollout.decisions import Here
    from sartoris.rollout.recovery import Recovery
    from sartoris.rollout.state import RolloutState, StateFile
    from sartoris.transports.base import Transport
    from sartoris.workspace.checkout_log import Moves

# The parts that belong to one prefix.
_OF_PREFIX = ("slot", "fleet", "two_stage")


class Deployment:
    """One deployer's command in one working repository.

    Raises, from whichever part is asked for first: `NotARepository`, `ConfigError`, `NoPrefix`,
    `WrongSetup`, `JournalUnusable`.
    """

    def __init__(self, directory: Path, options: Options) -> None:
        self.options = options
        self.sync_variables: dict[str, str] = {}  # of the sync hook, for the hooks after it
        self.action = ""  # the command that runs, as hooks are told; set when it has the lock
        self.repository = Repository.at(directory)

    @cached_property
    def events(self) -> EventStream:
        from sartoris.events import EventStream

        return EventStream()

    @cached_property
    def config(self) -> Config:
        return load_config(
            self.repository.git, git_dir=self.repository.git_dir, top=self.repository.top
        )

    @cached_property
    def prefix(self) -> str:
        prefix = self.options.prefix or self.config.tag_prefix
        if not prefix:
            raise NoPrefix(
                "no prefix: neither the command nor deploy.tag-prefix says what is being deployed",
                next_steps=["git config deploy.tag-prefix PREFIX"],
            )
        if self.options.prefix:
            self._check_typed_prefix(prefix)
        return prefix

    def _check_typed_prefix(self, prefix: str) -> None:
        from sartoris.config import BadValue, check_prefix
        from sartoris.config.problems import quoted

        try:
            check_prefix(prefix)
        except BadValue as error:
            raise WrongUsage(f"the prefix {quoted(prefix)} {error}") from error

    def of(self, prefix: str) -> Deployment:
        """The same deployment for another prefix: its own slot and fleet, and all else shared."""
        _ = self.journal, self.transport  # opened once, for all of them
        other = copy.copy(self)
        for name in _OF_PREFIX:
            other.__dict__.pop(name, None)
        other.prefix = prefix
        return other

    @cached_property
    def me(self) -> Holder:
        """This person and process, for the lock. Raises `WrongSetup` without a name and mail."""
        who = self.repository.identity()
        if who is None:
            raise WrongSetup(
                "git does not know your name and mail address, which go into every rollout tag",
                next_steps=[
                    "git config --global user.name 'Your Name'",
                    "git config --global user.email 'you@example.com'",
                ],
            )
        return Holder(
            session=os.urandom(16).hex(),
            user=self.user,
            who=who,
            host=self.host,
            process=os.getpid(),
            since=time.time(),
            action="",
            repository=str(self.repository.git_dir),
        )

    @cached_property
    def user(self) -> str:
        """Who is logged in; the person behind sudo where there is one."""
        import getpass

        return os.environ.get("SUDO_USER") or getpass.getuser()

    @cached_property
    def host(self) -> str:
        return os.uname().nodename

    @cached_property
    def directory(self) -> Path:
        """Sartoris's own directory in the repository: lock, state, journal, publish repository."""
        return self.repository.git_dir / "deploy"

    @cached_property
    def lock(self) -> RolloutLock:
        root = self.config.lock_dir_root
        return RolloutLock((root / "git-deploy" if root else self.directory) / "lock")

    @property
    def running_path(self) -> Path:
        return self.directory / "running"

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other commands on this repository out. Raises `CommandRunning`."""
        with exclusively(self.running_path, self.user) as last_was_killed:
            if last_was_killed:
                self._clear_up_after_a_kill()
            yield

    @cached_property
    def moves(self) -> Moves:
        from sartoris.workspace.checkout_log import Moves

        return Moves(self.directory / "moves")

    def _clear_up_after_a_kill(self) -> None:
        from sartoris import atomic
        from sartoris.git.stale_locks import remove_lock_files

        deploy_file = self.repository.top / self.deploy_file
        ours = (self.state_file.path, self.desired.path, self.lock.path, self.moves.path)
        for path in (deploy_file, *ours):
            atomic.remove_leftovers(path)
        for path in remove_lock_files(self.repository.git_dir, self.repository.top):
            self.events.warn(f"{path} is removed: a git that was killed had left it")

    @cached_property
    def state_file(self) -> StateFile:
        from sartoris.rollout.state import StateFile

        return StateFile(
            self.directory / "rollout.json",
            recover=lambda why: self.recovery.state(why, self.lock.holder()),
            written=lambda document: self._record("rollout", document),
        )

    @cached_property
    def desired(self) -> DesiredState:
        from sartoris.fleet.desired import DesiredState

        return DesiredState(
            self.directory / "desired.json",
            recover=self.recovery.desired,
            written=lambda document: self._record("desired", document),
        )

    @cached_property
    def recovery(self) -> Recovery:
        """What is known here when the state of a rollout or the desired state is lost."""
        from sartoris.rollout.recovery import Recovery

        return Recovery(self.directory, self.publish_path.exists, self._here, self.events.warn)

    def _here(self) -> Here:
        from sartoris.rollout.decisions import Here
        from sartoris.rollout.way import way_to

        return Here(
            branch=self.repository.branch(),
            way=lambda prefix: way_to(self, prefix),
            path=self.config.release_path,
        )

    def _record(self, document: str, content: dict[str, Any]) -> None:
        from sartoris.events import DocumentWritten

        self.events.emit(DocumentWritten(document=document, content=content))

    @cached_property
    def journal(self) -> Journal:
        """The journal; every event from now on is recorded in it."""
        from sartoris.journal.recorder import Recorder
        from sartoris.journal.store import Journal

        journal = Journal(self.directory / "journal.sqlite")
        self.events.subscribe(Recorder(journal, self.events))
        return journal

    def close(self) -> None:
        """Let go of what is open; nothing is asked of this deployment any more."""
        if "transport" in self.__dict__:
            self.transport.close()
        if "journal" in self.__dict__:
            self.journal.close()

    @cached_property
    def hooks(self) -> Hooks:
        from sartoris.hooks import Hooks
        from sartoris.rollout.hook_reports import HookReports

        return Hooks(
            None if self.options.skip_hooks else self.config.hook_dir,
            self.repository.top,
            timeout=self.config.hook_timeout,
            listener=HookReports(self.events),
        )

    @cached_property
    def publish(self) -> PublishRepository:
        from sartoris.releases.publish import PublishRepository

        submodules = self.config.submodules
        publish = PublishRepository(self.publish_path, self.repository.git, submodules)
        publish.prepare()
        return publish

    @property
    def publish_path(self) -> Path:
        return self.config.publish_dir or self.directory / "publish.git"

    @property
    def deploy_file(self) -> str:
        return self.options.deploy_file or self.config.deploy_file

    def remote_branch(self, branch: str) -> str:
        """The remote's branch for a local one, as `git pull` finds it: the one that was typed, or
        that the local one follows, or the one of its name.
        """
        typed = self.options.remote_branch
        return typed or self.repository.upstream(self.options.remote_site, branch) or branch

    @property
    def date_format(self) -> str:
        return self.options.date_format or self.config.date_fmt

    @property
    def has_fleet(self) -> bool:
        """Whether there are targets; without, the synchronisation is done by hand."""
        from sartoris.transports.configured import has_targets

        return has_targets(self.config)

    @cached_property
    def transport(self) -> Transport:
        from sartoris.transports.configured import configured

        return configured(self.config, self.journal.known_targets())

    @cached_property
    def caches(self) -> Caches:
        from sartoris.integrations.varnish import Caches

        return Caches(self.config.varnish, self.config.varnish_secret)

    @cached_property
    def slot(self) -> str:
        return self.config.slot_name(self.prefix) if self.has_fleet else self.prefix

    @cached_property
    def fleet(self) -> Fleet:
        from sartoris.fleet.fleet import Fleet

        return Fleet(self.transport, self.order, self.events)

    @property
    def order(self) -> Order:
        """What all orders to the slot have in common; as it is, a question for its status."""
        from sartoris.orders import Order

        return Order(
            action="status",
            repository=self.config.repo_name,
            slot=self.slot,
            path=self.config.release_path(self.prefix),
            url=self.config.url or str(self.publish_path),
            switch=self.config.switch,
            submodules=self.config.submodules,
            shared=self.config.shared,
            keep=self.config.keep_releases,
            timeout=self.config.timeout,
            deploy_file=self.deploy_file,
            adopt=self.options.adopt,
            # Without an action for it, a switch leaves the service alone.
            service=(self.config.service or "") if self.config.service_action else "",
            service_action=self.config.service_action or "",
        )

    @cached_property
    def two_stage(self) -> TwoStageSync:
        from sartoris.fleet.batches import Batches
        from sartoris.fleet.gate import Gate
        from sartoris.fleet.two_stage import TwoStageSync

        return TwoStageSync(
            fleet=self.fleet,
            gate=Gate(self.config.max_failed, self.events),
            batches=Batches(self.config.canary, self.config.batch),
        )

    def run_hooks(self, phase: Phase, state: RolloutState) -> None:
        """Run a phase's hooks. Raises `HookFailed` at the first failure."""
        self.hooks.run(phase, self.hook_context(state))

    def hook_context(self, state: RolloutState, **variables: str) -> HookContext:
        """What hooks are told; `variables` beside the tags, by their names."""
        from sartoris.hooks import HookContext

        return HookContext(
            action=self.action,
            prefix=state.prefix,
            start_tag=state.start_tag,
            rollout_tag=state.rollout_tag,
            extra={**self.sync_variables, **variables},
        )

    def resume(self, state: RolloutState) -> None:
        """Let the journal know that what follows belongs to `state`'s rollout."""
        self.journal.session = state.session
