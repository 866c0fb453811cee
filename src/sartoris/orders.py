"""Orders and outcomes: what travels to a target, and what it answers (docs/orders.md).

Both are plain JSON on the wire, and frozen objects here. What an order may say, its actions and the
words for errors are the agent's tables, since the agent travels alone.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sartoris.agent import order as agent_order
from sartoris.agent.actions import ACTIONS, LEVEL, NEWER, Newer
from sartoris.agent.answers import NoOutcome, outcome_in
from sartoris.agent.errors import ERRORS

ORDER_VERSION = agent_order.VERSION
NEWEST_LEVEL = LEVEL  # of agent

ServiceAction = Literal["", "restart", "reload", "status"]

_ORDER_LISTS = ("shared", "shared_directories", "share", "packs", "pack_urls", "relays")
_LISTS = (
    "held",
    "due",
    "changed",
    "added",
    "remains",
    "shared",
    "came_refused",
    "lacks",
)  # in JSON; tuples here


_STANDS = {
    "path-is-directory": "a directory that is not Sartoris's",
    "path-is-foreign-link": "a link that is not Sartoris's",
    "path-is-link": "a link that is not Sartoris's",
    "path-is-file": "a file that is not Sartoris's",
}


def what_is_live(live: str, in_the_way: str) -> str:
    """The release `live`, or in words what else stands in its place."""
    return live or _STANDS.get(in_the_way, "nothing")


def now() -> int:
    """The time for `Order.decided`."""
    return time.time_ns() // 1_000_000


class Order(agent_order.Order):
    """What targets are told to do; the same for each of them. Its fields are the agent's."""

    __slots__ = ()

    @property
    def needed_level(self) -> int:
        """The level of agent that carries this order out in full; older ones can answer the rest.

        At least the one that `level` asks for.
        """
        action = ACTIONS[self.action]
        newer = (one.level for one in NEWER if one.field in action.goes_by and self._says(one))
        return max(self.level, action.level, *newer)

    def _says(self, newer: Newer) -> bool:
        value = getattr(self, newer.field)
        return value == newer.value if newer.value else bool(value)

    def to_json(self) -> dict[str, Any]:
        level = {"level": self.needed_level} if self.needed_level > 1 else {}
        lists = {name: list(getattr(self, name)) for name in _ORDER_LISTS}
        said = {**self._asdict(), **lists}
        del said["level"]
        return {"version": ORDER_VERSION, **level, **said}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one target answered, or what its transport answers for it.

    `error` is a word from the fixed list (`ERRORS`; empty when `ok`), `message` one line for a
    person, the same on every target that failed for the same reason. `live` is the release that
    is live now ("" for none), `held` the complete releases of the slot, oldest first. `due` is what
    should have followed the switch to it and did not come to its end: `service`, `hooks`.
    `complete` and `changed` are set by `verify`: is the live release all there, and which of its
    files differ from it; and so is `added`: which are not the release's. `seconds` is how long the
    target took. `output` is the end of what a failed program wrote, or the release's own.
    `remains` is what the target
    could not remove of old releases, and whose it is: a few of the files. `adopted` tells what the
    release took the place of: where it lies, or `-> TEXT` for a link. `in_the_way` is the error
    that what stands at the path now gives without `adopt`, "" for none. `shared` is set by
    `share`: of each shared path `KIND FILES LEFT PATH`. `came_by` is `pack` or `fetch` where the
    order had objects come to the target, `came_bytes` of them, in `came_seconds`, from `came_from`:
    a url or a path. `came_refused` are urls that gave other bytes than were ordered. `git` and
    `lacks` are set by `status` with `examine`: its version there, and what a fetch would lack, a
    line `WORD MORE` for each.
    """

    action: str
    target: str
    ok: bool
    error: str = ""
    message: str = ""
    seconds: float = 0.0
    live: str = ""
    previous: str = ""
    held: tuple[str, ...] = ()
    due: tuple[str, ...] = ()  # agents that do not tell have none
    output: str = ""
    complete: bool | None = None
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
    adopted: str = ""
    in_the_way: str = ""
    shared: tuple[str, ...] = ()
    came_by: str = ""
    came_from: str = ""
    came_bytes: int = 0
    came_seconds: float = 0.0
    came_refused: tuple[str, ...] = ()
    git: str = ""
    lacks: tuple[str, ...] = ()

    @property
    def what_is_live(self) -> str:
        """The release, or in words what stands in its place; not known of a silent one."""
        return what_is_live(self.live, self.in_the_way)

    @property
    def silent(self) -> bool:
        """Whether the target did not say what is live: its `live` is empty and means nothing."""
        if self.error in ERRORS:
            return not ERRORS[self.error].tells_live
        # A word of a newer agent: that nothing is live is not believed, for it may not have looked.
        return bool(self.error) and not self.live

    def is_current(self, release: str) -> bool:
        """Whether the target said that `release` is live, and that nothing is due after its switch.

        If not, an order to switch to it has something to do there.
        """
        return self.ok and self.live == release and not self.due

    @classmethod
    def answered(cls, answer: object, *, action: str, target: str) -> Outcome:
        """What a target answered to the order for `action`: anything at all, nothing of it raises.

        What is no outcome is the target's own failure, after which nothing is known of it.
        """
        try:
            outcome = cls.from_json(answer, target=target)
        except NoOutcome as error:
            why = str(error)
        else:
            if outcome.action in ("", action):
                return replace(outcome, message=" ".join(outcome.message.split("\n")))
            why = f"it is about `{outcome.action}`, not about `{action}`"
        message = f"the target answered with something that is no outcome: {why}"
        return cls(action=action, target=target, ok=False, error="crashed", message=message)

    @classmethod
    def from_json(cls, answer: object, *, target: str) -> Outcome:
        """The outcome in an answer. Fields that this version does not know are ignored.

        Raises `NoOutcome`.
        """
        values = {"action": "", **outcome_in(answer)}
        for name in _LISTS:
            values[name] = tuple(values.get(name, ()))
        return cls(target=target, **values)

    def to_json(self) -> dict[str, Any]:
        answer = asdict(self)
        lists = {name: list(answer[name]) for name in _LISTS}
        return {"version": ORDER_VERSION, **answer, **lists}
