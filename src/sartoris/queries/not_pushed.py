"""Whether what is live is only in this clone: after an emergency nobody else has it."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass

from sartoris.errors import SartorisError
from sartoris.journal.store import Journal
from sartoris.queries.last_release import LastRelease, last_release
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
    branch = site.remote_branch(live.branch or repository.branch())
    there = repository.tracking_commit(remote, branch) if branch else None
    is_here = repository.commit_of(live.source) is not None
    if there is None or not is_here or repository.contains(there, live.source):
        return None
    tag = live.tag if repository.has_tag(live.tag) else ""
    return NotPushed(live.release, live.source, remote, branch, tag)


def _live(site: Site, records: Records, prefix: str) -> LastRelease | None:
    """A journal that cannot be read is told of elsewhere."""
    with suppress(SartorisError, OSError), closing(Journal.read_only(records.journal)) as journal:
        return last_release(site, records, journal, prefix)
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
