"""Symbolic links that lead out of a release.

A release that switches atomically stands in `.sartoris/releases/TAG`, not at the path where people
see it: what a relative link finds beside a checkout is not there.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.objects import read_objects
from sartoris.shell import command

_LINK = b"120000"
_SHOWN = 5


@dataclass(frozen=True)
class Link:
    """A symbolic link of a release: its path, and what it says."""

    path: str
    text: str

    @property
    def leads_out(self) -> bool:
        """Whether it is relative, and names what is not in the release; by its text alone."""
        if self.text.startswith("/"):
            return False
        named = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), self.text))
        return named == ".." or named.startswith("../")


class LinksLeadOut(Refused):
    """The release has links that would be broken on every target."""

    def __init__(self, links: Sequence[Link]) -> None:
        shown = ", ".join(f"{link.path} -> {link.text}" for link in links[:_SHOWN])
        more = f" and {len(links) - _SHOWN} more" if len(links) > _SHOWN else ""
        what = "a link leads" if len(links) == 1 else f"{len(links)} links lead"
        super().__init__(
            f"{what} out of the release, and would be broken live: {shown}{more}; with"
            " deploy.switch = atomic a release does not stand beside what it is seen beside."
            " Write an absolute link, or let it be broken",
            next_steps=[
                command("git", "config", "--add", "deploy.link-out", link.path)
                for link in links[:_SHOWN]
            ],
        )


def links(git: Git, commit: str) -> list[Link]:
    """The symbolic links in the tree of a commit. One git process, two where there are any."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit).stdout.split(b"\0")[:-1]
    found: list[tuple[str, str]] = []
    for record in listed:
        if record.startswith(_LINK):
            facts, _, path = record.partition(b"\t")
            found.append((os.fsdecode(path), facts.split(b" ")[2].decode()))
    if not found:
        return []
    texts = read_objects(git, [id_ for _, id_ in found])
    return [
        Link(path, os.fsdecode(text.content))
        for (path, _), text in zip(found, texts, strict=True)
        if text is not None
    ]


def require_links_inside(links: Sequence[Link], allowed: Sequence[str]) -> None:
    """Raise `LinksLeadOut` for links out of the release that no pattern of `allowed` names."""
    out = [
        link
        for link in links
        if link.leads_out and not any(_names(pattern, link.path) for pattern in allowed)
    ]
    if out:
        raise LinksLeadOut(out)


def _names(pattern: str, path: str) -> bool:
    return pattern == path or fnmatchcase(path, pattern) or path.startswith(f"{pattern}/")
