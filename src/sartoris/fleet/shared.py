"""What is at the shared paths of a slot, as targets tell it, and what to type about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sartoris.fleet.causes import named
from sartoris.formatting import plural
from sartoris.orders import Order, Outcome
from sartoris.shell import command as typed

_COPIES = "copies them to where the next releases find them"
COPIES = f"git deploy shared adopt   # {_COPIES}"


class SharedPath(NamedTuple):
    """A shared path on one target. `kind`: `directory`, `file`, `missing`. `left` of its files are
    live, and neither in the shared place nor in git.
    """

    target: str
    path: str
    kind: str
    files: int
    left: int


def shared_paths(outcome: Outcome) -> Iterator[SharedPath]:
    """What a target says of each. A line that is none, as of a later agent, is passed over."""
    for line in outcome.shared:
        kind, _, rest = line.partition(" ")
        files, _, rest = rest.partition(" ")
        left, _, path = rest.partition(" ")
        if files.isdecimal() and left.isdecimal() and path:
            yield SharedPath(outcome.target, path, kind, int(files), int(left))


def would_leave(outcomes: Iterable[Outcome], order: Order) -> Iterator[str]:
    """What the next release would not have live any more, a line for each path."""
    found: dict[str, list[SharedPath]] = {}
    for outcome in outcomes:
        for one in shared_paths(outcome):
            if one.left:
                found.setdefault(one.path, []).append(one)
    for path, those in found.items():
        most = plural(max(one.left for one in those), "file")
        names = named(sorted(one.target for one in those))
        yield (
            f"{path} is shared, and {most} live there would leave the site of {order.slot} with the"
            f" next release: not in git, and not copied yet ({names})"
        )


def leave_steps(outcomes: Iterable[Outcome], command: str, away: Sequence[str] = ()) -> list[str]:
    """What to type where targets refuse to let such files go: and then `command` again.

    `away` are the targets that commands leave alone unless they are named.
    """
    if all(outcome.error != "shared-left" for outcome in outcomes):
        return []
    also = "".join(f" {typed('--with', name)}" for name in away)
    copies = f"git deploy shared adopt{also}   # {_COPIES}"
    return [copies, f"{command} --leave   # lets them leave the site"]
