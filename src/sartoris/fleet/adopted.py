"""What stands at the path of a slot and is not Sartoris's: when it is in the way, when it is set
aside, and what to type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sartoris.fleet.causes import named
from sartoris.orders import Order, Outcome

_ADOPTABLE = ("path-is-directory", "path-is-foreign-link", "path-is-link")
_STANDS = {
    "path-is-directory": "a directory",
    "path-is-foreign-link": "a link that is not Sartoris's",
    "path-is-link": "a link, where deploy.switch = in-place has a directory",
    "path-is-file": "a file",
}
_SETS_ASIDE = "sets it aside; a rollback puts it back"


def adopt_steps(outcomes: Iterable[Outcome], command: str) -> list[str]:
    """What to type where targets refuse because of what stands at the path: `command` again, unless
    that was typed.
    """
    if "--adopt" in command.split() or all(one.error not in _ADOPTABLE for one in outcomes):
        return []
    return [f"{command} --adopt   # {_SETS_ASIDE}"]


def in_the_way(outcomes: Iterable[Outcome], order: Order) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each kind of thing that stands there, what it is and where; and what to type."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.in_the_way in _STANDS:
            found.setdefault(outcome.in_the_way, []).append(outcome.target)
    for word, names in sorted(found.items()):
        text = f"{_STANDS[word]} stands at {order.path} ({named(sorted(names))})"
        if word in _ADOPTABLE:
            step = f"git deploy sync --adopt   # {_SETS_ASIDE}"
            yield f"{text}; a sync takes its place only with --adopt", (step,)
        else:
            yield f"{text}; a sync is refused there", ()


def set_aside(outcomes: Iterable[Outcome], order: Order) -> str:
    """What a switch has taken the place of, for a person; "" for nothing."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.ok and outcome.adopted:
            found.setdefault(outcome.adopted, []).append(outcome.target)
    if not found:
        return ""
    lines = [f"  {_where(where)} ({named(names)})" for where, names in sorted(found.items())]
    said = f"set aside, what stood at {order.path} until now:"
    return "\n".join([said, *lines, *_how_to_remove(list(found))])


def _where(said: str) -> str:
    return f"a link to {said[3:]}" if said.startswith("-> ") else said


def _how_to_remove(where: Sequence[str]) -> Iterator[str]:
    if any(not said.startswith("-> ") for said in where):
        yield "It stays there. Once nothing in it is needed, remove it on the target."
