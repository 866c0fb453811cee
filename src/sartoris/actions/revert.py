"""`git deploy revert TAG`: make an earlier release live again, everywhere, now.

The release is chosen once, on the deployment server. Targets that hold it need no fetch, so the
switch comes first and everything that can wait (the working repository, pushing tags, hooks that
follow a change of tree) comes after it.
"""

from __future__ import annotations

import time
from dataclasses import replace

from sartoris.actions import announcing, delivery
from sartoris.actions.choice import Choice
from sartoris.actions.steps import Delivered
from sartoris.errors import SartorisError
from sartoris.events import Tagged
from sartoris.hooks import Phase
from sartoris.rollout import checks, session
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState, StateLost
from sartoris.rollout.tags import free_tag


def revert(d: Deployment, choice: Choice) -> Delivered:
    """Make the release of `choice` live. An open rollout of one's own ends with it.

    Raises `LockHeld`, `OtherPrefix`, and as `sync` does `GateClosed`.
    """
    with d.exclusively():
        state = _begin(d, choice)
        try:
            d.run_hooks(Phase.PRE_START, state)
            announcing.starting(d, state)
            state = _tag(d, state, choice)
        except SartorisError as error:
            session.end(d, state, "quit", error.message)
            raise
        with announcing.failures(d, state):
            return delivery.conclude(d, delivery.make_live(d, state, _without(d, choice)))


def _begin(d: Deployment, choice: Choice) -> RolloutState:
    """Take the lock, or one's own open rollout."""
    checks.person_is_set_up(d)
    checks.not_blocked(d)
    before = d.desired.of(d.slot)
    holder = d.lock.holder()
    if holder is not None:
        _end_open_rollout(d)
    state = session.begin(d, "revert", d.options.message or f"revert to {choice.release}")
    state = replace(
        state,
        before=before,
        start_tag=before.rollout if before else "",
        release=choice.release,
        source=choice.source,
    )
    session.announce(d, state, d.options.message)
    return state


def _end_open_rollout(d: Deployment) -> None:
    """An open rollout of one's own (or, with --force, of anybody) gives way to the revert.

    Not one of another prefix: ending it would leave its slot as it happens to be.
    """
    try:
        open_rollout = d.state_file.read()
        if open_rollout is not None:
            session.require_prefix(open_rollout, d.prefix, "abort")
        state = session.join(d, "revert")
    except StateLost as lost:
        d.events.warn(lost.message)
        state = session.take_without_state(d, "revert")
    session.end(d, state, "aborted", "gave way to a revert")


def _tag(d: Deployment, state: RolloutState, choice: Choice) -> RolloutState:
    """Choose the tag, write down that this is the one, then make it."""
    tag = free_tag(state.prefix, d.repository.has_tag, date_format=d.date_format)
    left = state.before.release if state.before else "nothing"
    message = d.options.message or f"revert of {state.prefix} from {left} to {choice.release}"
    state = state.reach(Progress.TAGGED, rollout_tag=tag, message=message, tagged_at=time.time())
    d.state_file.write(state)
    make_tags(d, state)
    return state


def make_tags(d: Deployment, state: RolloutState) -> None:
    """Mark what is left as reverted, and this rollout by a tag on what it goes back to."""
    with d.events.step("tag", state.rollout_tag):
        reverted = f"{state.rollout_tag}_reverted"
        d.repository.create_tag(reverted, state.start_commit, state.message)
        d.repository.create_tag(state.rollout_tag, state.source, state.message)
    d.events.emit(
        Tagged(
            session=state.session,
            tag=state.rollout_tag,
            commit=state.source,
            message=state.message,
            pushed=False,
        )
    )


def _without(d: Deployment, choice: Choice) -> tuple[str, ...]:
    """The targets that are not known to hold the release, and so must fetch it first."""
    known = d.journal.targets(d.slot)
    return tuple(
        name
        for name in d.fleet.targets
        if name not in known or choice.release not in known[name].held
    )
