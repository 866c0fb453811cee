"""Targets that the last rollout had, and the next one has not."""

from __future__ import annotations

from sartoris.rollout.deployment import Deployment
from sartoris.wording import plural


def tell_of_departed(d: Deployment) -> None:
    """Name them once: whoever retired a server knows, and whoever did not has to hear of it.

    A server that drops out of what `deploy.targets` matches goes on serving the release it has.
    """
    last = next(iter(d.journal.rollouts(prefix=d.prefix, limit=1)), None)
    if last is None:
        return
    departed = [
        one.target
        for one in d.journal.targets(d.slot).values()
        if one.target not in d.fleet.targets and one.live and (one.answered_at or 0) >= last.started
    ]
    if departed:
        d.events.warn(
            f"{plural(len(departed), 'target')} of the last rollout ({last.tag}) not in the fleet"
            f" any more, and left with what it has: {', '.join(departed)}"
        )
