"""Begin, join and end a rollout: lock, state and journal together, in the order that survives a
crash at any point.
"""

from __future__ import annotations

from pathlib import Path

from sartoris.config.problems import command
from sartoris.errors import Refused
from sartoris.events import RolloutEnded, RolloutStarted
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.lock import Holder, NoRollout
from sartoris.rollout.state import Progress, RolloutState


class OtherPrefix(Refused):
    """The rollout under way is of another prefix than the one that was typed."""


class OtherWorkTree(Refused):
    """The rollout under way was started in another work tree of the repository."""


class Aborting(Refused):
    """The rollout is half way back: its abort was interrupted."""


class AlreadyStarted(Refused):
    """Your own rollout is under way."""


def begin(d: Deployment, action: str, why: str) -> RolloutState:
    """Take the lock and write the first state. Raises `LockHeld`, `JournalUnusable`."""
    journal = d.journal  # opened before the lock is taken: one that is broken locks nobody out
    holder = d.me._replace(action=action, why=why)
    state = RolloutState(
        session=holder.session,
        action=action,
        prefix=d.prefix,
        slot=d.slot,
        branch=d.repository.branch(),
        start_commit=d.repository.head(),
        remote=d.options.uses_remote,
        work_tree=str(d.repository.top),
    )
    d.lock.take(holder)  # after everything that can be wrong
    d.action = action
    journal.session = state.session
    d.state_file.write(state)
    return state


def announce(d: Deployment, state: RolloutState, why: str) -> None:
    """Tell everyone that the rollout has begun."""
    d.events.emit(
        RolloutStarted(
            session=state.session,
            action=state.action,
            prefix=state.prefix,
            slot=state.slot,
            start_tag=state.start_tag,
            start_commit=state.start_commit,
            by=d.me.who,
            host=d.host,
            why=why,
        )
    )


def join(d: Deployment, action: str) -> RolloutState:
    """The rollout under way, for the person who holds the lock, or takes it over with `--force`.

    A rollout whose state was not written yet (its `start` was killed) counts as starting.
    Raises `NoRollout`, `LockHeld`, `StateLost`, `OtherPrefix`, `OtherWorkTree`, `Aborting`.
    """
    _follow_prefix(d, action)
    _require_no_abort(d, action)
    known = d.state_file.read()
    _require_work_tree(d, known)
    # A damaged lock does not know which rollout it stands for; the state does.
    me = d.me._replace(action=action, session=known.session if known else d.me.session)
    holder = d.lock.require(me, force=d.options.force)
    d.action = action
    state = known or _state_of_nothing(d, holder)
    d.resume(state)
    if state.rebuilt:
        from sartoris.rollout.explanations import rebuilt

        d.events.warn(rebuilt(state))
    return state


def take_without_state(d: Deployment, action: str) -> RolloutState:
    """The rollout under way when its state is lost, to end it: little more than its session.

    Raises `NoRollout`, `LockHeld`.
    """
    holder = d.lock.require(d.me._replace(action=action), force=d.options.force)
    d.action = action
    state = _state_of_nothing(d, holder)
    d.resume(state)
    return state


def _require_work_tree(d: Deployment, state: RolloutState | None) -> None:
    """A repository's work trees have one rollout at a time, which is of the one it was started in.

    Where that one is gone, another one has to do.
    """
    started_in = state.work_tree if state else ""
    if started_in in ("", str(d.repository.top)) or not Path(started_in).is_dir():
        return
    raise OtherWorkTree(
        f"the rollout under way was started in another work tree, {started_in}",
        next_steps=[command("cd", started_in), "git deploy status"],
    )


def _follow_prefix(d: Deployment, action: str) -> None:
    """A command without a prefix is about the rollout under way, whatever is configured."""
    state = d.state_file.read()
    if state is None or d.lock.holder() is None:
        return
    if d.options.prefix is None:
        d.prefix = state.prefix
    require_prefix(state, d.options.prefix or state.prefix, action)


def require_prefix(state: RolloutState, prefix: str, action: str) -> None:
    """Raises `OtherPrefix` if the rollout is not of `prefix`."""
    if state.prefix != prefix:
        raise OtherPrefix(
            f"the rollout under way is of {state.prefix}, not of {prefix}",
            next_steps=[f"git deploy {action} {state.prefix}", "git deploy status"],
        )


def _require_no_abort(d: Deployment, action: str) -> None:
    """An abort that was cut short can be ended, by itself or by a revert, but not turned round."""
    state = d.state_file.read()
    if state is not None and state.aborting and action not in ("abort", "revert"):
        raise Aborting(
            f"the rollout is being aborted, and that was cut short: there is nothing to {action}",
            next_steps=["git deploy abort"],
        )


def unfinished_start(d: Deployment) -> RolloutState | None:
    """My own rollout whose `start` was interrupted, to be cleared away before another one.

    None when the lock is free or somebody else's. Raises `AlreadyStarted` for one that did start.
    """
    holder = d.lock.holder()
    if holder is None or not holder.is_same_person_as(d.me) or not holder.is_of(d.me.repository):
        return None
    state = d.state_file.read() or _state_of_nothing(d, holder)
    _require_work_tree(d, state)
    _require_no_abort(d, "start")
    if state.progress >= Progress.STARTED:
        from sartoris.rollout.explanations import meaning

        stands, steps = meaning(state, None)
        raise AlreadyStarted(
            f"your rollout is under way already ({stands}): {holder.describe()}",
            next_steps=["git deploy status", *steps],
        )
    d.resume(state)
    return state


def end(d: Deployment, state: RolloutState, result: str, message: str = "") -> None:
    """Write the result, forget the state, free the lock: in this order, each repeatable."""
    d.events.emit(RolloutEnded(session=state.session, result=result, message=message))
    d.state_file.remove()
    d.lock.release(d.me._replace(session=state.session))


def require_tagged(state: RolloutState, action: str) -> None:
    """Raises `NoRollout` or `Refused` if the rollout has no tag yet."""
    if state.progress < Progress.STARTED:
        raise NoRollout(action)
    if state.progress < Progress.TAGGED:
        raise Refused(
            f"the rollout has not been synced yet, so there is nothing to {action}",
            next_steps=["git deploy sync", "git deploy abort"],
        )


def _state_of_nothing(d: Deployment, holder: Holder) -> RolloutState:
    return RolloutState(
        session=holder.session,
        action=holder.action,
        prefix=d.prefix,
        slot=d.slot,
        branch=d.repository.branch(),
        start_commit=d.repository.head(),
    )
