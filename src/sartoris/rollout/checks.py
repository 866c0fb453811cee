"""What must be true before a rollout goes on. Each check raises; none changes anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.errors import GitFailed, Refused, WrongSetup
from sartoris.formatting import plural
from sartoris.git.command import Git
from sartoris.rollout.person import Person
from sartoris.rollout.site import Site
from sartoris.shell import command

if TYPE_CHECKING:
    from sartoris.fleet.desired import Desired

_SHIP_AGAIN = "git deploy --force sync   # ships the same commit again, under a new tag"


class Blocked(Refused):
    """Deploys are blocked for everyone."""


class NoCommits(Refused):
    """The repository has no commit yet."""


class DetachedHead(Refused):
    """No branch is checked out."""


class DirtyTree(Refused):
    """The work tree has changes that are not committed."""


class NoRemote(Refused):
    """The remote that rollouts fetch from and push to does not exist."""


class NotPushed(Refused):
    """HEAD has commits that the remote does not have."""


class FilteredFiles(Refused):
    """A filter of git makes files here that targets would not have."""


class TagsNotAllowed(Refused):
    """`deploy.can-make-tags` does not say that tags may be made here."""


class PathHoldsSource(Refused):
    """A release would go live where the repository is that it is deployed from."""


class NothingNew(Refused):
    """What would be shipped is what is live."""


def require_person(site: Site) -> Person:
    """Who types: a name, a mail address, and the umask that the site asks for.

    Raises `WrongSetup`.
    """
    person = Person.of(site)
    require_umask(site)
    return person


def require_umask(site: Site) -> None:
    """Raises `WrongSetup`."""
    wanted = site.config.restrict_umask
    if wanted is None:
        return
    current = os.umask(wanted)
    os.umask(current)
    if current != wanted:
        raise WrongSetup(
            f"your umask is {current:04o}; deploy.restrict-umask wants {wanted:04o}, so that others"
            " can go on with what you began",
            next_steps=[f"umask {wanted:04o}"],
        )


def blocked_reason(site: Site) -> str | None:
    """Why deploys are blocked; None if they are not."""
    if site.config.block_reason:
        return f"{site.config.block_reason} (git config --unset deploy.block-reason lifts it)"
    file = site.config.block_file
    if file is None or not file.exists():
        return None
    return f"{_text_of(file) or 'no reason given'} ({file} exists)"


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError as error:
        return f"the reason cannot be read: {error.strerror}"


def require_not_blocked(site: Site) -> None:
    reason = blocked_reason(site)
    # As in git-deploy, a reason that was set for this very repository also stops --force.
    if reason and (site.config.block_reason or not site.options.force):
        raise Blocked(f"deploys are blocked: {reason}", next_steps=["git deploy status"])


def require_commits(site: Site) -> str:
    """The commit that is checked out."""
    head = site.repository.head()
    if not head:
        raise NoCommits(
            "the repository has no commits yet, so there is nothing to deploy",
            next_steps=["git add . && git commit", "git push -u origin HEAD"],
        )
    return head


def require_branch(site: Site) -> str:
    branch = site.repository.branch()
    if not branch:
        raise DetachedHead(
            "the head is detached: no branch is checked out, so nobody could fetch what you deploy",
            next_steps=["git checkout BRANCH", "git checkout -b BRANCH   # keeps this commit"],
        )
    return branch


def require_clean_tree(site: Site) -> None:
    changes = site.changes() if site.options.check_clean else []
    if changes:
        shown = "\n".join(f"  {change}" for change in changes[:10])
        more = f"\n  and {len(changes) - 10} more" if len(changes) > 10 else ""
        raise DirtyTree(
            f"the working repository is not clean ({plural(len(changes), 'path')}):\n{shown}{more}",
            next_steps=[
                "git status",
                *_submodule_step(site),
                "git commit, git stash, or add what is not to be deployed to .gitignore",
            ],
        )


def _submodule_step(site: Site) -> list[str]:
    from sartoris.git.submodules import UPDATE_COMMAND, Submodules

    if not Submodules(site.repository.git).out_of_date():
        return []
    return [f"{UPDATE_COMMAND}   # to go to the recorded commits"]


def require_remote(site: Site, action: str = "start") -> None:
    """`action` is what to type again. Raises `NoRemote`."""
    remote = site.options.remote_site
    if site.options.uses_remote and not site.repository.has_remote(remote):
        others = site.repository.git.lines("remote")
        raise NoRemote(
            f"the repository has no remote `{remote}`",
            next_steps=[
                *(command("git", "deploy", "--remote-site", name, action) for name in others),
                f"{command('git', 'remote', 'add', remote)} URL",
                *([] if action == "push-hotfix" else [f"git deploy --no-remote {action}"]),
            ],
        )


def require_pushed(site: Site, head: str, branch: str) -> None:
    if not site.options.uses_remote or site.options.force:
        return
    remote, remote_branch = site.options.remote_site, site.remote_branch(branch)
    there, why = site.repository.tracking_commit(remote, remote_branch), ""
    if not there:
        there, why = _asked(site, remote, remote_branch)
    if there is None or not site.repository.contains(there, head):
        raise NotPushed(
            f"`{remote}/{remote_branch}` does not have all commits of `{branch}`{why}",
            next_steps=[
                *_pushing(site, head, there, f"git push {remote} HEAD:{remote_branch}"),
                "git deploy --no-remote sync   # an emergency: push when the remote is back",
            ],
        )


def require_no_filters(site: Site) -> None:
    """That targets get the bytes that people here work with. Raises `FilteredFiles`."""
    if not site.has_fleet or site.config.filters == "raw":
        return
    found = list(_filtered(site))
    if not found:
        return
    shown = "\n".join(f"  {path} (filter={name})" for path, name in found[:10])
    more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
    raise FilteredFiles(
        f"{plural(len(found), 'file')} would not be on the targets what they are here: a filter of"
        f" git makes them, and targets get what is committed, such as a pointer:\n{shown}{more}",
        next_steps=[
            "commit these files without a filter, or bring them to the targets by other means",
            "git config deploy.filters raw   # ships what is committed",
        ],
    )


def _filtered(site: Site) -> Iterator[tuple[str, str]]:
    from sartoris.git.filters import filtered_files, may_have_attributes
    from sartoris.git.submodules import Submodules

    repository = site.repository
    yield from filtered_files(repository.git, repository.git_dir)
    if site.config.submodules == "none":
        return
    for path, git_dir in Submodules(repository.git).checked_out():
        if may_have_attributes(git_dir):
            files = filtered_files(Git(repository.top / path, git_dir=git_dir), git_dir)
            yield from ((f"{path}/{name}", kind) for name, kind in files)


def _pushing(site: Site, head: str, there: str | None, push: str) -> list[str]:
    """A remote that has moved on takes no push: that has to be merged first, and not be shipped."""
    merge = "git deploy push-hotfix   # merges what the remote has, pushes, returns to this"
    moved_on = there is not None and not site.repository.contains(head, there)
    return [merge] if moved_on else [push, f"{merge}; if the remote has moved on"]


def _asked(site: Site, remote: str, branch: str) -> tuple[str | None, str]:
    """The tip of a branch that nothing here remembers, as in a clone of one branch; or why not.

    Fetched, not only named: a colleague's newer commit, too, can have ours in it.
    """
    try:
        return site.repository.fetch(remote, branch), ""
    except GitFailed as error:
        return None, f": `{remote}/{branch}` could not be asked for: {error.message}"


def require_something_new(site: Site, desired: Desired | None, head: str) -> None:
    """Of a fleet, new is what is not `desired` already."""
    if desired is not None and desired.source == head and not site.options.force:
        raise NothingNew(
            f"nothing to sync: HEAD ({head[:12]}) is what is live already ({desired.release})",
        )


def require_something_new_since(
    site: Site, head: str, start_commit: str, *, has_sync_hook: bool, prefix: str
) -> None:
    """What servers of the site's own have is not known here; they need not have anything."""
    if head != start_commit or site.options.force:
        return
    same = f"nothing to sync: HEAD ({head[:12]}) is the commit at which this rollout started"
    if has_sync_hook:
        raise NothingNew(same, next_steps=["git deploy abort", _SHIP_AGAIN])
    from sartoris.transports.configured import how_to_configure_targets

    raise NothingNew(
        f"{same}.\nNo targets are configured and {prefix} has no sync hook, so a sync only tags"
        " what is checked out, and you bring it to the servers",
        next_steps=[
            "git deploy abort",
            how_to_configure_targets(site.config),
            "git deploy --force sync   # tags the same commit; you bring it to the servers",
        ],
    )


def require_tags_allowed(site: Site) -> None:
    if not site.config.can_make_tags:
        raise TagsNotAllowed(
            f"no tags of {site.prefix} may be made here: deploy.can-make-tags is not true",
            next_steps=["git deploy start", "git config deploy.can-make-tags true"],
        )


def require_source(site: Site) -> None:
    """That targets are told where to fetch from, and no secret by it. Raises `ConfigError`."""
    if site.has_fleet:
        from sartoris.transports.source import require

        require(site.source, site.config)


def require_place(site: Site, prefix: str) -> None:
    """That no release of `prefix` goes live where the repository itself is, around it or inside.

    As far as it can be seen from here. Raises `PathHoldsSource`.
    """
    if not site.has_fleet:
        return
    from sartoris.transports.configured import on_this_machine

    path = site.slot(prefix).path
    ours = [site.repository.top, site.repository.git_dir]
    for name, where in on_this_machine(site.config, path).items():
        here = where.parent.resolve() / where.name  # a link that stands there is only replaced
        for place in (one.resolve() for one in ours):
            if here in (place, *place.parents) or place in here.parents:
                raise PathHoldsSource(
                    f"deploy.path is {where} on {name}, and that cannot be: the repository that you"
                    f" deploy from is {place}",
                    next_steps=["git config deploy.path PATH   # outside of it, and not around it"],
                )
