"""Bring the working repository to a commit, submodules too, without losing anybody's work."""

from __future__ import annotations

from sartoris.config.problems import command
from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.git.repository import Repository
from sartoris.git.submodules import Submodules
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState


class RemoteFailed(Refused):
    """The remote could not be fetched from."""


class Diverged(Refused):
    """The branch and its remote have both moved."""


class Unmerged(Refused):
    """The working repository is in the middle of a merge, so its changes cannot be kept."""


def pull(d: Deployment, branch: str) -> str:
    """Fast-forward to the remote's branch; the commit that is checked out then.

    Raises `Diverged` when that would take a merge, `RemoteFailed` when the remote does not answer.
    """
    site, remote_branch = d.options.remote_site, d.options.remote_branch or branch
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
                "git push",
                "git deploy start",
            ],
        )
    d.repository.fast_forward(there)
    return there


def _fetch(d: Deployment, site: str, branch: str) -> str:
    try:
        return d.repository.fetch(site, branch)
    except GitFailed as error:
        raise RemoteFailed(
            f"the newest commit of `{branch}` could not be fetched from `{site}`: {error.message}",
            next_steps=[
                f"git push -u {site} {branch}   # if the branch is new",
                "git deploy start   # again",
                "git deploy --no-remote start   # an emergency: deploys what is here",
            ],
        ) from error


def update_submodules(d: Deployment, *, fetch: bool) -> None:
    """Check out submodules at the recorded commits, where they are not."""
    submodules = Submodules(d.repository.git)
    if submodules.out_of_date():
        submodules.update(fetch=fetch)


def go_to(d: Deployment, state: RolloutState, commit: str) -> list[str]:
    """Reset the rollout's branch to `commit`; what a person should know of it, line by line.

    Commits and uncommitted changes that this leaves behind are kept, and named; another branch that
    is checked out now stays as it is. Raises `Unmerged`, and then nothing has changed.
    """
    told = [*_keep_changes(d, commit), *_return_to_branch(d, state.branch, commit)]
    told += _keep_commits(d, commit)
    d.repository.reset(commit)
    try:
        _reset_submodules(d, told)
    except SartorisError as error:
        told.append(
            f"the submodules could not be brought to the recorded commits: {error.message}\n"
            "try: git submodule update --init --recursive"
        )
    return told


def _reset_submodules(d: Deployment, told: list[str]) -> None:
    """Submodules as recorded. Work inside one stays where it is, unless a checkout was killed:
    then nobody can tell the one from the other, and what differs is kept under a ref, and `told`.
    """
    submodules = Submodules(d.repository.git)
    changed = submodules.changed() if d.cut_short.exists() else []
    for path in changed:
        where = d.repository.top / path
        ref = Repository.at(where).save_changes("refs/sartoris/changes", before="HEAD")
        keeping = command("git", "-C", path, "stash", "apply", ref)
        told += [f"what was changed in {path} is kept: {keeping}"] if ref else []
    if changed or submodules.out_of_date():
        submodules.update(fetch=False, force=bool(changed))
    d.cut_short.unlink(missing_ok=True)


def _keep_changes(d: Deployment, commit: str) -> list[str]:
    try:
        ref = d.repository.save_changes("refs/sartoris/changes", before=commit)
    except GitFailed as error:
        raise _unmerged(d) or error from error
    return [f"your uncommitted changes are kept: git stash apply {ref}"] if ref else []


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
    branch = d.options.remote_branch or d.repository.branch()
    there = d.repository.tracking_commit(d.options.remote_site, branch) if branch else None
    return there is not None and d.repository.contains(there, commit)


def _keep_commits(d: Deployment, commit: str) -> list[str]:
    head = d.repository.head()
    if not head or d.repository.contains(commit, head) or _is_upstream(d, head):
        return []
    where = "the branch" if d.repository.branch() else "the detached head"
    return [f"{where} was at {head}: git reset --hard {head[:12]} brings it back"]
