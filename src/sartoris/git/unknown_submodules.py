"""Gitlinks that `.gitmodules` does not know, as `git add` of a clone makes them.

Nobody can tell where such a submodule is from. git updates none of a repository because of one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.submodule_urls import names_by_path
from sartoris.shell import command


class UnknownSubmodules(Refused):
    """A commit has gitlinks that its `.gitmodules` does not know.

    `paths` are theirs in that commit's repository, which is the submodule `inside`; "" for the one
    that is released.
    """

    def __init__(self, paths: Sequence[str], inside: str = "") -> None:
        self.paths = tuple(f"{inside}/{path}" if inside else path for path in paths)
        where = f"the commit of the submodule {inside}" if inside else "the commit"
        at = ("-C", inside) if inside else ()
        then = f"; commit and push it there, and record {inside} anew" if inside else ""
        remove = command("git", *at, "rm", "--cached", "--", paths[0])
        add = command("git", *at, "submodule", "add", "URL", paths[0])
        super().__init__(
            f"{where} has submodules that its .gitmodules does not know, so nobody can tell where"
            f" they are from: {', '.join(self.paths[:8])}",
            next_steps=[
                f"{remove}   # if it got there by mistake{then}",
                f"{add}   # if it is one{then}",
                "git config deploy.submodules none   # if targets do without submodules",
            ],
        )


def require_known(git: Git, commit: str, paths: Sequence[str], inside: str) -> None:
    """Raise `UnknownSubmodules` for those of the paths that are not in the commit's .gitmodules."""
    known = names_by_path(git, commit)
    if unknown := [path for path in paths if path not in known]:
        raise UnknownSubmodules(unknown, inside)
