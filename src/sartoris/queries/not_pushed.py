"""Whether what is live is only in this clone: after an emergency nobody else has it."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass

from sartoris.errors import SartorisError
from sartoris.journal.store import Journal
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site
from sartoris.shell import command


@dataclass(frozen=True)
class NotPushed:
    """`release` of commit `source` is live, and `branch` of `remote` does not have the commit, as
    far as is known here. `tag` is the rollout's, "" for one that is there.
    """

    release: str
    source: str
    remote: str
    branch: str
    tag: str

    @property
    def text(self) -> str:
        tag = f", and maybe its tag {self.tag}" if self.tag else ""
        return (
            f"{self.release} is live, and not pushed: {self.remote}/{self.branch} does not have"
            f" {self.source[:12]}{tag}"
        )

    @property
    def step(self) -> str:
        what = [f"{self.source[:12]}:{self.branch}", *([self.tag] if self.tag else [])]
        return command("git", "push", self.remote, *what)


def not_pushed(site: Site, records: Records, prefix: str) -> NotPushed | None:
    """What of `prefix` is live and has to be pushed yet; None where that is not known.

    By what git remembers of the remote: no network is needed.
    """
    remote, repository = site.options.remote_site, site.repository
    live = _live(site, records, prefix)
    if live is None or not repository.has_remote(remote):
        return None
    release, source, tag, branch = live
    branch = site.remote_branch(branch or repository.branch())
    there = repository.tracking_commit(remote, branch) if branch else None
    if there is None or repository.commit_of(source) is None or repository.contains(there, source):
        return None
    return NotPushed(release, source, remote, branch, tag if repository.has_tag(tag) else "")


def _live(site: Site, records: Records, prefix: str) -> tuple[str, str, str, str] | None:
    """Release, commit, tag and branch of what should be live, or was rolled out last."""
    if site.has_fleet:
        desired = records.desired.of(site.slot(prefix).name)
        if desired is None:
            return None
        return desired.release, desired.source, desired.rollout, desired.branch
    if not records.journal.exists():
        return None
    with suppress(SartorisError, OSError), closing(Journal.read_only(records.journal)) as journal:
        for one in journal.rollouts(prefix=prefix, limit=5):
            if one.result == "finished" and one.source:
                return one.tag, one.source, one.tag, ""
    return None


def tag_is_not_pushed(records: Records, tag: str) -> bool:
    """Whether the rollout of `tag` did not push it, as its journal has it."""
    if not records.journal.exists():
        return False
    with suppress(SartorisError, OSError), closing(Journal.read_only(records.journal)) as journal:
        record = journal.rollout_of_tag(tag)
        if record is None or record.action == "revert":
            return False
        made = [one for one in journal.events(record.session) if one["event"] == "tagged"]
        return bool(made) and made[-1].get("pushed") is False
    return False
