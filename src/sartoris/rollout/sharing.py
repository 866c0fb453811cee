"""Who else may write what a command writes: `core.sharedRepository`, as git itself follows it.

git makes the files of a shared repository writable for its group, whatever the umask is. A rollout
goes on in the next person's hands, so the same is true of the work tree, of our own files and of
targets that are directories here.
"""

from __future__ import annotations

import os

from sartoris.errors import Refused
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site

_GROUP, _EVERYBODY = 0o070, 0o075


class MayNotWrite(Refused):
    """The repository is not this user's to deploy from."""


class NotTrusted(Refused):
    """Targets are directories here, and git would not fetch from the publish repository."""


def require_may_write(site: Site) -> None:
    """Raises `MayNotWrite` where this user may only look."""
    from sartoris.permissions import closed, described, nearest, way_in

    journal = Records(site).journal
    if found := closed(dict.fromkeys((nearest(journal.parent), journal))):
        raise MayNotWrite(
            f"you may look at this repository (status, report, history, doctor), and not deploy"
            f" from it: you may not write to {described(found)}",
            next_steps=["git deploy doctor   # what else you cannot write to", way_in(found[0])],
        )


def require_trust(site: Site) -> None:
    """Before anything is tagged: whether git here fetches from a publish repository of another
    user. Where targets fetch by themselves, they do not see whose it is. Raises `NotTrusted`.
    """
    from sartoris.git.believed import is_of_another, owners, trust

    path = site.publish_path
    by_path = site.has_fleet and site.source.url == str(path)
    if not by_path or not path.exists() or not is_of_another(path):
        return
    asked = site.repository.git.run("ls-remote", "--quiet", "--", str(path), "HEAD", check=False)
    if not asked.ok:
        raise NotTrusted(
            f"the publish repository {path} is of another user ({', '.join(owners([path]))}), and"
            f" git fetches from it only for who trusts it:\n{asked.tail()}",
            next_steps=[f"{trust(path)}   # if you trust those who may write there"],
        )


def share_as_configured(site: Site) -> None:
    """Let this process, and what it starts, make files for whom the repository is shared with.

    A site that asks everybody for one umask (`deploy.restrict-umask`) has decided already.
    """
    if site.config.restrict_umask is not None:
        return
    asked = site.repository.git.run("config", "--get", "core.sharedRepository", check=False)
    if asked.ok:
        umask = os.umask(0o077)
        os.umask(shared_umask(asked.text, umask))


def shared_umask(shared: str, umask: int) -> int:
    """The umask that does what the value of `core.sharedRepository` says, from `umask` on."""
    value = shared.lower()
    if value in ("", "group", "true", "yes", "on", "1"):
        return umask & ~_GROUP
    if value in ("all", "world", "everybody", "2"):
        return umask & ~_EVERYBODY
    try:
        files = int(value, 8)
    except ValueError:
        return umask
    # Of another number git takes what files get; whoever may read may look into a directory.
    return 0o777 & ~(files | (files & 0o444) >> 2) if files > 2 else umask
