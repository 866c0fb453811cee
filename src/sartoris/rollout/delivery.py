"""How a release gets to the servers: three ways, one of which is chosen with the rollout tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["fleet", "hook", "hand"]


@dataclass(frozen=True)
class Delivery:
    """`name` is what the state file says. `is_ours`: we bring it, and know what is live where.

    `reached` is what can be said once it is done, `result` what post-sync hooks are told then.
    """

    name: Way
    is_ours: bool
    reached: str
    result: str


TO_FLEET = Delivery("fleet", True, "is live on the fleet", "complete")
BY_HOOK = Delivery("hook", False, "is synchronised", "complete")
BY_HAND = Delivery("hand", False, "is tagged", "by-hand")

DELIVERIES: dict[Way, Delivery] = {one.name: one for one in (TO_FLEET, BY_HOOK, BY_HAND)}
