"""A repository and targets that are only objects, and can be broken in every way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sartoris.errors import GitFailed
from sartoris.git.command import Git, GitResult
from sartoris.git.repository import Repository
from sartoris.orders import Order, Outcome
from sartoris.transports.base import DesiredStateRecord, KeepsDesiredState, Transport
from tests.unit.actions.life import Life

KEPT = 3  # releases on a target, beside the live one


def commit_id(number: int) -> str:
    return f"{number:012x}".ljust(40, "0")  # they are told apart by their beginnings


class QuietGit(Git):
    """Answers everything with nothing."""

    def run(self, *arguments: str, **_: Any) -> GitResult:
        return GitResult(("git", *arguments), 0, b"0\n" if "--count" in arguments else b"", b"")


class MemoryRepository(Repository):
    """One branch, whose commits are numbers: a later one contains all before it."""

    def __init__(self, top: Path) -> None:
        super().__init__(QuietGit(top), top, top / ".git")
        self.checked_out = commit_id(1)
        self.upstream_tip = commit_id(1)
        self.who = "Some Deployer <deployer@example.org>"
        self.names: dict[str, str] = {}
        self.other_branches: dict[str, str] = {}  # that are not checked out
        self.pushed: set[str] = set()
        self.not_there: set[str] = set()  # branches that the remote does not have
        self.is_merging = False

    def commit(self, *, push: bool = True) -> str:
        """A new commit, checked out, and pushed unless told otherwise."""
        self.checked_out = self._next()
        if push:
            self.upstream_tip = self.checked_out
        return self.checked_out

    def commit_upstream(self) -> str:
        """A colleague's new commit at the remote."""
        self.upstream_tip = self._next()
        return self.upstream_tip

    def merge_commit(self) -> str:
        """A commit that joins ours and the remote's, checked out."""
        self.checked_out = self._next()
        return self.checked_out

    def _next(self) -> str:
        return commit_id(int(max(self.checked_out, self.upstream_tip)[:12], 16) + 1)

    def head(self) -> str:
        return self.checked_out

    def branch(self) -> str:
        return "main"

    def commit_of(self, name: str) -> str | None:
        if name.startswith("refs/tags/"):
            return self.names.get(name.removeprefix("refs/tags/"))
        if name.startswith("refs/heads/"):
            return self.other_branches.get(name.removeprefix("refs/heads/"))
        if name == "HEAD":
            return self.checked_out
        return name if name.isalnum() and len(name) == 40 else None

    def changes(self, *, ignored_submodules: bool = False) -> list[str]:
        del ignored_submodules
        return []

    def identity(self) -> str | None:
        return self.who

    def has_remote(self, site: str) -> bool:
        return site == "origin"

    def upstream(self, site: str, branch: str) -> str:
        del site
        return branch

    def tracking_commit(self, site: str, branch: str) -> str | None:
        del site, branch
        return self.upstream_tip

    def fetch(self, site: str, branch: str) -> str:
        if branch in self.not_there or not self.has_remote(site):
            raise GitFailed(["git", "fetch"], 128, f"couldn't find remote ref {branch}")
        return self.upstream_tip

    def contains(self, commit: str, ancestor: str) -> bool:
        return int(ancestor, 16) <= int(commit, 16)

    def between(self, base: str, head: str) -> list[tuple[str, str]]:
        numbers = range(int(head[:12], 16), int(base[:12], 16), -1)
        return [(commit_id(number), f"commit {number}") for number in numbers]

    def has_tag(self, tag: str) -> bool:
        return tag in self.names

    def create_tag(self, tag: str, commit: str, message: str) -> None:
        del message
        self.names[tag] = commit

    def delete_tag(self, tag: str) -> None:
        self.names.pop(tag, None)

    def push_tags(self, site: str, tags: list[str]) -> None:
        del site
        self.pushed |= set(tags)

    def tags(self) -> dict[str, str]:
        return dict(self.names)

    def unmerged(self) -> list[str]:
        return []

    def write_untracked(self, name: str, text: str) -> bool:
        del name, text
        return True


@dataclass
class Target:
    """What is really on a target. `live` "" is nothing; `wrong` are the actions that fail on it:
    with "service" it switches, and then its service does not start.

    `away`: it does not answer. `late`: it does what it is asked, and its answer comes too late.
    `lies`: it says that all is well, and does nothing; `deceived` is set once it has.
    """

    name: str
    live: str = ""
    previous: str = ""
    held: list[str] = field(default_factory=list)
    due: tuple[str, ...] = ()
    wrong: set[str] = field(default_factory=set)
    away: bool = False
    late: bool = False
    lies: bool = False
    deceived: bool = False
    elsewhere: dict[str, Target] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)  # more fields of its outcomes of a fetch

    def place(self, path: str) -> Target:
        """What is on it in another slot's place; what is wrong with the machine is so there too."""
        other = self.elsewhere.setdefault(path, Target(self.name))
        other.wrong, other.away = self.wrong, self.away
        other.late, other.lies = self.late, self.lies
        return other

    def heal(self) -> None:
        """All is well from now on; what went wrong stays as it is."""
        self.wrong, self.away, self.late, self.lies = set(), False, False, False

    def answer(self, order: Order) -> Outcome:
        if self.away:
            return self._outcome(order, "unreachable")
        if self.lies and order.action != "status":
            self.deceived |= order.action != "fetch"
            return self._outcome(order, live="" if order.action == "withdraw" else order.release)
        error = "no-space" if order.action in self.wrong else self._do(order)
        outcome = self._outcome(order, "timeout" if self.late else error)
        return replace(outcome, **self.says) if order.action == "fetch" else outcome

    def _do(self, order: Order) -> str:
        match order.action:
            case "fetch":
                self._fetch(order.release)
            case "switch":
                return self._switch(order.release)
            case "service" if "service" in self.wrong and order.service_action != "status":
                return "service-failed"
            case "withdraw":
                self.deceived = False
                if self.live == order.release:
                    self.live = self.previous = ""
        return ""

    def _fetch(self, release: str) -> None:
        if release not in self.held:
            self.held.append(release)
            for old in [one for one in self.held[:-KEPT] if one not in (self.live, self.previous)]:
                self.held.remove(old)

    def _switch(self, release: str) -> str:
        if release not in self.held:
            return "not-held"
        self.deceived = False
        if self.live != release:
            self.live, self.previous = release, self.live
        self.due = ("service",) if "service" in self.wrong else ()
        return "service-failed" if self.due else ""

    def _outcome(self, order: Order, error: str = "", *, live: str | None = None) -> Outcome:
        silent = error in ("unreachable", "timeout")
        return Outcome(
            action=order.action,
            target=self.name,
            ok=not error,
            error=error,
            live="" if silent else self.live if live is None else live,
            previous="" if silent else self.previous,
            held=() if silent else tuple(self.held),
            due=() if silent or live is not None else self.due,
        )


@dataclass(frozen=True)
class Sent:
    """One order, to whom it went, and what came back until now."""

    order: Order
    targets: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> set[str]:
        return {outcome.target for outcome in self.outcomes if not outcome.ok}


class MemoryFleet(Transport, KeepsDesiredState):
    """Sends orders to objects, and writes down what it sent. Each target's turn is two steps."""

    def __init__(self, targets: Mapping[str, Target], life: Life, first: str = "") -> None:
        """`first` is the path of the slot that the targets themselves are; "" for any."""
        self._targets = targets
        self._first = first
        self._life = life
        self.sent: list[Sent] = []
        self.wanted: dict[str, DesiredStateRecord] = {}

    def fleet(self) -> tuple[str, ...]:
        return tuple(self._targets)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        sent = Sent(order, tuple(targets))
        self._life.step()
        self.sent.append(sent)
        for name in targets:
            self._life.step()
            target = self._targets[name]
            is_first = self._first in ("", order.path)
            outcome = (target if is_first else target.place(order.path)).answer(order)
            sent.outcomes.append(outcome)
            self._life.step()
            yield outcome

    def publish_desired_state(self, record: DesiredStateRecord) -> str:
        self._life.step()
        self.wanted[record.slot] = record
        return ""

    def close(self) -> None:
        """Nothing is open."""
