"""The working repository and where it fetches from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sartoris.diagnostics import Finding, ok, refused, warning, wrong
from sartoris.errors import Refused
from sartoris.formatting import plural
from sartoris.git.keeping import CHANGES, COMMITS
from sartoris.git.ls_remote import refs_at
from sartoris.permissions import closed, described, user_name, way_in
from sartoris.queries.not_pushed import not_pushed, tag_is_not_pushed
from sartoris.rollout import checks
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.shell import command

_SHOWN = 5
_ENOUGH = 10  # of what may not be written to


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


def writing(site: Site) -> Iterator[Finding]:
    """Whether this user may write to all that a rollout moves: files of another one may be shut."""
    found = list(islice(_shut(site), _ENOUGH))
    if not found:
        yield ok("writing", "you may write to the work tree and to git's own files")
        return
    text = f"you may not write to {described(found)}: you may look, and not deploy"
    shared = site.repository.git.succeeds("config", "--get", "core.sharedRepository")
    keeping = "git config core.sharedRepository group   # in the repository: keeps it open"
    owner = user_name(site.repository.git_dir.stat().st_uid)
    steps = [] if shared else [f"let {owner} type: {keeping}"]
    yield wrong("writing", text, way_in(_all_of(site, found)), *steps)


def _shut(site: Site) -> Iterator[Path]:
    repository, own = site.repository, site.repository.git_dir
    files = ("FETCH_HEAD", "logs/HEAD", "deploy/running", "deploy/journal.sqlite")
    yield from closed([own / name for name in files])
    for directory, inside, _ in os.walk(own):
        inside[:] = [name for name in inside if name != "publish.git"]  # looked at by itself
        yield from closed([Path(directory)])
    for directory, inside, _ in os.walk(repository.top):
        inside[:] = [name for name in inside if name != ".git"]
        yield from closed([Path(directory)])


def _all_of(site: Site, found: list[Path]) -> Path:
    """What to open: git's own files, or with them the whole work tree."""
    own = site.repository.git_dir
    return own if all(each.is_relative_to(own) for each in found) else site.repository.top


def filters(site: Site) -> Iterator[Finding]:
    checks.require_no_filters(site)
    if site.has_fleet:
        raw = site.config.filters == "raw"
        yield ok("filters", "not looked at (deploy.filters = raw)" if raw else "none runs here")


def pushed(site: Site) -> Iterator[Finding]:
    """Whether the remote has what is live, its tag too."""
    records, prefix = Records(site), site.prefix
    found = not_pushed(site, records, prefix)
    if found is not None:
        yield warning("pushed", found.text, found.step)
        return
    desired = records.desired.of(site.slot(prefix).name) if site.has_fleet else None
    tag, name = desired.rollout if desired else "", site.options.remote_site
    if not tag or not site.options.uses_remote or not tag_is_not_pushed(records, tag):
        return
    with suppress(Refused):  # a remote that does not answer is told of by itself
        if not refs_at(site.repository.git, name, f"refs/tags/{tag}"):
            text = f"{name} does not have {tag}, the tag of what is live"
            yield warning("pushed", text, command("git", "push", name, tag))


def remote(site: Site) -> Iterator[Finding]:
    """Whether it answers, and has the branch."""
    if not site.options.uses_remote:
        yield ok("remote", "not looked at (--no-remote)")
        return
    action = "start" if Records(site).lock.holder() is None else "sync"
    checks.require_remote(site, action)
    name, branch = site.options.remote_site, site.remote_branch(site.repository.branch())
    try:
        refs = refs_at(site.repository.git, name, f"refs/heads/{branch}" if branch else "HEAD")
    except Refused as error:
        emergency = f"git deploy --no-remote {action}   # an emergency: deploys what is here"
        yield wrong("remote", error.message, command("git", "ls-remote", name), emergency)
        return
    if branch and not refs:
        step = command("git", "push", "-u", name, branch)
        yield warning("remote", f"{name} answers, and has no branch {branch}", step)
    else:
        yield ok("remote", f"{name} answers")


def size_of_files(site: Site) -> int:
    """How many bytes the files of the work tree have, those of its submodules too.

    The next release is about as large; what git would have to bring here first is not counted.
    """
    top = site.repository.top
    listed = site.repository.git.run("ls-files", "-z", "--recurse-submodules", check=False)
    found = 0
    for name in listed.records if listed.ok else ():
        with suppress(OSError):
            found += (top / name).lstat().st_size
    return found
