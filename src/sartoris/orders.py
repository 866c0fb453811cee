"""Orders and outcomes: what travels to a target, and what it answers (docs/orders.md).

Both are plain JSON on the wire. Here they are frozen objects; the agent, which travels alone, works
on the JSON itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

ORDER_VERSION = 1

Action = Literal["fetch", "switch", "withdraw", "status", "verify", "service"]
ServiceAction = Literal["", "restart", "reload", "status"]
SwitchMode = Literal["atomic", "in-place"]

# With these a target did not look, or could not be asked, what is live on it.
_NOT_KNOWN = frozenset(
    {
        *("unreachable", "timeout", "agent-missing", "agent-too-old", "unknown-version"),
        *("bad-order", "bad-policy", "not-allowed", "directory-not-ready", "path-leads-out"),
        *("killed", "crashed"),
    }
)

_LISTS = ("held", "due", "changed")  # in JSON; tuples here


def now() -> int:
    """The time for `Order.decided`."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, kw_only=True)
class Order:
    """What targets are told to do; the same for each of them.

    `path` is where the slot lives on a target, absolute. `release` is the rollout tag, `commit` the
    full id that it must resolve to. `keep` is how many releases stay beside the live one, `timeout`
    is in seconds, `size` the bytes that the fetch may need at most (0: not known). `deploy_text` is
    written to `deploy_file` inside the release; `shared` are paths that outlive releases. `service`
    is a unit of the target, and `service_action` what is done to it after a switch, or at once by
    the action `service`. `decided` is when the deployment server decided on the release, in
    milliseconds since the epoch; an order to `catch_up` is not for targets that were told later
    to have another.
    """

    action: Action
    repository: str
    slot: str
    path: str
    release: str = ""
    commit: str = ""
    url: str = ""
    switch: SwitchMode = "atomic"
    submodules: str = "compose"
    shared: tuple[str, ...] = ()
    keep: int = 5
    timeout: int = 600
    deploy_file: str = ".deploy"
    deploy_text: str = ""
    adopt: bool = False
    size: int = 0
    service: str = ""
    service_action: ServiceAction = ""
    decided: int = 0
    catch_up: bool = False

    @property
    def level(self) -> int:
        """The level of agent that carries this order out in full; older ones can answer the rest.

        `fetch` needs what `switch` will need: a target that is too old is told before the gate.
        """
        changes = self.action in ("fetch", "switch", "service")
        return 2 if changes and (self.service or self.submodules == "update") else 1

    def to_json(self) -> dict[str, Any]:
        level = {"level": self.level} if self.level > 1 else {}
        return {"version": ORDER_VERSION, **level, **asdict(self), "shared": list(self.shared)}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one target answered, or what its transport answers for it.

    `error` is a word from the agent's fixed list (empty when `ok`), `message` one line for a
    person, the same on every target that failed for the same reason. `live` is the release that
    is live now ("" for none), `held` the complete releases of the slot, oldest first. `due` is what
    should have followed the switch to it and did not come to its end: `service`, `hooks`.
    `complete` and `changed` are set by `verify`: is the live release all there, and which of its
    files differ from it. `seconds` is how long the target took. `output` is the end of what a
    failed program wrote.
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

    @property
    def silent(self) -> bool:
        """Whether the target did not say what is live: its `live` is empty and means nothing."""
        return self.error in _NOT_KNOWN

    def is_current(self, release: str) -> bool:
        """Whether the target said that `release` is live, and that nothing is due after its switch.

        If not, an order to switch to it has something to do there.
        """
        return self.ok and self.live == release and not self.due

    @classmethod
    def from_json(cls, answer: Mapping[str, Any], *, target: str) -> Outcome:
        """The outcome in an agent's answer. Fields that this version does not know are ignored."""
        known = {field.name for field in fields(cls)} - {"target"}
        values = {key: value for key, value in answer.items() if key in known}
        for name in _LISTS:
            values[name] = tuple(values.get(name, ()))
        return cls(target=target, **values)

    def to_json(self) -> dict[str, Any]:
        answer = asdict(self)
        lists = {name: list(answer[name]) for name in _LISTS}
        return {"version": ORDER_VERSION, **answer, **lists}
