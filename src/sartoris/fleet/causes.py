"""Failures with one cause, shown as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sartoris.formatting import plural
from sartoris.orders import Outcome


@dataclass(frozen=True)
class Cause:
    """Why `targets` failed. `output` is what the failing program wrote, on the first of them."""

    error: str
    message: str
    targets: tuple[str, ...]
    output: str = ""

    def describe(self, most: int = 8) -> str:
        """`2 targets: no-space: MESSAGE (web1, web2)`, with at most `most` names."""
        count, names = len(self.targets), named(self.targets, most)
        return f"{plural(count, 'target')}: {self.error}: {self.message} ({names})"


def named(targets: Sequence[str], most: int = 8) -> str:
    """The names of targets, with at most `most` of them."""
    more = len(targets) - most
    return ", ".join(targets[:most]) + (f" and {more} more" if more > 0 else "")


# What a target says that does not get from the publish repository what it needs.
_NOT_GOT = ("fetch-failed", "corrupt-store", "git-failed", "submodule-failed")


def blames_publishing(outcomes: Iterable[Outcome]) -> bool:
    """Whether what the targets say may have its cause in the publish repository."""
    return any(outcome.error in _NOT_GOT for outcome in outcomes)


def causes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """The failed outcomes by error and message, the most frequent first."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.ok:
            groups.setdefault((outcome.error, outcome.message), []).append(outcome)
    found = [
        Cause(error, message, tuple(sorted(o.target for o in group)), group[0].output)
        for (error, message), group in groups.items()
    ]
    return sorted(found, key=lambda cause: (-len(cause.targets), cause.targets))


def describe_failures(what: str, outcomes: Iterable[Outcome], total: int, allowed: str) -> str:
    """How many failed, and why, a line for each cause with the end of its output.

    `allowed` is how deploy.max-failed is configured, `N` or `N%`.
    """
    found = causes(outcomes)
    count = sum(len(cause.targets) for cause in found)
    among = f"{count} of {plural(total, 'target')}"
    lines = [f"{what} failed on {among} (deploy.max-failed allows {allowed}):"]
    for cause in found:
        lines.append(f"  {cause.describe()}")
        lines += [f"    | {line}" for line in cause.output.splitlines()[-4:]]
    return "\n".join(lines)
