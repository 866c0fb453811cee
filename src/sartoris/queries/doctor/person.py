"""git, and who types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sartoris.checkup import Finding, ok, unknown, wrong
from sartoris.rollout.checks import umask_fits
from sartoris.rollout.deployment import Deployment

# The publish repository is kept small by `git repack --geometric`.
OLDEST_GIT = (2, 32)


def version(d: Deployment) -> Iterator[Finding]:
    said = d.repository.git.text("version")
    number = re.search(r"\d+\.\d+[\w.]*", said)
    if number is None:
        yield unknown("version", f"git does not tell its version: {said}")
        return
    major, minor = number[0].split(".")[:2]
    if (int(major), int(minor)) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        yield wrong("version", f"{number[0]}; {oldest} or newer is needed", "apt-get install git")
    else:
        yield ok("version", number[0])


def identity(d: Deployment) -> Iterator[Finding]:
    yield ok("identity", d.me.who)


def umask(d: Deployment) -> Iterator[Finding]:
    umask_fits(d)
    wanted = d.config.restrict_umask
    yield ok("umask", "any will do" if wanted is None else f"{wanted:04o}")
