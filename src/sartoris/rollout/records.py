"""The files of one repository in which rollouts are written down."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sartoris.documents import Unreadable
from sartoris.rollout.lock import MISSING, Holder, RolloutLock

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.fleet.desired import DesiredState
    from sartoris.rollout.away import AwayFile
    from sartoris.rollout.decisions import Here
    from sartoris.rollout.delivery import Way
    from sartoris.rollout.recovery import Recovery
    from sartoris.rollout.site import Site
    from sartoris.rollout.state import StateFile
    from sartoris.workspace.checkout_log import CheckoutLog


class Records:
    """Where they are. `directory` is Sartoris's own; the lock may be elsewhere.

    Nothing is opened or read before it is asked for: `status` is quick. What is written is an event
    first, and what had to be recovered is a warning, where there are `events`.
    """

    def __init__(self, site: Site, events: EventStream | None = None) -> None:
        root = site.config.lock_dir_root
        self.directory = site.directory
        lock = (root / "git-deploy" if root else site.directory) / "lock"
        self.lock = RolloutLock(lock, self._holder_without_lock)
        self._site = site
        self._events = events
        self._known: Recovery | None = None

    @property
    def state(self) -> StateFile:
        from sartoris.rollout.state import StateFile

        return StateFile(
            self.directory / "rollout.json",
            recover=lambda why: self._recovery().state(why, self.lock.holder()),
            written=lambda document: self._record("rollout", document),
        )

    @property
    def desired(self) -> DesiredState:
        from sartoris.fleet.desired import DesiredState

        return DesiredState(
            self.directory / "desired.json",
            recover=lambda why: self._recovery().desired(why),
            written=lambda document: self._record("desired", document),
        )

    @property
    def away(self) -> AwayFile:
        from sartoris.rollout.away import AwayFile

        return AwayFile(self.directory / "away.json")

    @property
    def checkouts(self) -> CheckoutLog:
        from sartoris.workspace.checkout_log import CheckoutLog

        return CheckoutLog(self.directory / "moves")

    @property
    def running(self) -> Path:
        """Locked by the kernel for as long as a command runs that changes something."""
        return self.directory / "running"

    @property
    def journal(self) -> Path:
        return self.directory / "journal.sqlite"

    def _holder_without_lock(self) -> Holder | None:
        """A rollout writes its state after its lock, and removes it first. So where there is only a
        state, the lock was lost, and the rollout is in progress.
        """
        path = self.directory / "rollout.json"
        if not os.path.lexists(path):
            return None
        from sartoris.rollout.state import read_state

        repository = str(self._site.repository.git_dir)
        nobody = Holder.nobody(MISSING, since=path.lstat().st_mtime, repository=repository)
        with suppress(Unreadable):
            if state := read_state(path):
                return nobody._replace(session=state.session, action=state.action)
        return nobody

    def _recovery(self) -> Recovery:
        """What is still known here when the state of a rollout or the desired state is lost."""
        from sartoris.rollout.recovery import Recovery

        if self._known is None:
            published = self._site.publish_path.exists
            self._known = Recovery(self.directory, published, self._here, self._warn)
        return self._known

    def _here(self) -> Here:
        from sartoris.rollout.decisions import Here

        return Here(
            branch=self._site.repository.branch(),
            way=self._way,
            path=lambda prefix: self._site.in_slot(prefix).config.release_path(prefix),
        )

    def _way(self, prefix: str) -> Way:
        """How releases of a prefix get to the servers now."""
        from sartoris.hooks import Hooks
        from sartoris.hooks.listener import HookListener

        site = self._site.in_slot(prefix)
        directory = None if site.options.skip_hooks else site.config.hook_dir
        hooks = Hooks(directory, site.repository.top, timeout=0, listener=HookListener())
        if hooks.sync_hook(prefix) is not None:
            return "hook"
        return "fleet" if site.has_fleet else "hand"

    def _warn(self, message: str) -> None:
        if self._events is not None:
            self._events.warn(message)

    def _record(self, document: str, content: dict[str, Any]) -> None:
        from sartoris.events import DocumentWritten

        if self._events is not None:
            self._events.emit(DocumentWritten(document=document, content=content))
