"""What a start has checked out, beside what is live: what is new, what would go, what was bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sartoris.events import ComparedToLive
from sartoris.formatting import plural
from sartoris.queries.last_release import LastRelease, last_release
from sartoris.rollout.command import Command
from sartoris.shell import command


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`head` of `branch` beside what is live. `base` is its commit, "" where there is none here.

    `new` and `gone` are commits with a line each, newest first.
    """

    command: Command
    prefix: str
    branch: str
    head: str
    live: LastRelease | None
    base: str
    new: Sequence[tuple[str, str]]
    gone: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, command: Command, prefix: str, branch: str, head: str) -> Comparison:
        repository = command.site.repository
        live = last_release(command.site, command.records, command.journal, prefix)
        base = live.source if live and repository.commit_of(live.source) is not None else ""
        differ = base not in ("", head)
        return cls(
            command=command,
            prefix=prefix,
            branch=branch,
            head=head,
            live=live,
            base=base,
            new=repository.between(base, head) if differ else (),
            gone=repository.between(head, base) if differ else (),
        )

    def tell(self) -> None:
        """Say it, and which of the new commits somebody has reverted."""
        live, most = self.live, self.command.site.options.show_most
        about = ComparedToLive(branch=self.branch, head=self.head)
        if live is not None:
            about = ComparedToLive(
                branch=self.branch,
                head=self.head,
                release=live.release,
                base=live.source,
                since=live.since,
                by=live.by,
                new=tuple(line for _, line in self.new[:most]),
                new_count=len(self.new),
                gone=tuple(line for _, line in self.gone[:most]),
                gone_count=len(self.gone),
                is_known=live.is_ours,
            )
        self.command.events.emit(about)
        self._warn_of_what_was_bad()

    def _warn_of_what_was_bad(self) -> None:
        """To ship again what somebody reverted should be on purpose."""
        journal, events = self.command.journal, self.command.events
        shipped_again = {self.head, *(commit for commit, _ in self.new)} - {self.base}
        for bad in journal.reverted(self.prefix):
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
        live, site = self.live, self.command.site
        if live is None or not live.is_ours:
            return []
        branch = site.remote_branch(self.branch)
        expected = site.config.branch or live.branch
        doubts = []
        if expected and branch != expected and not site.options.remote_branch:
            doubts.append(f"this is branch {branch}, and {expected} is what is deployed")
        if self.gone:
            doubts.append(f"{_named(self.gone)} (live now) would go")
        return doubts

    def besides(self) -> list[str]:
        """Why a hotfix on top of this is more than the fix."""
        if self.live is None or not self.live.is_ours or not self.new:
            return []
        return [f"{_named(self.new)} (not live) would ship with the fix"]

    def to_what_is_live(self) -> list[str]:
        """What to type to have what is live checked out; a commit that is nowhere else is kept."""
        live, site = self.live, self.command.site
        if live is None or not self.base or self.base == self.head:
            return []
        there = site.repository.tracking_commit(
            site.options.remote_site, site.remote_branch(self.branch)
        )
        is_pushed = bool(there) and site.repository.contains(there or "", self.head)
        keep = (
            [] if is_pushed else [f"git branch not-live-{self.head[:12]}   # keeps what you have"]
        )
        words = ("git", "reset", "--keep", self.base[:12])
        return [
            *keep,
            f"{command(*words)}   # {self.branch} goes back to what is live, {live.release}",
        ]


def _named(commits: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(line for _, line in commits[:3])
    more = f" and {len(commits) - 3} more" if len(commits) > 3 else ""
    return f"{plural(len(commits), 'commit')}: {names}{more}"
