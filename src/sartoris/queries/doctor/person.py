"""git, and who types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sartoris.diagnostics import Finding, ok, unknown, wrong
from sartoris.git.repository import Repository
from sartoris.permissions import let
from sartoris.rollout.checks import require_umask
from sartoris.rollout.person import require_identity
from sartoris.rollout.site import Site

# The publish repository is kept small by `git repack --geometric`.
OLDEST_GIT = (2, 32)


def version(repository: Repository) -> Iterator[Finding]:
    said = repository.git.text("version")
    number = re.search(r"\d+\.\d+[\w.]*", said)
    if number is None:
        yield unknown("version", f"git does not tell its version: {said}")
        return
    major, minor = number[0].split(".")[:2]
    if (int(major), int(minor)) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        yield wrong(
            "version", f"{number[0]}; {oldest} or newer is needed", let(0, "apt-get install git")
        )
    else:
        yield ok("version", number[0])


def identity(repository: Repository) -> Iterator[Finding]:
    yield ok("identity", require_identity(repository))


def umask(site: Site) -> Iterator[Finding]:
    require_umask(site)
    wanted = site.config.restrict_umask
    yield ok("umask", "any will do" if wanted is None else f"{wanted:04o}")
