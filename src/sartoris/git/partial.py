"""Partial clones: repositories that leave objects at their remote until somebody asks for them.

git gets them one by one when it comes upon one that is missing; a repository that only reads the
objects of a partial clone does not get them at all. So all that a release needs is brought before
it is composed, in a few requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sartoris.errors import GitFailed, Refused
from sartoris.formatting import plural
from sartoris.git.command import Git


class ObjectsMissing(Refused):
    """A partial clone lacks objects of the release, and its remote does not give them."""


def is_partial(git_dir: Path) -> bool:
    """Whether the repository has a remote that holds objects back, by its configuration file."""
    try:
        text = (git_dir / "config").read_text(errors="replace").lower()
    except OSError:
        return False
    return "promisor" in text or "partialclone" in text


def bring_missing(git: Git, commit: str) -> None:
    """Have every object of the commit's tree here. Raises `ObjectsMissing`.

    Where trees are missing, too, each request goes at least one level of directories deeper.
    """
    remotes = _promisors(git)
    missing = _missing(git, commit)
    while missing:
        if not remotes:
            raise _not_brought(missing, commit, "no remote is said to have them")
        for remote in remotes:
            _fetch(git, remote, missing, commit)
        before, missing = missing, _missing(git, commit)
        if missing == before:
            raise _not_brought(missing, commit, "the remote does not have them")


def _promisors(git: Git) -> list[str]:
    keys = r"^remote\..*\.(promisor|partialclonefilter)$"
    found = git.run("config", "--name-only", "-z", "--get-regexp", keys, check=False).records
    return list(dict.fromkeys(key[len("remote.") :].rpartition(".")[0] for key in found))


def _missing(git: Git, commit: str) -> list[str]:
    """The objects of a commit's tree that are not here; to ask does not get them."""
    options = ("--objects", "--no-object-names", "--missing=print")
    listed = git.lines("rev-list", *options, f"{commit}^{{tree}}")
    return [line.removeprefix("?") for line in listed if line.startswith("?")]


def _fetch(git: Git, remote: str, missing: Sequence[str], commit: str) -> None:
    # As git itself gets a missing object: by its name, and nothing that hangs on it.
    settings = ("-c", "fetch.negotiationAlgorithm=noop")
    options = (
        *("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--no-recurse-submodules", "--filter=blob:none", "--stdin"),
    )
    wanted = "".join(f"{name}\n" for name in missing).encode()
    try:
        git.reach(*settings, "fetch", *options, "--", remote, remote=remote, stdin=wanted)
    except GitFailed as error:
        raise _not_brought(missing, commit, error.message, *error.next_steps) from error


def _not_brought(missing: Sequence[str], commit: str, why: str, *steps: str) -> ObjectsMissing:
    return ObjectsMissing(
        f"the repository is a partial clone, and {plural(len(missing), 'object')} of {commit[:12]}"
        f" could not be fetched: {why}",
        next_steps=[
            *steps,
            "git fetch --refetch --no-filter   # makes it a whole clone",
            "git deploy sync   # again",
        ],
    )
