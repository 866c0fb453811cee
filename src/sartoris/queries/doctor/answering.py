"""Ask every target how its slot is, to find out which of them would not take an order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sartoris.diagnostics import Finding, Remedy, ok, warning, wrong
from sartoris.fleet.adopted import in_the_way
from sartoris.fleet.causes import Cause, causes
from sartoris.fleet.remaining import remaining
from sartoris.fleet.shared import COPIES, would_leave
from sartoris.formatting import plural
from sartoris.orders import NEWEST_LEVEL, Order
from sartoris.queries.doctor.lacking import lacking, lacks
from sartoris.transports.base import Transport

ANSWER = 10  # seconds that a target gets
_OLD = ("agent-too-old", "unknown-version")


def answers(
    transport: Transport,
    order: Order,
    targets: Sequence[str],
    remedy: Remedy,
) -> Iterator[Finding]:
    """What `targets` answer to `order` and what they lack of what it needs, the failures by cause.

    `remedy` knows what to type.
    """
    # Only an agent of the newest level answers it.
    question = order._replace(examine=True, timeout=ANSWER, level=NEWEST_LEVEL)
    outcomes = list(transport.run(question, targets))
    answered = sum(outcome.ok for outcome in outcomes)
    if answered:
        text = (
            f"{plural(answered, 'target')} of {len(targets)}, with an agent of level {NEWEST_LEVEL}"
        )
        yield ok("answers", text)
    if remains := remaining(outcomes, order):
        yield warning("answers", remains.text, remains.step)
    for text, steps in in_the_way(outcomes, order):
        yield warning("path", text, *steps)
    yield from lacking(outcomes, order, transport)
    outcomes = [
        one for one in outcomes if all(one.error != lack.word for lack in lacks(one, order))
    ]
    old = {outcome.target for outcome in outcomes if outcome.error in _OLD}
    will_do = _new_enough(transport, order, old)
    for cause in causes(one for one in outcomes if one.target not in will_do):
        yield wrong("answers", cause.describe(), *_steps(cause, remedy))
    for cause in causes(one for one in outcomes if one.target in will_do):
        text = f"{cause.describe()}; what is configured now does not need it"
        yield warning("answers", text, *_steps(cause, remedy))


def shared(transport: Transport, order: Order, targets: Sequence[str]) -> Iterator[Finding]:
    """What of the live site would leave it with the next release, at a path that is shared."""
    question = order._replace(action="share", timeout=ANSWER)
    outcomes = list(transport.run(question, targets))
    left = list(would_leave(outcomes, order))
    for text in left:
        yield warning("shared", text, COPIES)
    if not left and any(outcome.ok for outcome in outcomes):
        yield ok("shared", f"nothing live at {', '.join(order.shared)} would leave the site")


def _new_enough(transport: Transport, order: Order, old: Collection[str]) -> set[str]:
    """Those of the targets with an old agent whose agent can do what is configured now."""
    needed = order._replace(action="fetch").needed_level
    if not old or needed >= NEWEST_LEVEL:
        return set()
    question = order._replace(timeout=ANSWER, level=needed)
    return {one.target for one in transport.run(question, sorted(old)) if one.error not in _OLD}


def _steps(cause: Cause, remedy: Remedy) -> Sequence[str]:
    return remedy(cause.error, cause.targets) or ("git deploy report",)
