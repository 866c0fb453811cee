"""`git deploy push-hotfix`: the hotfix goes upstream, and what is checked out stays the hotfix.

In the middle of a rollout the branch is merged with the remote's and pushed, so that the fix is not
lost; then the working repository returns to the hotfix commit, which is what will ship.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sartoris.actions import announcing
from sartoris.errors import GitFailed, Refused
from sartoris.hooks import Phase
from sartoris.rollout import checks, session
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Progress, RolloutState
from sartoris.workspace import worktree


@dataclass(frozen=True)
class Pushed:
    """`commit` is the hotfix, checked out again; `merged` what was pushed."""

    commit: str
    merged: str


class NotMerged(Refused):
    """The hotfix and the remote's commits do not merge by themselves, or were not taken."""


def push_hotfix(d: Deployment) -> Pushed:
    """Merge with the remote, push, return. When it fails nothing has changed here.

    Raises `NoRollout`, `NotMerged`, what the checks raise.
    """
    with d.exclusively():
        state = _check(d)
        commit = d.repository.head()
        d.state_file.write(replace(state, returning=commit))
        try:
            merged = _merge_and_push(d, state)
        except GitFailed as error:
            raise _not_merged(d, error, commit) from error
        finally:
            _return(d, state, commit)
        announcing.pushed(d, state, commit, merged)
        return Pushed(commit, merged)


def require_returned(state: RolloutState) -> None:
    """Raises `Refused` while what is checked out may be the merge, which nobody has tested."""
    if state.returning:
        raise Refused(
            "push-hotfix was cut short, and what is checked out now may be its merge with"
            f" the remote's branch instead of the hotfix, {state.returning[:12]}",
            next_steps=["git deploy push-hotfix   # again", "git deploy abort"],
        )


def _check(d: Deployment) -> RolloutState:
    state = session.join(d, "push-hotfix")
    if state.progress is not Progress.STARTED:
        raise Refused(
            "a hotfix is pushed between its start and its sync",
            next_steps=["git deploy status"],
        )
    if not d.options.uses_remote:
        raise Refused("a push needs the remote, and --no-remote was said")
    if state.returning:
        state = return_after_a_kill(d, state)
    checks.on_a_branch(d)
    checks.tree_is_clean(d)
    checks.remote_exists(d)
    return state


def return_after_a_kill(d: Deployment, state: RolloutState) -> RolloutState:
    """Have the hotfix checked out again; the state then."""
    d.repository.abort_merge()
    for line in worktree.go_to(d, state, state.returning):
        d.events.warn(line)
    state = replace(state, returning="")
    d.state_file.write(state)
    return state


def _merge_and_push(d: Deployment, state: RolloutState) -> str:
    """Merge the remote's branch into ours, as `git pull --no-rebase` does, and push the result."""
    site = d.options.remote_site
    branch = d.remote_branch(state.branch)
    with (
        d.events.step("merge", f"{site} {branch}"),
        d.moves.to(d.repository.fetch(site, branch)),
    ):
        d.repository.merge("FETCH_HEAD")  # by this name git's message says what was merged
    with d.events.step("push", f"{site} {branch}"):
        d.repository.push_head(site, branch)
    return d.repository.head()


def _not_merged(d: Deployment, error: GitFailed, commit: str) -> NotMerged:
    site, branch = d.options.remote_site, d.remote_branch(d.repository.branch())
    paths = d.repository.unmerged()
    conflict = f"\nHotfix and `{site}/{branch}` conflict in {', '.join(paths)}" if paths else ""
    return NotMerged(
        f"the hotfix is not pushed: {error.message}{conflict}",
        next_steps=[
            *error.next_steps,
            f"git pull --no-rebase {site} {branch}   # and settle what conflicts",
            f"git push {site} HEAD:{branch}",
            f"git reset --hard {commit[:12]}   # returns to the hotfix",
            "git deploy sync",
        ],
    )


def _return(d: Deployment, state: RolloutState, commit: str) -> None:
    worktree.step_back(d, commit)
    d.state_file.write(state)
    for phase in (Phase.POST_TREE_UPDATE, Phase.POST_RESET):
        d.hooks.run_all(phase, d.hook_context(state))
