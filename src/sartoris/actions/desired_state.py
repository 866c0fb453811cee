"""What a slot should have, written down and told to targets that come back by themselves."""

from __future__ import annotations

from sartoris.events import DesiredStateChanged
from sartoris.fleet.desired import Desired
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.rollout.session import Session


def bring_forward(session: Session, release: ReleaseSpec) -> None:
    """The slot should have `release` from now on; until it is live, nobody runs ahead."""
    state = session.state
    desired = Desired(
        slot=state.slot,
        prefix=state.prefix,
        path=session.slot.path,
        release=release.release,
        commit=release.commit,
        source=state.source,
        rollout=state.rollout_tag,
        since=state.tagged_at,
        deploy_text=release.deploy_text,
        branch=_branch(session),
    )
    _write(session, desired)
    session.command.fleets.publish_desired(session.slot, current=state.before, pending=desired)


def _branch(session: Session) -> str:
    """The remote's. A revert is made from wherever one is; releases go on to come from theirs."""
    state = session.state
    if state.action == "revert" and state.before is not None:
        return state.before.branch
    return session.site.remote_branch(state.branch)


def put_back(session: Session) -> None:
    """The slot should have what it had before this rollout; nothing, if that was nothing."""
    set_to(session, session.state.before)


def set_to(session: Session, desired: Desired | None) -> None:
    """The slot should have `desired`, which no rollout has to bring first; None for nothing."""
    _write(session, desired)
    session.command.fleets.publish_desired(session.slot, current=desired)


def confirm(session: Session) -> None:
    """What the slot should have is live: targets that were away may have it now."""
    desired = session.command.records.desired.of(session.slot.name)
    session.command.fleets.publish_desired(session.slot, current=desired)


def write_again(session: Session) -> None:
    """What its file says the slot should have, also in the journal, and to targets."""
    set_to(session, session.command.records.desired.of(session.slot.name))


def _write(session: Session, desired: Desired | None) -> None:
    before = session.command.records.desired.of(session.slot.name)
    session.effects.set_desired(session.slot.name, desired)
    session.events.emit(
        DesiredStateChanged(
            slot=session.slot.name,
            release=desired.release if desired else "",
            before=before.release if before else "",
        )
    )
