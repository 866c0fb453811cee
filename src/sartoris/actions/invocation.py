"""How a sync script of the site's own was called, and its place in the rollout.

`git deploy sync` calls it, and keeps other commands out for as long as it runs. A person may call
it too, to repeat it: then it keeps them out itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartoris.actions.steps import nothing_switched
from sartoris.errors import Refused, SyncIncomplete, WrongUsage
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.lock import LockHeld, NoRollout, running
from sartoris.rollout.options import Options
from sartoris.rollout.state import Progress, RolloutState
from sartoris.transports.configured import add_targets


class NotASync(WrongUsage):
    """The script was started outside of a sync."""


class OtherRollout(Refused):
    """The rollout under way is not the one that the script is to bring."""


class CommandGone(SyncIncomplete):
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

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Call:
        """Raises `NotASync`."""
        tag = environment.get("DEPLOY_ROLLOUT_TAG", "")
        if not tag:
            raise NotASync(
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
        )


class Place:
    """A script's place: the deployment, and the rollout as it was when the script began."""

    def __init__(self, d: Deployment, call: Call, state: RolloutState) -> None:
        self.d = d
        self.call = call
        self.state = state

    @property
    def going_back(self) -> bool:
        """Whether the rollout is being aborted, and the script is to bring what was before."""
        return self.state.aborting

    def require(self, state: RolloutState) -> None:
        """Go on only while the command that called us runs. Raises `CommandGone`."""
        if not self.call.process or running(self.d.running_path) == self.call.process:
            return
        raise CommandGone(
            f"the `git deploy` that ran this sync script (process {self.call.process}) has ended,"
            f" so the script stops too\n{nothing_switched(state)}",
            next_steps=["git deploy status", "git deploy resync", "git deploy abort"],
        )


@contextmanager
def placed(call: Call, directory: Path) -> Iterator[Place]:
    """The place of a script that was called in `directory`, for as long as the body runs.

    Raises `NoRollout`, `OtherRollout`, `LockHeld`, `CommandRunning`, `CommandGone`, and `Refused`
    without a fleet.
    """
    options = Options(prefix=call.prefix, deploy_file=call.deploy_file, adopt=call.adopt)
    d = Deployment(directory, options)
    if not d.has_fleet:
        raise Refused(
            "no targets are configured, so there is no fleet to bring a release to",
            next_steps=[add_targets(d.config)],
        )
    if call.process:
        yield _place(d, call)
        return
    with d.exclusively():
        yield _place(d, call)


def _place(d: Deployment, call: Call) -> Place:
    state, holder = d.state_file.read(), d.lock.holder()
    if state is None or holder is None:
        raise NoRollout("sync")
    if not call.process and not holder.is_same_person_as(d.me):
        raise LockHeld(holder)
    _require_tag(state, call)
    d.prefix = state.prefix
    d.resume(state)
    place = Place(d, call, state)
    place.require(state)
    return place


def _require_tag(state: RolloutState, call: Call) -> None:
    """The one tag that is being brought now: the rollout's, or the one that an abort goes back to.

    A script that outlived its `git deploy` finds another here.
    """
    tagged = state.rollout_tag if state.progress >= Progress.TAGGED else ""
    expected = state.rollback_tag if state.aborting else tagged
    if call.tag != expected:
        raise OtherRollout(
            f"this script is to bring {call.tag}, and the rollout under way"
            f" {f'is of {expected}' if expected else 'has no tag yet'}",
            next_steps=["git deploy status"],
        )
