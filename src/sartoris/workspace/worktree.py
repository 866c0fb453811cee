"""Bring the working repository to a commit, submodules too, without losing anybody's work."""

from __future__ import annotations

import time
from pathlib import Path

from sartoris.errors import GitFailed, Refused
from sartoris.git.repository import CHANGES
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState
from sartoris.workspace import submodules


class RemoteFailed(Refused):
    """The remote could not be fetched from."""


class Diverged(Refused):
    """The branch and its remote have both moved."""


class Unmerged(Refused):
    """The working repository is in the middle of a merge, so its changes cannot be kept."""


def pull(d: Deployment, branch: str) -> str:
    """Fast-forward to the remote's branch; the commit that is checked out then.

    Submodules follow. Raises `Diverged` when that would take a merge, `RemoteFailed` when the
    remote does not answer.
    """
    commit = _newest(d, branch)
    _advance(d, commit)
    return commit


def _newest(d: Deployment, branch: str) -> str:
    """The remote's commit, or ours where that is ahead."""
    site, remote_branch = d.options.remote_site, d.remote_branch(branch)
    there = _fetch(d, site, remote_branch)
    here = d.repository.head()
    if d.repository.contains(here, there):
        return here
    if not d.repository.contains(there, here):
        raise Diverged(
            f"`{branch}` and `{site}/{remote_branch}` have diverged: both have commits that the"
            " other does not have",
            next_steps=[
                f"git pull --rebase {site} {remote_branch}",
                f"git push {site} HEAD:{remote_branch}",
                "git deploy start",
            ],
        )
    return there


def _fetch(d: Deployment, site: str, branch: str) -> str:
    try:
        return d.repository.fetch(site, branch)
    except GitFailed as error:
        raise RemoteFailed(
            f"the newest commit of `{branch}` could not be fetched from `{site}`: {error.message}",
            next_steps=[
                *error.next_steps,
                f"git push -u {site} {branch}   # if the branch is new",
                "git deploy start   # again",
                "git deploy --no-remote start   # an emergency: deploys what is here",
            ],
        ) from error


def _advance(d: Deployment, commit: str) -> None:
    """Check out a later commit, and with it the submodules that it records."""
    here = d.repository.head()
    if commit == here and not submodules.out_of_date(d):
        return
    with d.moves.to(commit):
        told = submodules.leave(d, [here], commit)
        if commit != here:
            d.repository.fast_forward(commit)
        told += submodules.follow(d, here, commit, fetch=True)
    for line in dict.fromkeys(told):
        d.events.warn(line)


def go_to(d: Deployment, state: RolloutState, commit: str) -> list[str]:
    """Reset the rollout's branch to `commit`; what a person should know of it, line by line.

    Commits and uncommitted changes that this leaves behind are kept, and named; another branch that
    is checked out now stays as it is. Raises `Unmerged`, and then nothing has changed.
    """
    here, cut_short = d.repository.head(), d.moves.cut_short
    told = [*_keep_changes(d, commit, cut_short), *_set_repositories_aside(d, commit)]
    told += _return_to_branch(d, state.branch, commit)
    told += _keep_commits(d, commit)
    with d.moves.to(commit):
        told += submodules.make_way(d, here, cut_short, commit)
        d.repository.reset(commit)
        told += submodules.go_back(d, here, cut_short, commit)
    return list(dict.fromkeys(told))


def step_back(d: Deployment, commit: str) -> None:
    """Leave a merge, finished or not, for `commit`; uncommitted changes stay."""
    with d.moves.to(commit):
        here = d.repository.head()
        d.repository.abort_merge()
        if here != commit:
            d.repository.step_back(commit)
            submodules.follow(d, here, commit, fetch=False)


def _keep_changes(d: Deployment, commit: str, cut_short: list[str]) -> list[str]:
    """Keep what is not committed, and with it what a git that was killed has left."""
    before = [commit, *filter(d.repository.commit_of, cut_short)]
    try:
        ref = d.repository.save_changes(CHANGES, before=before)
    except GitFailed as error:
        raise _unmerged(d) or error from error
    return [f"your uncommitted changes are kept: git stash apply {ref}"] if ref else []


def _set_repositories_aside(d: Deployment, commit: str) -> list[str]:
    """Make room for files of `commit` where somebody has put a whole repository."""
    told = []
    for path in d.repository.repositories_in_the_way(commit):
        aside = d.directory / "aside" / f"{time.time_ns()}-{Path(path).name}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        (d.repository.top / path).rename(aside)
        told.append(f"{path}, a repository of its own, was in the way: it is {aside} now")
    return told


def require_no_merge(d: Deployment) -> None:
    """Raises `Unmerged`."""
    unmerged = _unmerged(d)
    if unmerged is not None:
        raise unmerged


def _unmerged(d: Deployment) -> Unmerged | None:
    paths = d.repository.unmerged()
    if not paths:
        return None
    return Unmerged(
        f"the working repository is in the middle of a merge: {', '.join(paths[:8])}",
        next_steps=[
            "git merge --abort   # or git rebase --abort, git cherry-pick --abort",
            "repeat the command",
        ],
    )


def _return_to_branch(d: Deployment, branch: str, commit: str) -> list[str]:
    here = d.repository.branch()
    if not branch or here == branch:
        return []
    told = [] if here else _keep_commits(d, commit)
    d.repository.stand_on(branch)
    return [*told, f"back on `{branch}`" + (f"; `{here}` stays as it is" if here else "")]


def _is_upstream(d: Deployment, commit: str) -> bool:
    """Whether the remote has the commit, as far as is known here: then nothing is lost."""
    branch = d.remote_branch(d.repository.branch())
    there = d.repository.tracking_commit(d.options.remote_site, branch) if branch else None
    return there is not None and d.repository.contains(there, commit)


def _keep_commits(d: Deployment, commit: str) -> list[str]:
    head = d.repository.head()
    if not head or d.repository.contains(commit, head) or _is_upstream(d, head):
        return []
    where = "the branch" if d.repository.branch() else "the detached head"
    return [f"{where} was at {head}: git reset --hard {head[:12]} brings it back"]
