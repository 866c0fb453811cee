"""Bring the working repository to a commit, submodules too, without losing anybody's work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sartoris.errors import GitFailed, Refused
from sartoris.git import gitmodules
from sartoris.git.hidden import Hidden, hidden_files, how_to_show
from sartoris.git.keeping import CHANGES, COMMITS, differing
from sartoris.git.repository import Repository
from sartoris.shell import command
from sartoris.workspace import submodules
from sartoris.workspace.checkout_log import CheckoutLog


class RemoteFailed(Refused):
    """The remote could not be fetched from."""


class Diverged(Refused):
    """The branch and its remote have both moved."""


class Unmerged(Refused):
    """The working repository is in the middle of a merge, so its changes cannot be kept."""


class UnreadableModules(Refused):
    """The commit has a `.gitmodules` that git cannot read, so nothing would work with it here."""


class HiddenChanges(Refused):
    """Files that git was told not to look at were changed here, and are in the way."""


@dataclass(frozen=True)
class Workspace:
    """The work tree, and how it is moved. `remote` is the name of the remote, `remote_branch` tells
    the branch there of a local one. What is in the way of a move goes to the directory `aside`.
    `tell` says at once what was kept: whoever is stopped afterwards has said it.
    Releases may do without submodules.
    """

    repository: Repository
    checkouts: CheckoutLog
    aside: Path
    remote: str
    remote_branch: Callable[[str], str]
    tell: Callable[[str], None]
    needs_submodules: bool = True

    def pull(self, branch: str) -> tuple[str, list[str]]:
        """Fast-forward to the remote's branch; the commit that is checked out then, and lines that
        a person should read.

        Submodules follow. Raises `Diverged` when that would take a merge, `RemoteFailed` when the
        remote does not answer, `UnreadableModules`, `HiddenChanges`; then nothing has moved.
        """
        commit = self.newest(branch)
        return commit, self._advance(commit)

    def newest(self, branch: str) -> str:
        """The commit that `pull` would check out, fetched. Raises what `pull` does."""
        commit = self._newest(branch)
        self._require_readable_modules(commit)
        return commit

    def _require_readable_modules(self, commit: str) -> None:
        said = gitmodules.complaint(self.repository.git, self.repository.git_dir, commit)
        if said:
            raise UnreadableModules(
                f"git cannot read the .gitmodules of {commit[:12]}, so it is not checked"
                f" out:\n{said}",
                next_steps=[
                    f"git show {commit[:12]}:.gitmodules",
                    "git deploy start   # again, once a commit that fixes it is pushed",
                ],
            )

    def _newest(self, branch: str) -> str:
        """The remote's commit, or ours where that is ahead."""
        site, remote_branch = self.remote, self.remote_branch(branch)
        there = self._fetch(site, remote_branch)
        here = self.repository.head()
        if self.repository.contains(here, there):
            return here
        if not self.repository.contains(there, here):
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

    def _fetch(self, site: str, branch: str) -> str:
        try:
            return self.repository.fetch(site, branch)
        except GitFailed as error:
            raise RemoteFailed(
                f"the newest commit of `{branch}` could not be fetched from `{site}`:"
                f" {error.message}",
                next_steps=[
                    *error.next_steps,
                    f"git push -u {site} {branch}   # if the branch is new",
                    "git deploy start   # again",
                    "git deploy --no-remote start   # an emergency: deploys what is here",
                ],
            ) from error

    def _advance(self, commit: str) -> list[str]:
        """Check out a later commit, and with it the submodules that it records."""
        here = self.repository.head()
        if commit == here and not submodules.out_of_date(self.repository):
            return []
        with self.checkouts.to(commit):
            notes = submodules.leave(self.repository, [here], commit)
            if commit != here:
                self._fast_forward(commit)
            needed = self.needs_submodules
            notes += submodules.follow(self.repository, here, commit, fetch=True, needed=needed)
        return list(dict.fromkeys(notes))

    def _fast_forward(self, commit: str) -> None:
        try:
            self.repository.fast_forward(commit)
        except GitFailed as error:
            # git's own advice is to stash them, which sees nothing of them.
            repository = self.repository
            hidden = hidden_files(repository.git, repository.top)
            hidden &= differing(repository.git, commit)
            if not hidden.paths:
                raise
            raise HiddenChanges(
                f"{error.message}\ngit was told not to look at {_listed(hidden)}",
                next_steps=[*how_to_show(hidden), "git stash", "git deploy start   # again"],
            ) from error

    def go_to(self, branch: str, commit: str) -> list[str]:
        """Reset the rollout's branch to `commit`; what a person should know of it, line by line.

        Commits and uncommitted changes that this leaves behind are kept, and told; another branch
        that is checked out now stays as it is. Raises `Unmerged`, and then nothing has changed.
        """
        self.require_no_merge()
        here, interrupted = self.repository.head(), self.checkouts.interrupted
        for ref in self.checkouts.kept:
            self.tell(_how_to_have(ref))
        self._mend_index()
        self._keep_changes(commit, interrupted)
        notes = self._set_repositories_aside(commit)
        notes += self._return_to_branch(branch, commit)
        self._keep_commits(commit)
        with self.checkouts.to(commit):
            notes += submodules.make_way(self.repository, here, interrupted, commit)
            self.repository.reset(commit)
            notes += submodules.go_back(self.repository, here, interrupted, commit)
        return list(dict.fromkeys(notes))

    def step_back(self, commit: str) -> None:
        """Leave a merge, finished or not, for `commit`; uncommitted changes stay."""
        with self.checkouts.to(commit):
            here = self.repository.head()
            self.repository.abort_merge()
            if here != commit:
                self.repository.step_back(commit)
                needed = self.needs_submodules
                submodules.follow(self.repository, here, commit, fetch=False, needed=needed)

    def merge_upstream(self, branch: str) -> None:
        """Merge a branch of the remote into ours, as `git pull --no-rebase` does.

        Raises `GitFailed` on a conflict, which is left there, and when the remote does not answer.
        """
        with self.checkouts.to(self.repository.fetch(self.remote, branch)):
            self.repository.merge("FETCH_HEAD")  # by this name git's message says what was merged

    def _mend_index(self) -> None:
        damaged = self.repository.mend_index()
        if damaged:
            self.tell(
                "git could not read its index, which is made again: of what was staged, only what"
                f" is in the work tree is kept; the damaged one is {damaged}"
            )

    def _keep_changes(self, commit: str, interrupted: list[str]) -> None:
        """Keep what is not committed, and with it what a git that was killed has left."""
        before = [commit, *filter(self.repository.commit_of, interrupted)]
        kept = self.repository.save_changes(CHANGES, before=before)
        if kept.ref:
            self._remember(kept.ref)
        if kept.shown.paths:
            self.tell(f"git was told not to look at {_listed(kept.shown)}; now it does again")

    def _remember(self, ref: str) -> None:
        self.checkouts.keep(ref)
        self.tell(_how_to_have(ref))

    def _set_repositories_aside(self, commit: str) -> list[str]:
        """Make room for files of `commit` where somebody has put a whole repository."""
        notes = []
        for path in self.repository.repositories_in_the_way(commit):
            aside = self.aside / f"{time.time_ns()}-{Path(path).name}"
            aside.parent.mkdir(parents=True, exist_ok=True)
            (self.repository.top / path).rename(aside)
            notes.append(f"{path}, a repository of its own, was in the way: it is {aside} now")
        return notes

    def require_no_merge(self) -> None:
        """Raises `Unmerged`."""
        unmerged = self._unmerged()
        if unmerged is not None:
            raise unmerged

    def _unmerged(self) -> Unmerged | None:
        paths = self.repository.unmerged()
        if not paths:
            return None
        leave = f"{self.repository.how_to_leave_a_merge()}   # leaves it; or resolve it and commit"
        return Unmerged(
            f"the working repository is in the middle of a merge: {', '.join(paths[:8])}",
            next_steps=[
                leave,
                "the same command again",
            ],
        )

    def _return_to_branch(self, branch: str, commit: str) -> list[str]:
        here = self.repository.branch()
        if not branch or here == branch:
            return []
        if not here:
            self._keep_commits(commit)
        self.repository.stand_on(branch)
        return [f"back on `{branch}`" + (f"; `{here}` stays as it is" if here else "")]

    def _is_upstream(self, commit: str) -> bool:
        """Whether the remote has the commit, as far as is known here: then nothing is lost."""
        branch = self.remote_branch(self.repository.branch())
        there = self.repository.tracking_commit(self.remote, branch) if branch else None
        return there is not None and self.repository.contains(there, commit)

    def _keep_commits(self, commit: str) -> None:
        head = self.repository.head()
        if not head or self.repository.contains(commit, head) or self._is_upstream(head):
            return
        where = "the branch" if self.repository.branch() else "the detached head"
        self.tell(f"{where} was at {head}")
        self._remember(self.repository.keep_commit(COMMITS, head))


def _how_to_have(ref: str) -> str:
    """The line that names what is kept, with the command that brings it back."""
    if ref.startswith(f"{COMMITS}/"):
        return f"your commits are kept: {command('git', 'merge', ref)} brings them back"
    return f"your uncommitted changes are kept: {command('git', 'stash', 'apply', ref)}"


def _listed(files: Hidden) -> str:
    paths = sorted(files.paths)
    more = f" and {len(paths) - 8} more" if len(paths) > 8 else ""
    return f"{', '.join(paths[:8])}{more} (assume-unchanged or skip-worktree)"
