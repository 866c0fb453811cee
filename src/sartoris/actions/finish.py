"""`git deploy finish`: the rollout is over, the next one may start."""

from __future__ import annotations

from sartoris.actions import announcing
from sartoris.errors import Refused
from sartoris.events import Reverted
from sartoris.hooks import Phase
from sartoris.rollout import session
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState


class NotComplete(Refused):
    """The rollout has not reached the fleet."""


def finish(d: Deployment) -> RolloutState:
    """Finish the rollout under way. Raises `NoRollout`, `LockHeld`, `NotComplete`."""
    with d.exclusively():
        state = session.join(d, "finish")
        session.require_tagged(state, "finish")
        _check_complete(d, state)
        _check_tag(d, state)
        _check_head(d, state)
        close(d, state)
        return state


def close(d: Deployment, state: RolloutState, *, loud: bool = True) -> None:
    """End the rollout, then run the hooks that follow a rollout; they can stop nothing any more.

    `loud`: the end is worth announcing, because it does not come with the sync's own announcement.
    """
    left = state.left_behind
    message = f"left behind: {', '.join(left)}" if left else ""
    d.action = "finish"
    if state.action == "revert" and state.way != "fleet":
        _mark_as_bad(d, state)
    session.end(d, state, "finished", message)
    announcing.finished(d, state, loud=loud)
    d.hooks.run_all(Phase.POST_FINISH, d.hook_context(state))


def _mark_as_bad(d: Deployment, state: RolloutState) -> None:
    """What was reverted from, now that it is certain that no abort brings it back."""
    left = d.journal.rollout_of_source(state.start_commit, state.prefix)
    if left is not None:
        d.events.emit(Reverted(release=left.release or left.tag, rollout=state.rollout_tag))


def _check_complete(d: Deployment, state: RolloutState) -> None:
    if state.may_be_finished or d.options.force:
        return
    raise NotComplete(
        f"the rollout of {state.rollout_tag} has not reached the fleet"
        f" (progress: {state.progress})",
        next_steps=["git deploy resync", "git deploy abort", "git deploy status"],
    )


def _check_tag(d: Deployment, state: RolloutState) -> None:
    """It was chosen, but a sync that was killed may not have made it."""
    if not d.repository.has_tag(state.rollout_tag) and not d.options.force:
        raise NotComplete(
            f"{state.rollout_tag} was not made before the sync was cut short",
            next_steps=["git deploy resync", "git deploy abort"],
        )


def _check_head(d: Deployment, state: RolloutState) -> None:
    if d.repository.head() != state.source and not d.options.force:
        raise Refused(
            f"HEAD is not the commit of {state.rollout_tag}, which was rolled out",
            next_steps=[f"git reset --hard {state.rollout_tag}", "git deploy finish"],
        )
