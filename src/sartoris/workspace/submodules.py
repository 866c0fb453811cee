"""The submodules of the working repository follow it to a commit; nobody's work in them is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sartoris.config.problems import command
from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.git.broken_clones import forget_half_cloned
from sartoris.git.repository import CHANGES, Repository
from sartoris.git.submodules import Submodules
from sartoris.rollout.deployment import Deployment


class SubmodulesNotUpdated(Refused):
    """git could not check out the recorded commits of the submodules."""


def out_of_date(d: Deployment) -> bool:
    """Whether some submodule is not at the commit that HEAD records."""
    return bool(_submodules(d).out_of_date())


def leave(d: Deployment, old: Sequence[str], new: str, *, keep: bool = False) -> list[str]:
    """Before a move to `new`: remove submodules that it has not; what a person should know of it.

    git leaves the files of a submodule of the commits `old` where they are: neither git nor we want
    to see them in the work tree of `new`, where they are untracked. What is not committed in one
    stays there with it, or goes, and is kept under a ref in its repository, if `keep`.
    """
    told: list[str] = []
    for path in _gone(d, old, new):
        told += _remove(d, path, _keep_changes(d, path, old) if keep else "")
    return told


def follow(d: Deployment, left: str, new: str, *, fetch: bool) -> list[str]:
    """After a move from `left` to `new`, which is HEAD now: check out what it records.

    Work inside stays. What a person should know of it. Raises `SubmodulesNotUpdated`.
    """
    submodules = _submodules(d)
    if submodules.out_of_date():
        try:
            submodules.update(fetch=fetch)
        except GitFailed as error:
            raise _not_updated(error) from error
    # Those inside others can be known only now that these have the commit that does without.
    return leave(d, [left], new)


def make_way(d: Deployment, left: str, cut_short: Sequence[str], new: str) -> list[str]:
    """Before a reset to `new`: as `leave`; what a person should know of it, failures too.

    `cut_short` are commits to which moves did not end.
    """
    told: list[str] = []
    with _failures_to(told):
        if cut_short:
            forget_half_cloned(d.repository.git, [new, *cut_short])
        told += leave(d, [left, *cut_short], new, keep=True)
    return told


def go_back(d: Deployment, left: str, cut_short: Sequence[str], new: str) -> list[str]:
    """After a reset to `new`: check out what HEAD records; what a person should know, failures too.

    Where moves to the commits `cut_short` did not end, nobody can tell what such a move has left in
    a submodule from a person's work: what differs is kept under a ref in the submodule.
    """
    told: list[str] = []
    with _failures_to(told):
        submodules = _submodules(d)
        changed = submodules.changed() if cut_short else []
        for path in changed:
            if ref := _keep_changes(d, path, cut_short):
                keeping = command("git", "-C", path, "stash", "apply", ref)
                told.append(f"what was changed in {path} is kept: {keeping}")
        if changed or submodules.out_of_date():
            submodules.update(fetch=False, force=bool(changed))
        told += leave(d, [left, *cut_short], new, keep=True)
    return told


def _not_updated(error: GitFailed) -> SubmodulesNotUpdated:
    return SubmodulesNotUpdated(
        f"the submodules could not be brought to the recorded commits: {error.message}",
        next_steps=[
            *error.next_steps,
            "git -C PATH push   # in the submodule, by whoever has the commit, if it is not there",
            "git submodule sync --recursive   # if .gitmodules says another URL now",
            "git submodule deinit PATH   # if another submodule has its path now",
            "git deploy start   # again",
        ],
    )


@contextmanager
def _failures_to(told: list[str]) -> Iterator[None]:
    """Going back goes on when submodules do not; a person is told how to bring them along."""
    try:
        yield
    except SartorisError as error:
        told.append(
            f"the submodules could not be brought to the recorded commits: {error.message}\n"
            "try: git submodule update --init --recursive"
        )


def _gone(d: Deployment, old: Sequence[str], new: str) -> list[str]:
    found = [path for commit in old if commit != new for path in _submodules(d).gone(commit, new)]
    return list(dict.fromkeys(found))


def _keep_changes(d: Deployment, path: str, commits: Sequence[str]) -> str:
    """Keep what is not committed in a submodule under a ref there, and reset it; the ref, or "".

    Of untracked files, those in the places of files that it has in one of the commits.
    """
    submodule = Repository.at(d.repository.top / path)
    recorded = [_submodules(d).recorded(commit, path) for commit in commits]
    ref = submodule.save_changes(CHANGES, before=["HEAD", *filter(None, recorded)])
    if ref:
        submodule.reset("HEAD")
    return ref


def _remove(d: Deployment, path: str, kept: str = "") -> list[str]:
    """Remove a submodule that is none any more, unless there is anything in it to lose."""
    submodule = Repository.at(d.repository.top / path)
    keeping = command("git", f"--git-dir={submodule.git_dir}", "show", kept)
    told = [f"what was changed in {path} is kept: {keeping}"] if kept else []
    if submodule.changes(ignored_submodules=True):
        told.append(f"{path}, no submodule any more, stays: something in it is not committed")
    elif not _submodules(d).remove(path):
        told.append(f"{path}, no submodule any more, stays: its repository is not git's own")
    return told


def _submodules(d: Deployment) -> Submodules:
    return Submodules(d.repository.git)
