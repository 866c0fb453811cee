"""Targets that the last rollout had, and the next one has not."""

from __future__ import annotations

from sartoris.formatting import plural
from sartoris.rollout.session import Session


def warn_about_removed_targets(session: Session) -> None:
    """Name them once: whoever retired a server knows, and whoever did not has to hear of it.

    A server that drops out of what `deploy.targets` matches goes on serving the release it has.
    """
    journal, slot = session.command.journal, session.slot
    targets = session.command.fleets.transport(slot.prefix).fleet()
    last = next(iter(journal.rollouts(prefix=slot.prefix, limit=1)), None)
    if last is None:
        return
    removed = [
        one.target
        for one in journal.targets(slot.name).values()
        if one.target not in targets and one.live and (one.answered_at or 0) >= last.started
    ]
    if removed:
        session.events.warn(
            f"{plural(len(removed), 'target')} of the last rollout ({last.tag}) not in the fleet"
            f" any more, and left with what it has: {', '.join(removed)}"
        )
