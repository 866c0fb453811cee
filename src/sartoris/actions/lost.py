"""`git deploy abort` of a rollout whose state is lost, and with it what to go back to.

So nothing is taken back by guess: the targets are asked, and what they have live is said. The
desired state then names what they have, if they have the same, and nothing otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from sartoris.actions import announcing, desired_state
from sartoris.errors import SyncIncomplete
from sartoris.fleet.desired import Desired
from sartoris.orders import Outcome
from sartoris.releases.publish import Release
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import DeployFile
from sartoris.rollout.effects import publish_repository
from sartoris.rollout.session import Session, join_without_state
from sartoris.rollout.state import StateLost


class EndedWithoutState(SyncIncomplete):
    """The rollout is over, but nothing was taken back: nobody knows to what."""


@dataclass(frozen=True)
class Live:
    """What targets have live: their names by release ("" for nothing), and who did not say."""

    targets: Mapping[str, tuple[str, ...]]
    silent: Mapping[str, str]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Live:
        targets: dict[str, tuple[str, ...]] = {}
        silent: dict[str, str] = {}
        for outcome in outcomes:
            if outcome.ok:
                targets[outcome.live] = (*targets.get(outcome.live, ()), outcome.target)
            else:
                silent[outcome.target] = f"{outcome.error}: {outcome.message}"
        return cls(targets, silent)

    @property
    def release(self) -> str:
        """The release that all who answered have; "" if they differ, or have nothing."""
        return next(iter(self.targets)) if len(self.targets) == 1 else ""

    def describe(self) -> list[str]:
        said = [
            f"Live is {release or 'nothing'} on {', '.join(names)}"
            for release, names in self.targets.items()
        ]
        return [*said, *(f"{name} does not say: {why}" for name, why in self.silent.items())]


_TREE_STAYS = "The working repository stays as it is: where the rollout had begun is not known."


def abort_without_state(command: Command, lost: StateLost) -> NoReturn:
    """End the rollout, and change nothing on any target.

    Raises `NoRollout`, `LockHeld`, and when all is done `EndedWithoutState`.
    """
    session = join_without_state(command)
    before = command.records.desired.of(session.slot.name) if command.site.has_fleet else None
    live = _ask(session)
    desired = _truthful(session, live, before)
    if command.site.has_fleet:
        desired_state.set_to(session, desired)
    session.end("aborted", "its state was lost")
    announcing.aborted_without_state(session)
    raise EndedWithoutState(
        "\n".join(
            [
                f"the rollout is over, but nothing was taken back: {lost.message}",
                *live.describe(),
                *_describe_desired(session.slot.name, before, desired),
                _TREE_STAYS,
            ]
        ),
        next_steps=[*_ways_on(live, desired), "git deploy report", "git deploy start"],
    )


def _ask(session: Session) -> Live:
    if not session.site.has_fleet:
        return Live({}, {"the servers": "no targets are configured that could be asked"})
    fleet = session.fleet().fleet
    with session.events.step("ask"):
        return Live.of(fleet.status(fleet.targets).outcomes.values())


def _truthful(session: Session, live: Live, before: Desired | None) -> Desired | None:
    """What the targets have, as the desired state; None if they differ, or it is not known here."""
    if before is not None and before.release == live.release:
        return before
    published = publish_repository(session.site).find(live.release) if live.release else None
    return _desired(session, published) if published else None


def _desired(session: Session, release: Release) -> Desired:
    now, slot = time.time(), session.slot
    text = DeployFile(
        commit=release.source,
        tag=release.tag,
        host=session.person.host,
        user=session.person.user,
        message="what was live when the state of a rollout was lost",
        at=now,
    ).text()
    return Desired(
        slot=slot.name,
        prefix=slot.prefix,
        path=slot.path,
        release=release.tag,
        commit=release.commit,
        source=release.source,
        rollout=release.tag,
        since=now,
        deploy_text=text,
    )


def _describe_desired(slot: str, before: Desired | None, desired: Desired | None) -> list[str]:
    if desired is not None:
        return [f"The desired state of {slot} is {desired.release}, which is what they have."]
    if before is not None:
        return [f"The desired state of {slot} was {before.release}; now it is not set."]
    return [f"The desired state of {slot} is not set."]


def _ways_on(live: Live, desired: Desired | None) -> list[str]:
    if desired is None:
        return [
            f"git deploy revert {release}   # makes it live everywhere"
            for release in live.targets
            if release
        ]
    return [f"git deploy converge {' '.join(live.silent)}"] if live.silent else []
