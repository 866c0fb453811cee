"""`git deploy push-hotfix`: the hotfix goes upstream, and what is checked out stays the hotfix.

In the middle of a rollout the branch is merged with the remote's and pushed, so that the fix is not
lost; then the working repository returns to the hotfix commit, which is what will ship.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sartoris.actions import announcing
from sartoris.errors import GitFailed, Refused
from sartoris.hooks import Phase
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.session import Session, join
from sartoris.shell import command as shell_command


@dataclass(frozen=True)
class Pushed:
    """`commit` is the hotfix, checked out again; `merged` what was pushed."""

    commit: str
    merged: str


class NotMerged(Refused):
    """The hotfix and the remote's commits do not merge by themselves, or were not taken."""


def push_hotfix(command: Command) -> Pushed:
    """Merge with the remote, push, return. When it fails nothing has changed here.

    Raises `NoRollout`, `NotNow`, `NotMerged`, what the checks raise.
    """
    with command.exclusively():
        session = join(command)
        _check(session)
        commit = command.site.repository.head()
        session.write(replace(session.state, returning=commit))
        try:
            merged = _merge_and_push(session)
        except GitFailed as error:
            raise _not_merged(session, error, commit) from error
        finally:
            _return(session, commit)
        announcing.pushed(session, commit, merged)
        return Pushed(commit, merged)


def _check(session: Session) -> None:
    site = session.site
    if not site.options.uses_remote:
        raise Refused("a push needs the remote, and --no-remote was given")
    if session.state.returning:
        return_after_a_kill(session)
    checks.require_branch(site)
    checks.require_clean_tree(site)
    checks.require_remote(site, "push-hotfix")


def return_after_a_kill(session: Session) -> None:
    """Have the hotfix checked out again."""
    state = session.state
    session.effects.abort_merge()
    for line in session.effects.go_to(state.branch, state.returning):
        session.events.warn(line)
    session.write(replace(state, returning=""))


def _merge_and_push(session: Session) -> str:
    """Merge the remote's branch into ours, and push the result."""
    site = session.site
    remote, branch = site.options.remote_site, site.remote_branch(session.state.branch)
    with session.events.step("merge", f"{remote} {branch}"):
        session.effects.merge_upstream(branch)
    with session.events.step("push", f"{remote} {branch}"):
        session.effects.push_head(remote, branch)
    return site.repository.head()


def _not_merged(session: Session, error: GitFailed, commit: str) -> NotMerged:
    site = session.site
    remote, branch = site.options.remote_site, site.remote_branch(site.repository.branch())
    paths = site.repository.unmerged()
    conflict = f"\nHotfix and `{remote}/{branch}` conflict in {', '.join(paths)}" if paths else ""
    return NotMerged(
        f"the hotfix is not pushed: {error.message}{conflict}",
        next_steps=[
            *error.next_steps,
            *_by_hand(session, commit, f"{remote} {branch}", f"{remote} HEAD:{branch}"),
            "git deploy sync",
        ],
    )


def _by_hand(session: Session, commit: str, pulled: str, pushed: str) -> list[str]:
    """The merge on a branch of its own, so that the way back to the hotfix throws nothing away."""
    repository, merging = session.site.repository, f"merge-of-{commit[:12]}"
    is_there = repository.commit_of(f"refs/heads/{merging}") is not None
    on_it = shell_command("git", "checkout", *([] if is_there else ["-b"]), merging)
    return [
        f"{on_it}   # {'where you began to merge' if is_there else 'to merge there'}",
        f"git pull --no-rebase {pulled}   # settle what conflicts, and commit it",
        f"git push {pushed}",
        f"{shell_command('git', 'checkout', repository.branch())}   # returns to the hotfix",
    ]


def _return(session: Session, commit: str) -> None:
    session.effects.step_back(commit)
    session.write(replace(session.state, returning=""))
    session.run_all_hooks(Phase.POST_TREE_UPDATE, Phase.POST_RESET)
