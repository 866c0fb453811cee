"""The submodules of the working repository follow it to a commit; nobody's work in them is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.git.broken_clones import forget_half_cloned
from sartoris.git.keeping import CHANGES
from sartoris.git.repository import Repository
from sartoris.git.submodule_urls import follow_urls
from sartoris.git.submodules import UPDATE_COMMAND, Submodules
from sartoris.git.unknown_submodules import UnknownSubmodules
from sartoris.shell import command


class SubmodulesNotUpdated(Refused):
    """git could not check out the recorded commits of the submodules."""


def out_of_date(repository: Repository) -> bool:
    """Whether some submodule is not at the commit that HEAD records."""
    return bool(_submodules(repository).out_of_date())


def leave(repository: Repository, old: Sequence[str], new: str, *, keep: bool = False) -> list[str]:
    """Before a move to `new`: remove submodules that it has not; what a person should know of it.

    git leaves the files of a submodule of the commits `old` where they are: neither git nor we want
    to see them in the work tree of `new`, where they are untracked. What is not committed in one
    stays there with it, or goes, and is kept under a ref in its repository, if `keep`.
    """
    notes: list[str] = []
    for path in _gone(repository, old, new):
        notes += _remove(repository, path, _keep_changes(repository, path, old) if keep else "")
    return notes


def follow(
    repository: Repository, left: str, new: str, *, fetch: bool, needed: bool = True
) -> list[str]:
    """After a move from `left` to `new`, which is HEAD now: check out what it records.

    Work inside stays. What a person should know of it. Raises `SubmodulesNotUpdated` and
    `UnknownSubmodules`, if releases need the submodules.
    """
    notes: list[str] = []
    submodules = _submodules(repository)
    follow_urls(repository.git, left, new)
    if submodules.out_of_date():
        with nullcontext() if needed else _failures_to(notes):
            _update(repository, left, new, fetch=fetch)
        if needed:
            _require_known(submodules)
    follow_urls(repository.git, left, new)
    # Those inside others can be known only now that these have the commit that does without.
    return [*notes, *leave(repository, [left], new)]


def _update(repository: Repository, left: str, new: str, *, fetch: bool) -> None:
    while True:
        try:
            _submodules(repository).update(fetch=fetch)
            return
        except GitFailed as error:
            # Of those inside others it is known only now that they have the commit that moved them.
            if not follow_urls(repository.git, left, new):
                _require_known_inside(_submodules(repository))
                raise _not_updated(_submodules(repository), error) from error


def _require_known(submodules: Submodules, inside: str = "") -> None:
    if unknown := submodules.unknown_and_empty():
        raise UnknownSubmodules(unknown, inside)


def _require_known_inside(submodules: Submodules, inside: str = "") -> None:
    """The same of what is in submodules, at any depth, as far as they are there."""
    for path, its_own in submodules.parts():
        _require_known(its_own, f"{inside}{path}")
        _require_known_inside(its_own, f"{inside}{path}/")


def make_way(repository: Repository, left: str, interrupted: Sequence[str], new: str) -> list[str]:
    """Before a reset to `new`: as `leave`; what a person should know of it, failures too.

    `interrupted` are commits to which moves did not end.
    """
    notes: list[str] = []
    with _failures_to(notes):
        if interrupted:
            forget_half_cloned(repository.git, [new, *interrupted])
        notes += leave(repository, [left, *interrupted], new, keep=True)
    return notes


def go_back(repository: Repository, left: str, interrupted: Sequence[str], new: str) -> list[str]:
    """After a reset to `new`: check out what HEAD records; what a person should know, failures too.

    Where moves to the commits `interrupted` did not end, nobody can tell what such a move has left
    in a submodule from a person's work: what differs is kept under a ref in the submodule.
    """
    notes: list[str] = []
    with _failures_to(notes):
        follow_urls(repository.git, left, new)
        submodules = _submodules(repository)
        changed = submodules.changed() if interrupted else []
        for path in changed:
            if ref := _keep_changes(repository, path, interrupted):
                keeping = command("git", "-C", path, "stash", "apply", ref)
                notes.append(f"what was changed in {path} is kept: {keeping}")
        if changed or submodules.out_of_date():
            submodules.update(fetch=False, force=bool(changed))
        notes += leave(repository, [left, *interrupted], new, keep=True)
    return notes


def _not_updated(submodules: Submodules, error: GitFailed) -> SubmodulesNotUpdated:
    local = submodules.not_allowed()
    why = (
        f"\ngit clones no submodule from this machine ({local}) unless protocol.file.allow says so"
        if local
        else ""
    )
    allow = "git config --global protocol.file.allow always   # if you trust what is there"
    own = "git config --get-regexp '^submodule[.].*[.]url$'   # where they are fetched from here"
    return SubmodulesNotUpdated(
        f"the submodules could not be brought to the recorded commits: {error.message}{why}",
        next_steps=[
            *error.next_steps,
            *([allow] if local else []),
            own,
            "git -C PATH push   # in the submodule, by whoever has the commit, if it is not there",
            "git deploy start   # again",
        ],
    )


@contextmanager
def _failures_to(notes: list[str]) -> Iterator[None]:
    """Going back goes on when submodules do not; a person is notes how to bring them along."""
    try:
        yield
    except SartorisError as error:
        notes.append(
            f"the submodules could not be brought to the recorded commits: {error.message}\n"
            f"try: {UPDATE_COMMAND}"
        )


def _gone(repository: Repository, old: Sequence[str], new: str) -> list[str]:
    found = [
        path
        for commit in old
        if commit != new
        for path in _submodules(repository).gone(commit, new)
    ]
    return list(dict.fromkeys(found))


def _keep_changes(repository: Repository, path: str, commits: Sequence[str]) -> str:
    """Keep what is not committed in a submodule under a ref there, and reset it; the ref, or "".

    Of untracked files, those in the places of files that it has in one of the commits.
    """
    submodule = Repository.at(repository.top / path)
    recorded = [_submodules(repository).recorded(commit, path) for commit in commits]
    submodule.mend_index()
    ref = submodule.save_changes(CHANGES, before=["HEAD", *filter(None, recorded)]).ref
    if ref:
        submodule.reset("HEAD")
    return ref


def _remove(repository: Repository, path: str, kept: str = "") -> list[str]:
    """Remove a submodule that is none any more, unless there is anything in it to lose."""
    submodule = Repository.at(repository.top / path)
    keeping = command("git", f"--git-dir={submodule.git_dir}", "show", kept)
    notes = [f"what was changed in {path} is kept: {keeping}"] if kept else []
    if submodule.changes(ignored_submodules=True):
        notes.append(f"{path}, no submodule any more, stays: something in it is not committed")
    elif not _submodules(repository).remove(path):
        notes.append(f"{path}, no submodule any more, stays: its repository is not git's own")
    return notes


def _submodules(repository: Repository) -> Submodules:
    return Submodules(repository.git)
