"""After a revert the fleet is where it should be; the working repository and the remote follow."""

from __future__ import annotations

from sartoris.errors import NotFinished, SartorisError
from sartoris.events import Reverted
from sartoris.hooks import Phase
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState
from sartoris.workspace import worktree


def follow(d: Deployment, state: RolloutState) -> None:
    """Reset to what is live, run the hooks, push the tags; nothing here can undo the revert."""
    with d.events.step("reset", state.release):
        _reset(d, state)
    if state.before is not None:
        d.events.emit(Reverted(release=state.before.release, rollout=state.rollout_tag))
    for phase in (Phase.POST_TREE_UPDATE, Phase.POST_RESET):
        d.hooks.run_all(phase, d.hook_context(state))
    if d.options.uses_remote:
        _push_tags(d, state)


def _reset(d: Deployment, state: RolloutState) -> None:
    try:
        for line in worktree.go_to(d, state, state.source):
            d.events.warn(line)
    except SartorisError as error:
        raise NotFinished(
            f"{state.release} is live on the fleet, but the working repository is not reset to it:"
            f" {error.message}",
            next_steps=[*error.next_steps, "git deploy resync"],
        ) from error


def _push_tags(d: Deployment, state: RolloutState) -> None:
    tags = [state.rollout_tag, f"{state.rollout_tag}_reverted"]
    try:
        with d.events.step("push tags"):
            d.repository.push_tags(d.options.remote_site, tags)
    except SartorisError as error:
        d.events.warn(f"the tags of this revert are not pushed: {error.message}")
