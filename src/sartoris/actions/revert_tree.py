"""A revert where the servers are not a fleet of ours: the working repository goes back first.

Then the site's sync hook brings it to the servers, or the deployer does, after `git deploy sync`.
"""

from __future__ import annotations

from dataclasses import replace

from sartoris.actions.choice import Choice
from sartoris.actions.start import start_with
from sartoris.actions.steps import Delivered
from sartoris.actions.sync import sync
from sartoris.errors import GitFailed
from sartoris.hooks import Phase
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState
from sartoris.rollout.tags import free_tag
from sartoris.rollout.way import way_of
from sartoris.workspace import worktree


def revert_tree(d: Deployment, choice: Choice) -> Delivered | RolloutState:
    """Start a rollout of an earlier commit, and where the site has a sync hook, sync it.

    Raises what `start` and `sync` raise.
    """
    started = start_with(d, "revert", lambda d, state: _go_back(d, state, choice))
    _push(d, started.state.reverted_tag)
    return sync(d) if way_of(d) == "hook" else started.state


def _go_back(d: Deployment, state: RolloutState, choice: Choice) -> str:
    """Mark what is left as reverted, and check out what is reverted to."""
    state = _mark(d, state, choice)
    with d.events.step("reset", choice.tag):
        for line in worktree.go_to(d, state, choice.source):
            d.events.warn(line)
    for phase in (Phase.POST_TREE_UPDATE, Phase.POST_RESET):
        d.hooks.run_all(phase, d.hook_context(state))
    return choice.source


def _mark(d: Deployment, state: RolloutState, choice: Choice) -> RolloutState:
    """Tag what is left as reverted; the state by which a start that fails takes that back."""
    tag = free_tag(d.prefix, d.repository.has_tag, date_format=d.date_format, suffix="_reverted")
    state = replace(state, reverted_tag=tag)
    d.state_file.write(state)
    d.repository.create_tag(
        tag, state.start_commit, f"reverted {d.prefix} from {state.start_tag} to {choice.tag}"
    )
    d.run_hooks(Phase.POST_TAG, replace(state, rollout_tag=tag))
    return state


def _push(d: Deployment, tag: str) -> None:
    """Once the start cannot fail any more: at the remote there is nothing to take back then."""
    if d.options.uses_remote:
        try:
            d.repository.push_tags(d.options.remote_site, [tag])
        except GitFailed as error:
            d.events.warn(f"{tag} is not pushed: {error.message}")
