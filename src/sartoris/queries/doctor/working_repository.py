"""The working repository and where it fetches from."""

from __future__ import annotations

from collections.abc import Iterator

from sartoris.checkup import Finding, ok, refused, warning, wrong
from sartoris.config.problems import command
from sartoris.errors import Refused
from sartoris.git.ls_remote import refs_at
from sartoris.rollout import checks
from sartoris.rollout.deployment import Deployment


def branch(d: Deployment) -> Iterator[Finding]:
    try:
        head = checks.has_commits(d)
    except checks.NoCommits as error:
        yield warning("branch", error.message, *error.next_steps)
        return
    yield ok("branch", f"{checks.on_a_branch(d)} at {head[:12]}")


def files(d: Deployment) -> Iterator[Finding]:
    try:
        checks.tree_is_clean(d)
    except checks.DirtyTree as error:
        if d.lock.holder() is None:
            yield refused("files", error)
        else:
            yield ok("files", "changed, while a rollout is under way")
    else:
        yield ok("files", "clean")


def remote(d: Deployment) -> Iterator[Finding]:
    """Whether it answers, and has the branch."""
    if not d.options.uses_remote:
        yield ok("remote", "not looked at (--no-remote)")
        return
    checks.remote_exists(d)
    site, branch = d.options.remote_site, d.remote_branch(d.repository.branch())
    try:
        refs = refs_at(d.repository.git, site, f"refs/heads/{branch}" if branch else "HEAD")
    except Refused as error:
        emergency = "git deploy --no-remote start   # an emergency: deploys what is here"
        yield wrong("remote", error.message, command("git", "ls-remote", site), emergency)
        return
    if branch and not refs:
        step = command("git", "push", "-u", site, branch)
        yield warning("remote", f"{site} answers, and has no branch {branch}", step)
    else:
        yield ok("remote", f"{site} answers")
