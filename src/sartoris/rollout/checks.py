"""What must be true before a rollout goes on. Each check raises; none changes anything."""

from __future__ import annotations

import os
from pathlib import Path

from sartoris.errors import GitFailed, Refused, WrongSetup
from sartoris.rollout.deployment import Deployment
from sartoris.wording import plural

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


class TagsNotAllowed(Refused):
    """`deploy.can-make-tags` does not say that tags may be made here."""


class NothingNew(Refused):
    """What would be shipped is what is live."""


def person_is_set_up(d: Deployment) -> None:
    """A name, a mail address, and the umask that the site asks for. Raises `WrongSetup`."""
    _ = d.me
    umask_fits(d)


def umask_fits(d: Deployment) -> None:
    """Raises `WrongSetup`."""
    wanted = d.config.restrict_umask
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


def blocked_reason(d: Deployment) -> str | None:
    """Why deploys are blocked; None if they are not."""
    if d.config.block_reason:
        return f"{d.config.block_reason} (git config --unset deploy.block-reason lifts it)"
    file = d.config.block_file
    if file is None or not file.exists():
        return None
    return f"{_text_of(file) or 'no reason given'} ({file} exists)"


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError as error:
        return f"the reason cannot be read: {error.strerror}"


def not_blocked(d: Deployment) -> None:
    reason = blocked_reason(d)
    # As in git-deploy, a reason that was set for this very repository also stops --force.
    if reason and (d.config.block_reason or not d.options.force):
        raise Blocked(f"deploys are blocked: {reason}", next_steps=["git deploy status"])


def has_commits(d: Deployment) -> str:
    """The commit that is checked out."""
    head = d.repository.head()
    if not head:
        raise NoCommits(
            "the repository has no commits yet, so there is nothing to deploy",
            next_steps=["git add . && git commit", "git push -u origin HEAD"],
        )
    return head


def on_a_branch(d: Deployment) -> str:
    branch = d.repository.branch()
    if not branch:
        raise DetachedHead(
            "the head is detached: no branch is checked out, so nobody could fetch what you deploy",
            next_steps=["git checkout BRANCH", "git checkout -b BRANCH   # keeps this commit"],
        )
    return branch


def tree_is_clean(d: Deployment) -> None:
    changes = d.repository.changes() if d.options.check_clean else []
    if changes:
        shown = "\n".join(f"  {change}" for change in changes[:10])
        more = f"\n  and {len(changes) - 10} more" if len(changes) > 10 else ""
        raise DirtyTree(
            f"the working repository is not clean ({plural(len(changes), 'path')}):\n{shown}{more}",
            next_steps=[
                "git status",
                *_submodule_step(d),
                "git commit, git stash, or add what is not to be deployed to .gitignore",
            ],
        )


def _submodule_step(d: Deployment) -> list[str]:
    from sartoris.git.submodules import Submodules

    if not Submodules(d.repository.git).out_of_date():
        return []
    return ["git submodule update --init --recursive   # to go to the recorded commits"]


def remote_exists(d: Deployment) -> None:
    site = d.options.remote_site
    if d.options.uses_remote and not d.repository.has_remote(site):
        raise NoRemote(
            f"the repository has no remote `{site}`",
            next_steps=[
                f"git remote add {site} URL",
                "git deploy --no-remote start   # without one",
            ],
        )


def commits_are_pushed(d: Deployment, head: str, branch: str) -> None:
    if not d.options.uses_remote or d.options.force:
        return
    site, remote_branch = d.options.remote_site, d.remote_branch(branch)
    there = d.repository.tracking_commit(site, remote_branch) or _asked(d, site, remote_branch)
    if there is None or not d.repository.contains(there, head):
        raise NotPushed(
            f"`{site}/{remote_branch}` does not have all commits of `{branch}`",
            next_steps=[
                f"git push {site} HEAD:{remote_branch}",
                "git deploy --no-remote sync   # an emergency: push when the remote is back",
            ],
        )


def _asked(d: Deployment, site: str, branch: str) -> str | None:
    """The tip of a branch that nothing here remembers, as in a clone of one branch; None for none.

    Fetched, not only named: a colleague's newer commit, too, can have ours in it.
    """
    try:
        return d.repository.fetch(site, branch)
    except GitFailed as error:
        d.events.warn(f"`{site}/{branch}` could not be asked for: {error.message}")
        return None


def something_is_new(d: Deployment, head: str, start_commit: str) -> None:
    """With a fleet, new is what is not live; without, what was not there at the start."""
    if d.options.force:
        return
    if not d.has_fleet:
        _something_is_new_since(d, head, start_commit)
        return
    desired = d.desired.of(d.slot)
    if desired is not None and desired.source == head:
        raise NothingNew(
            f"nothing to sync: HEAD ({head[:12]}) is what is live already ({desired.release})",
            next_steps=["git deploy abort", _SHIP_AGAIN],
        )


def _something_is_new_since(d: Deployment, head: str, start_commit: str) -> None:
    """What servers of the site's own have is not known here; they need not have anything."""
    if head != start_commit:
        return
    same = f"nothing to sync: HEAD ({head[:12]}) is the commit at which this rollout started"
    if d.hooks.sync_hook(d.prefix) is not None:
        raise NothingNew(same, next_steps=["git deploy abort", _SHIP_AGAIN])
    from sartoris.transports.configured import how_to_configure_targets

    raise NothingNew(
        f"{same}.\nNo targets are configured and {d.prefix} has no sync hook, so a sync only tags"
        " what is checked out, and you bring it to the servers",
        next_steps=[
            "git deploy abort",
            how_to_configure_targets(d.config),
            "git deploy --force sync   # tags the same commit; you bring it to the servers",
        ],
    )


def may_make_tags(d: Deployment) -> None:
    if not d.config.can_make_tags:
        raise TagsNotAllowed(
            f"no tags of {d.prefix} may be made here: deploy.can-make-tags is not true",
            next_steps=["git deploy start", "git config deploy.can-make-tags true"],
        )


def ready(d: Deployment) -> None:
    """Everything that a start asks for, but the lock. Raises what the checks raise."""
    has_commits(d)
    person_is_set_up(d)
    not_blocked(d)
    _ = d.prefix
    on_a_branch(d)
    tree_is_clean(d)
    remote_exists(d)
