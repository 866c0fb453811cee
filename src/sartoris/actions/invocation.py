"""How a sync script of the site's own was called, and its place in the rollout.

`git deploy sync` calls it, and keeps other commands out for as long as it runs. A person may call
it too, to repeat it: then it keeps them out itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sartoris.actions.roll_out import told_to_switch
from sartoris.config import CountOrPercent
from sartoris.config.values import parse_share
from sartoris.errors import Refused, SyncIncomplete, WrongUsage
from sartoris.rollout.command import Command
from sartoris.rollout.lock import LockHeld, NoRollout, running
from sartoris.rollout.options import Options
from sartoris.rollout.person import Person
from sartoris.rollout.session import Session
from sartoris.rollout.site import Site
from sartoris.rollout.state import Progress, RolloutState
from sartoris.transports.configured import how_to_configure_targets

_MAX_FAILED = "GIT_DEPLOY_MAX_FAILED"


class OutsideSync(WrongUsage):
    """The script was started outside of a sync."""


class OtherRollout(Refused):
    """The rollout in progress is not the one that the script is to bring."""


class ParentExited(SyncIncomplete):
    """The `git deploy` that called the script has ended, and others may be at work."""


@dataclass(frozen=True)
class Call:
    """What the script was told. `process` is the `git deploy` that called it, 0 for a person."""

    tag: str
    prefix: str | None = None
    deploy_text: str = ""
    deploy_file: str | None = None
    process: int = 0
    adopt: bool = False
    max_failed: CountOrPercent | None = None
    without: tuple[str, ...] = ()
    leave: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Call:
        """Raises `OutsideSync`."""
        tag = environment.get("DEPLOY_ROLLOUT_TAG", "")
        if not tag:
            raise OutsideSync(
                "DEPLOY_ROLLOUT_TAG is not set: this is a sync hook, which `git deploy sync` runs",
                next_steps=["git deploy sync", "git deploy resync"],
            )
        process = environment.get("GIT_DEPLOY_PROCESS", "")
        return cls(
            tag=tag,
            prefix=environment.get("DEPLOY_ROLLOUT_PREFIX") or None,
            deploy_text=environment.get("DEPLOY_DEPLOY_TEXT", ""),
            deploy_file=environment.get("DEPLOY_DEPLOY_FILE") or None,
            process=int(process) if process.isdecimal() else 0,
            adopt=bool(environment.get("GIT_DEPLOY_ADOPT")),
            max_failed=parse_share(most) if (most := environment.get(_MAX_FAILED)) else None,
            without=tuple(environment.get("GIT_DEPLOY_WITHOUT", "").split()),
            leave=bool(environment.get("GIT_DEPLOY_LEAVE")),
        )


@dataclass(frozen=True)
class ScriptContext:
    """Where a script is: the rollout that it was called for, and how it was called."""

    session: Session
    call: Call

    @property
    def is_rollback(self) -> bool:
        """Whether the rollout is being aborted, and the script is to bring what was before."""
        return self.session.state.aborting

    def require_parent(self) -> None:
        """Go on only while the command that called us runs. Raises `ParentExited`."""
        running_now = running(self.session.command.records.running)
        if not self.call.process or running_now == self.call.process:
            return
        raise ParentExited(
            f"the `git deploy` that ran this sync script (process {self.call.process}) has ended,"
            f" so the script stops too\n{told_to_switch(self.session.state)}",
            next_steps=["git deploy status", "git deploy resync", "git deploy abort"],
        )


@contextmanager
def script_context(call: Call, directory: Path) -> Iterator[ScriptContext]:
    """The context of a script that was called in `directory`, for as long as the body runs.

    Raises `NoRollout`, `OtherRollout`, `LockHeld`, `CommandRunning`, `ParentExited`, and `Refused`
    without a fleet.
    """
    options = Options(
        prefix=call.prefix,
        deploy_file=call.deploy_file,
        adopt=call.adopt,
        max_failed=call.max_failed,
        without=call.without,
        leave=call.leave,
    )
    site = Site.at(directory, options)
    if not site.has_fleet:
        raise Refused(
            "no targets are configured, so there is no fleet to bring a release to",
            next_steps=[how_to_configure_targets(site.config)],
        )
    command = Command.open("sync", site)
    try:
        # `git deploy` keeps other commands out already; a person who calls a script does not.
        with nullcontext() if call.process else command.exclusively():
            yield _join(command, call)
    finally:
        command.close()


def _join(command: Command, call: Call) -> ScriptContext:
    state, holder = command.records.state.read(), command.records.lock.holder()
    if state is None or holder is None:
        raise NoRollout("sync")
    person = Person.of(command.site)
    if not call.process and not holder.is_same_person_as(person.holding("sync")):
        raise LockHeld(holder)
    _require_tag(state, call)
    command.events.about(session=state.session, slot=state.slot)
    context = ScriptContext(Session(command, person, state), call)
    context.require_parent()
    return context


def _require_tag(state: RolloutState, call: Call) -> None:
    """The one tag that is being brought now: the rollout's, or the one that an abort goes back to.

    A script that outlived its `git deploy` finds another here.
    """
    tagged = state.rollout_tag if state.progress >= Progress.TAGGED else ""
    expected = state.rollback_tag if state.aborting else tagged
    if call.tag != expected:
        raise OtherRollout(
            f"this script is to bring {call.tag}, and the rollout in progress"
            f" {f'is of {expected}' if expected else 'has no tag yet'}",
            next_steps=["git deploy status"],
        )
