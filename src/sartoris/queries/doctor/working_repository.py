"""The working repository and where it fetches from."""

from __future__ import annotations

from collections.abc import Iterator

from sartoris.diagnostics import Finding, ok, refused, warning, wrong
from sartoris.errors import Refused
from sartoris.formatting import plural
from sartoris.git.keeping import CHANGES, COMMITS
from sartoris.git.ls_remote import refs_at
from sartoris.rollout import checks
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.shell import command

_SHOWN = 5


def branch(site: Site) -> Iterator[Finding]:
    try:
        head = checks.require_commits(site)
    except checks.NoCommits as error:
        yield warning("branch", error.message, *error.next_steps)
        return
    yield ok("branch", f"{checks.require_branch(site)} at {head[:12]}")


def files(site: Site) -> Iterator[Finding]:
    try:
        checks.require_clean_tree(site)
    except checks.DirtyTree as error:
        if Records(site).lock.holder() is None:
            yield refused("files", error)
        else:
            yield ok("files", "changed, while a rollout is in progress")
    else:
        yield ok("files", "clean")


def kept(site: Site) -> Iterator[Finding]:
    """What resets have kept of people's work, for as long as nobody removes it."""
    form = "--format=%(refname) of %(committerdate:short)"
    newest_first = ("for-each-ref", "--sort=-committerdate", form, CHANGES, COMMITS)
    refs = site.repository.git.lines(*newest_first)
    if refs:
        more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
        shown = ", ".join(refs[:_SHOWN]) + more
        text = f"{plural(len(refs), 'ref')} with what resets have left behind: {shown}"
        yield ok(
            "kept work", f"{text} (git log -p -1 REF shows one, git update-ref -d REF drops it)"
        )


def remote(site: Site) -> Iterator[Finding]:
    """Whether it answers, and has the branch."""
    if not site.options.uses_remote:
        yield ok("remote", "not looked at (--no-remote)")
        return
    checks.require_remote(site)
    name, branch = site.options.remote_site, site.remote_branch(site.repository.branch())
    try:
        refs = refs_at(site.repository.git, name, f"refs/heads/{branch}" if branch else "HEAD")
    except Refused as error:
        emergency = "git deploy --no-remote start   # an emergency: deploys what is here"
        yield wrong("remote", error.message, command("git", "ls-remote", name), emergency)
        return
    if branch and not refs:
        step = command("git", "push", "-u", name, branch)
        yield warning("remote", f"{name} answers, and has no branch {branch}", step)
    else:
        yield ok("remote", f"{name} answers")
