"""For a sync script of your own: the steps of a sync, in your order, with your own between them.

An executable `HOOK-DIR/sync/PREFIX.sync` replaces the sync of `git deploy`. In Python it may be

    #!/usr/bin/env python3
    from sartoris.script import Sync

    with Sync.of_this_rollout() as sync:
        release = sync.publish()
        fetched = sync.fetch(release)
        sync.gate(fetched)
        switched = sync.switch(release)
        sync.gate(switched)
        sync.purge()

which is what `git deploy sync` does without a script. docs/sync-scripts.md tells the rest.
"""

from __future__ import annotations

import io
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from sartoris.actions import roll_out
from sartoris.actions.invocation import Call, ScriptContext, script_context
from sartoris.display.ending import exit_code_of, leaving
from sartoris.display.log_lines import LogLines
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.events import LeftBehind, Reverted
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.fleet.release_spec import ReleaseSpec as LiveRelease
from sartoris.observers import Typed, observed, subscribe_configured
from sartoris.orders import Outcome
from sartoris.rollout.effects import publish_repository
from sartoris.rollout.session import Session

__all__ = ["LiveRelease", "Outcome", "StageResult", "Sync"]


class Sync(ABC):
    """The sync of the rollout that this script was called for.

    Every step is written to the journal and to the rollout's state, as in `git deploy sync`, so
    that `status`, `resync`, `abort` and `report` know what happened however the script ends.
    """

    def __init__(self, context: ScriptContext) -> None:
        self._context = context
        self._session = context.session
        self._fleet = context.session.fleet()
        self._fetched = StageResult("fetch", {})
        self._switched = StageResult("switch", {})

    @staticmethod
    @contextmanager
    def of_this_rollout() -> Iterator[Sync]:
        """The sync that `git deploy` has called this script for, in the repository we stand in.

        For a `with` statement. An error of Sartoris that leaves it ends the process with its
        message and exit code: 71 when the sync is not complete. What your own code raises is left
        alone, and the rollout stays open then. At the end of the body the rollout is recorded as
        live, and targets that do not have it as left behind.
        """
        program = Path(sys.argv[0]).name or "sync script"
        with (
            leaving(program),
            script_context(Call.of(os.environ), Path.cwd()) as context,
            _observed(context, program),
        ):
            sync: Sync = _Rollback(context) if context.is_rollback else _Forward(context)
            yield sync
            sync._end()

    @property
    def tag(self) -> str:
        """The tag to bring: `DEPLOY_ROLLOUT_TAG`."""
        return self._context.call.tag

    @property
    def prefix(self) -> str:
        return self._session.state.prefix

    @property
    def going_back(self) -> bool:
        """Whether this is an abort, which brings what was live before.

        Then gates stop nothing, and `publish` is what was live before. What failed is told at the
        end.
        """
        return self._context.is_rollback

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of all targets."""
        return self._fleet.targets

    @property
    def failed(self) -> tuple[str, ...]:
        """The targets whose last answer was a failure."""
        return self._last.failed

    def publish(self) -> LiveRelease:
        """Compose the release and put it where targets fetch it.

        A revert names a release that targets hold already, where there is one of the same commit.
        """
        self._require()
        return self._publish()

    def fetch(self, release: LiveRelease, targets: Iterable[str] | None = None) -> StageResult:
        """Stage the release beside what is live on `targets`, or on all; what each answered.

        Raises `WrongUsage` for a name that is no target, here and in `switch`.
        """
        names = self._named(self.targets if targets is None else targets)
        self._require()
        with self.step("fetch", release.release):
            result = self._fetch(release, names)
        if not result.succeeded and roll_out.mend_publishing(self._session, result):
            release = self._publish()
            with self.step("fetch", release.release):
                result = self._fetch(release, names)
        self._fetched = self._fetched.and_then(result)
        return result

    def switch(self, release: LiveRelease, targets: Iterable[str] | None = None) -> StageResult:
        """Make the release live on `targets`, or on those that have fetched it.

        Before the first target, the desired state is changed. Follows `deploy.canary` and
        `deploy.batch`, and stops after the group in which too many have failed; the rest is then
        not in the result.
        """
        names = self._named(self._fetched.succeeded if targets is None else targets)
        self._require()
        result = self._switch(release, names)
        self._switched = self._switched.and_then(result)
        return result

    @abstractmethod
    def gate(self, result: StageResult) -> None:
        """Go on only if the targets that have failed until now are few enough.

        Counts all failures of this script against `deploy.max-failed`. When they are too many the
        script ends here, with exit code 71 and what is live where. If targets had switched, they
        are rolled back, and the desired state too.
        """

    @abstractmethod
    def give_up(self, reason: str) -> NoReturn:
        """As a gate that is closed, because of a check of your own; `reason` is for a person."""

    def purge(self) -> tuple[str, ...]:
        """Have the caches of `deploy.varnish` ban what they hold from before the release.

        The caches that may still serve old pages. They are told and stop nothing: the rollout goes
        to its end, and then `git deploy` ends with exit code 73.
        """
        self._require()
        return tuple(roll_out.purge_caches(self._session, self._released))

    def step(self, name: str, detail: str = "") -> AbstractContextManager[None]:
        """Name a step of your own on the terminal, in the journal and in the timing log."""
        return self._session.events.step(name, detail)

    @property
    @abstractmethod
    def _released(self) -> str:
        """The release that is live at the end; "" for nothing."""

    @abstractmethod
    def _publish(self) -> LiveRelease: ...

    @abstractmethod
    def _fetch(self, release: LiveRelease, names: tuple[str, ...]) -> StageResult: ...

    @abstractmethod
    def _switch(self, release: LiveRelease, names: tuple[str, ...]) -> StageResult: ...

    @abstractmethod
    def _end(self) -> None:
        """The body of the script has ended by itself."""

    @property
    def _last(self) -> StageResult:
        """Of each target the last answer."""
        return self._fetched.and_then(self._switched)

    @property
    def _missing(self) -> tuple[str, ...]:
        """The targets that have not switched."""
        there = self._switched.succeeded
        return tuple(name for name in self.targets if name not in there)

    def _require(self) -> None:
        self._context.require_parent()
        roll_out.require_lock(self._session)

    def _named(self, targets: Iterable[str]) -> tuple[str, ...]:
        """The targets in the script's own order. Raises `WrongUsage` for one that there is not."""
        names = tuple(dict.fromkeys(targets))
        if names:
            self._fleet.fleet.chosen(names)
        return names


class _Forward(Sync):
    """Brings the rollout's release, as `git deploy sync` would."""

    def __init__(self, context: ScriptContext) -> None:
        super().__init__(context)
        # A script that is run again may find targets that switched before.
        self._may_have_it = self.targets if self._session.state.has_told_targets else ()
        self._is_desired = False
        self._is_recorded = False

    def gate(self, result: StageResult) -> None:
        self._require()
        self._decide(result.stage)

    def give_up(self, reason: str) -> NoReturn:
        self._require()
        self._stop(reason)

    @property
    def _released(self) -> str:
        return self._session.state.release

    def _publish(self) -> ReleaseSpec:
        _name_as_held(self._session)
        release = roll_out.publish(self._session)
        return replace(release, deploy_text=self._context.call.deploy_text or release.deploy_text)

    def _fetch(self, release: ReleaseSpec, names: tuple[str, ...]) -> StageResult:
        return self._fleet.fleet.fetch(release, names)

    def _switch(self, release: ReleaseSpec, names: tuple[str, ...]) -> StageResult:
        if not self._is_desired:
            roll_out.set_desired_state(self._session, release)
            self._is_desired = True
        self._is_recorded = False
        behind = [name for name in self.failed if name not in names]
        with self.step("switch", release.release):
            return self._fleet.switch(release, names, behind).result

    def _decide(self, stage: str) -> None:
        result = replace(self._last, stage=stage)
        if not self._fleet.gate_opens(result):
            self._stop(roll_out.why_failed(self._session, stage, result))
        if self._switched.outcomes and set(self._missing) <= set(self.failed):
            self._record()  # before steps of the script's own that may fail

    def _record(self) -> None:
        roll_out.record(self._session, self._missing)
        self._is_recorded = True
        state = self._session.state
        if state.action == "revert" and state.before is not None:
            event = Reverted(release=state.before.release, rollout=state.rollout_tag)
            self._session.events.emit(event)

    def _stop(self, why: str) -> NoReturn:
        """Everyone who may have switched goes back first."""
        if not self._switched.outcomes:
            raise roll_out.stopped(self._session, why, self._fetched)
        names = {*self._may_have_it, *self._switched.outcomes}
        back = roll_out.roll_back(self._session, names)
        raise roll_out.not_switched(self._session, why, self._switched, back)

    def _end(self) -> None:
        """A script that forgot the gate after its last switch is asked here."""
        if not self._switched.outcomes or self._is_recorded:
            return
        self._require()
        self._decide("switch")
        if not self._is_recorded:
            self._record()


class _Rollback(Sync):
    """Brings what was live before the rollout, as `git deploy abort` would.

    The desired state names it already. A way back does not stop half way, so gates are open.
    """

    def gate(self, result: StageResult) -> None:
        """Nothing stops here; `_end` tells what failed."""

    def give_up(self, reason: str) -> NoReturn:
        raise self._not_back(reason)

    @property
    def _released(self) -> str:
        return self._session.state.release_before

    def _publish(self) -> ReleaseSpec:
        """What was live before, chosen once for the whole fleet. Nothing has only a name."""
        before = self._session.state.before
        if before is None:
            return ReleaseSpec(release=self.tag, commit="")
        with self.step("publish", before.release):
            published = self._session.effects.publish(before.release, before.source)
        return ReleaseSpec.desired(before, published.size)

    def _fetch(self, release: ReleaseSpec, names: tuple[str, ...]) -> StageResult:
        if self._session.state.before is None:
            return self._fleet.fleet.status(names)
        return self._fleet.fleet.fetch(release, names)

    def _switch(self, release: ReleaseSpec, names: tuple[str, ...]) -> StageResult:
        state = self._session.state
        with self.step("roll back", release.release):
            return self._fleet.roll_back(state.release, state.before, names).result

    def _end(self) -> None:
        """A target that never got the release need not come back from it."""
        missing = self._missing if self._session.state.has_told_targets else ()
        if missing:
            raise self._not_back(roll_out.why_failed(self._session, "roll back", self._last))

    def _not_back(self, why: str) -> SyncIncomplete:
        self._session.events.emit(LeftBehind(targets=self._missing, release=self._released))
        return SyncIncomplete(
            f"{why}\nNot back: {', '.join(self._missing) or 'no target is left'}",
            next_steps=["git deploy converge", "git deploy report"],
        )


def _name_as_held(session: Session) -> None:
    """A revert goes to the release that targets may hold, not to a new name of the same commit."""
    state = session.state
    if state.action != "revert" or state.may_be_live:
        return
    journal = session.command.journal
    record = journal.rollout_of_source(state.source, state.prefix, released=True)
    published = publish_repository(session.site).find(record.release) if record else None
    if published is not None and published.source == state.source:
        session.write(replace(state, release=published.tag))


@contextmanager
def _observed(context: ScriptContext, program: str) -> Iterator[None]:
    """Show events on standard error, where `git deploy` shows all that a hook writes.

    It follows in the journal what a script of its own records, for `--json` and the timing log. A
    script that a person typed is a command of its own.
    """
    command = context.session.command
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in step with what comes from here
    verbose = os.environ.get("GIT_DEPLOY_VERBOSE", "0") != "0"
    command.events.subscribe(LogLines(verbose=verbose), relayed=False)
    if context.call.process:
        command.events.about(command=os.environ.get("GIT_DEPLOY_ACTION", ""))
        subscribe_configured(command)
        yield
        return
    typed = Typed("sync script", (program, *sys.argv[1:]))
    command.events.about(command=typed.command)
    with observed(command, typed, _exit_code_of):
        yield


def _exit_code_of(error: BaseException) -> int:
    """What `leaving` makes of it, and Python of what it leaves alone."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(bool(error.code))
    ours = isinstance(error, SartorisError | KeyboardInterrupt)
    return exit_code_of(error) if ours else 1
