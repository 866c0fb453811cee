"""What targets lack of what a release needs, as they tell it, and what to type about it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sartoris.diagnostics import Finding, ok, unknown, wrong
from sartoris.fleet.causes import named
from sartoris.formatting import plural, size
from sartoris.orders import Order, Outcome
from sartoris.shell import command
from sartoris.transports.base import RunsByHand, Transport

_PATH = r"(?P<path>/.*)"
_LINES = {
    "git-missing": "",
    "git-too-old": r"(?P<oldest>[\d.]+) (?P<version>.+)",
    "read-only": _PATH,
    "permission": rf"(?P<user>\w[\w.@$-]*) {_PATH}",
    "no-space": rf"(?P<left>\d{{1,20}}) (?P<needed>\d{{1,20}}) {_PATH}",
    "no-files": rf"(?P<left>\d{{1,20}}) {_PATH}",
}


class Lack(NamedTuple):
    """What a target lacks: a word of `_LINES`, and what the line says behind it."""

    word: str
    path: str = ""
    user: str = ""
    version: str = ""
    oldest: str = ""
    left: str = ""
    needed: str = ""


def lacks(outcome: Outcome, order: Order) -> Iterator[Lack]:
    """What a target says of itself. A line that is none, as of a later agent, is passed over; and
    so is a path that the order has nothing to do with: it would be typed by a person.
    """
    own = _own(order)
    for line in outcome.lacks:
        word, _, rest = line.partition(" ")
        found = re.fullmatch(_LINES[word], rest) if word in _LINES else None
        if found is not None:
            lack = Lack(word, **found.groupdict())
            if not lack.path or _is_around(lack.path, order.path) or _is_around(own, lack.path):
                yield lack


def lacking(outcomes: Sequence[Outcome], order: Order, transport: Transport) -> Iterator[Finding]:
    """Findings for `outcomes` of an order that was to examine: one for each thing that is lacking,
    with the targets that lack it.
    """
    found: dict[Lack, dict[str, Lack]] = {}
    for outcome in outcomes:
        for lack in lacks(outcome, order):
            found.setdefault(lack._replace(left=""), {})[outcome.target] = lack
    for _, those in sorted(found.items()):
        worst = min(those, key=lambda name: (int(those[name].left or 0), name))
        text = f"{_described(those[worst])} ({named(sorted(those))})"
        steps = (_typed(transport, worst, step) for step in _steps(those[worst], order))
        yield wrong("needs", text, *steps)
    yield from _in_order(outcomes)


def _in_order(outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    looked = [one for one in outcomes if one.git or one.lacks]
    well = [one for one in looked if not one.lacks]
    if well:
        versions = ", ".join(sorted({one.git for one in well}))
        text = f"{plural(len(well), 'target')} with room, a place to write to, and git {versions}"
        yield ok("needs", text)
    silent = sorted(one.target for one in outcomes if one.ok and one not in looked)
    if silent:
        text = "their agent is too old to look at git, at the place of the site and at its disk"
        yield unknown("needs", f"{text} ({named(silent)})")


def _described(lack: Lack) -> str:
    if lack.word == "git-missing":
        what = "git is not installed, or not in PATH"
    elif lack.word == "git-too-old":
        what = f"git is {lack.version}, and {lack.oldest} or newer is needed"
    elif lack.word == "read-only":
        what = f"the file system of {lack.path} is mounted read-only"
    elif lack.word == "permission":
        what = f"{lack.user} may not write to {lack.path}"
    elif lack.word == "no-space":
        needed = size(int(lack.needed))
        what = f"{size(int(lack.left))} free at {lack.path}, and a release may need {needed}"
    else:
        what = f"room for {lack.left} more files at {lack.path}"
    return f"{lack.word}: {what}"


def _steps(lack: Lack, order: Order) -> list[tuple[str, ...]]:
    """Commands for a target that lacks it, with paths of the target's."""
    if lack.word == "read-only":
        return [("findmnt", "--target", lack.path)]
    if lack.word == "permission":
        return [("ls", "-ld", lack.path), _opened(lack, order)]
    if lack.word in ("no-space", "no-files"):
        return [("df", "-h" if lack.word == "no-space" else "-i", lack.path)]
    return [("sudo", "apt-get", "install", "-y", "git")]


def _opened(lack: Lack, order: Order) -> tuple[str, ...]:
    """What makes the place the user's, or makes it where it is missing."""
    directory, own = posixpath.dirname(order.path), _own(order)
    if _is_around(own, lack.path):
        return ("sudo", "chown", "-R", f"{lack.user}:", own)
    if lack.path in (directory, order.path):
        return ("sudo", "chown", lack.user, lack.path)
    return ("sudo", "install", "-d", "-o", lack.user, directory)


def _own(order: Order) -> str:
    """Where on a target all is that is the agent's own."""
    return f"{posixpath.dirname(order.path)}/.sartoris"


def _is_around(directory: str, path: str) -> bool:
    return f"{path}/".startswith(f"{directory.rstrip('/')}/")


def _typed(transport: Transport, target: str, words: Sequence[str]) -> str:
    if isinstance(transport, RunsByHand):
        return transport.by_hand(target, words)
    return f"{command(*words)}   # on {target}"
