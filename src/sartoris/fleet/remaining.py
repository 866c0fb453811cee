"""What targets could not remove of old releases: it takes space, and only a person can help."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from sartoris.formatting import plural
from sartoris.orders import Order, Outcome


class Remaining(NamedTuple):
    """`text` is for a person, `step` what to type on the targets."""

    text: str
    step: str


def remaining(outcomes: Iterable[Outcome], order: Order) -> Remaining | None:
    """What they say to orders like `order`; None if nothing remains anywhere."""
    having = [outcome for outcome in outcomes if outcome.remains]
    if not having:
        return None
    names = ", ".join(outcome.target for outcome in having[:8])
    shown = ", ".join(having[0].remains)
    trash = f"{posixpath.dirname(order.path)}/.sartoris/trash/{order.slot}"
    return Remaining(
        f"{plural(len(having), 'target')} ({names}) cannot remove of old releases: {shown}",
        f"rm -rf {shlex.quote(trash)}   # there, as a user who may",
    )
