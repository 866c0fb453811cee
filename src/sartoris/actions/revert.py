"""`git deploy revert TAG`: make an earlier release live again, everywhere, now.

The release is chosen once, on the deployment server. Targets that hold it need no fetch, so the
switch comes first and everything that can wait (the working repository, pushing tags, hooks that
follow a change of tree) comes after it.
"""

from __future__ import annotations

import time

from sartoris.actions import announcing
from sartoris.actions.choice import Choice
from sartoris.actions.deliveries import TO_FLEET, choose_delivery, conclude
from sartoris.actions.revert_tree import revert_tree
from sartoris.actions.roll_out import SyncResult, roll_out
from sartoris.actions.tagging import make_revert_tags
from sartoris.errors import SartorisError
from sartoris.hooks import Phase
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.session import Session, begin, join, join_without_state, require_prefix
from sartoris.rollout.state import Progress, StateLost
from sartoris.rollout.tags import next_tag


def revert(command: Command, choice: Choice) -> SyncResult:
    """Make the release of `choice` live. An open rollout of one's own ends with it.

    Where the servers are not a fleet of ours, the working repository goes back first. Raises
    `LockHeld`, `OtherPrefix`, and as `sync` does `GateClosed`.
    """
    command = command.in_slot(choice.prefix)
    if choose_delivery(command, choice.prefix) is not TO_FLEET:
        return revert_tree(command, choice)
    with command.exclusively():
        session = _begin(command, choice)
        try:
            command.fleets.connect(session.slot)
            session.run_hooks(Phase.PRE_START)
            announcing.starting(session)
            _tag(session, choice)
        except SartorisError as error:
            _give_up(session, error)
            raise
        with announcing.failures(session):
            missing = _without(session)
            return conclude(session, roll_out(session, session.fleet().targets, missing))


def _begin(command: Command, choice: Choice) -> Session:
    """Take the lock, or one's own open rollout."""
    site = command.site
    person = checks.require_person(site)
    checks.require_not_blocked(site)
    checks.require_source(site)
    before = command.records.desired.of(site.slot(choice.prefix).name)
    open_one, is_after_half = None, False
    if command.records.lock.holder() is not None:
        open_one, is_after_half = _open_rollout(command, choice)
    session = begin(
        command,
        person,
        choice.prefix,
        site.options.message or f"revert to {choice.release}",
        before=before,
        start_tag=before.rollout if before else "",
        release=choice.release,
        source=choice.source,
        is_after_half=is_after_half,
        instead_of=open_one,
    )
    session.announce_start(site.options.message)
    return session


def _open_rollout(command: Command, choice: Choice) -> tuple[Session, bool]:
    """An open rollout of one's own (or, with --force, of anybody) gives way to the revert; whether
    it may have left the fleet half switched.

    Not one of another prefix: ending it would leave its slot as it happens to be.
    """
    try:
        state = command.records.state.read()
        if state is not None:
            require_prefix(state, choice.prefix, "abort")
        found = join(command)
    except StateLost as lost:
        command.events.warn(lost.message)
        return join_without_state(command), True
    return found, found.state.is_half_switched


def _give_up(session: Session, error: SartorisError) -> None:
    """End what has not begun; but a fleet that was found half switched still needs its way back."""
    if not session.state.is_after_half:
        session.end("quit", error.message)
        return
    session.events.warn(
        "the rollout that this revert took over may have switched some servers only, so it stays"
        " open: `git deploy abort` brings them together again"
    )


def _tag(session: Session, choice: Choice) -> None:
    """Choose the tag, write down that this is the one, then make it."""
    state = session.state
    tag = next_tag(session.site, state.prefix)
    left = state.release_before or "nothing"
    default = f"revert of {state.prefix} from {left} to {choice.release}"
    message = session.site.options.message or default
    session.reach(Progress.TAGGED, rollout_tag=tag, message=message, tagged_at=time.time())
    make_revert_tags(session)


def _without(session: Session) -> tuple[str, ...]:
    """The targets that are not known to hold the release, and so must fetch it first."""
    known = session.command.journal.targets(session.slot.name)
    return tuple(
        name
        for name in session.fleet().targets
        if name not in known or session.state.release not in known[name].held
    )
