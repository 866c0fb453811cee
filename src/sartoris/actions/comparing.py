"""What a start has checked out, beside what is live: what is new, what would go, what was bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sartoris.events import ComparedToLive
from sartoris.formatting import plural
from sartoris.rollout.session import Session
from sartoris.shell import command


@dataclass(frozen=True)
class Live:
    """What is live: `release` of commit `source`, since when and by whom. `is_known`: a fleet of
    ours should have it; otherwise it is what was rolled out last.
    """

    release: str
    source: str
    since: float
    by: str
    branch: str = ""
    is_known: bool = True


class Comparison:
    """`head` beside what is live. `new` and `gone` are commits with a line each, newest first."""

    def __init__(self, session: Session, head: str) -> None:
        self._session, self.head = session, head
        self.live = _live(session)
        repository = session.site.repository
        is_here = self.live is not None and repository.commit_of(self.live.source) is not None
        base = self.live.source if self.live and is_here else ""
        self.base = base
        self.new = repository.between(base, head) if base and base != head else []
        self.gone = repository.between(head, base) if base and base != head else []

    def tell(self) -> None:
        """Say it, and which of the new commits somebody has reverted."""
        session, live, most = self._session, self.live, self._session.site.options.show_most
        about = ComparedToLive(branch=session.state.branch, head=self.head)
        if live is not None:
            about = ComparedToLive(
                branch=session.state.branch,
                head=self.head,
                release=live.release,
                base=live.source,
                since=live.since,
                by=live.by,
                new=tuple(line for _, line in self.new[:most]),
                new_count=len(self.new),
                gone=tuple(line for _, line in self.gone[:most]),
                gone_count=len(self.gone),
                is_known=live.is_known,
            )
        session.events.emit(about)
        self._warn_of_what_was_bad()

    def _warn_of_what_was_bad(self) -> None:
        """To ship again what somebody reverted should be on purpose."""
        journal, events = self._session.command.journal, self._session.events
        shipped_again = {self.head, *(commit for commit, _ in self.new)} - {self.base}
        for bad in journal.reverted(self._session.state.prefix):
            if bad.source not in shipped_again:
                continue
            is_it = bad.source == self.head
            what = f"is {bad.tag}" if is_it else f"has {bad.tag} ({bad.source[:12]}) in it"
            events.warn(
                f"what is checked out now {what}, which was found bad: {bad.reverted_by}"
                f" reverted it"
            )

    def doubts(self) -> list[str]:
        """Why a start of this may not be meant; nothing where no fleet of ours has a release."""
        live, site = self.live, self._session.site
        if live is None or not live.is_known:
            return []
        branch = site.remote_branch(self._session.state.branch)
        expected = site.config.branch or live.branch
        doubts = []
        if expected and branch != expected and not site.options.remote_branch:
            doubts.append(f"this is branch {branch}, and {expected} is what is deployed")
        if self.gone:
            doubts.append(f"{_named(self.gone)} (live now) would go")
        return doubts

    def besides(self) -> list[str]:
        """Why a hotfix on top of this is more than the fix."""
        if self.live is None or not self.live.is_known or not self.new:
            return []
        return [f"{_named(self.new)} (not live) would ship with the fix"]

    def to_what_is_live(self) -> list[str]:
        """What to type to have what is live checked out; a commit that is nowhere else is kept."""
        live, site = self.live, self._session.site
        if live is None or not self.base or self.base == self.head:
            return []
        branch = self._session.state.branch
        there = site.repository.tracking_commit(
            site.options.remote_site, site.remote_branch(branch)
        )
        is_pushed = bool(there) and site.repository.contains(there or "", self.head)
        keep = (
            [] if is_pushed else [f"git branch not-live-{self.head[:12]}   # keeps what you have"]
        )
        words = ("git", "reset", "--keep", self.base[:12])
        return [*keep, f"{command(*words)}   # {branch} goes back to what is live, {live.release}"]


def _named(commits: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(line for _, line in commits[:3])
    more = f" and {len(commits) - 3} more" if len(commits) > 3 else ""
    return f"{plural(len(commits), 'commit')}: {names}{more}"


def _live(session: Session) -> Live | None:
    command, prefix = session.command, session.state.prefix
    if session.site.has_fleet:
        desired = command.records.desired.of(session.slot.name)
        if desired is None:
            return None
        record = command.journal.rollout_of_tag(desired.rollout)
        by = record.by if record else ""
        return Live(desired.release, desired.source, desired.since, by, desired.branch)
    for one in command.journal.rollouts(prefix=prefix):
        if one.result == "finished" and one.source:
            since = one.ended or one.started
            return Live(one.tag, one.source, since, one.by, is_known=False)
    return None
