"""The last words of a sync, on standard error."""

from __future__ import annotations

from sartoris.actions.roll_out import SyncResult
from sartoris.display import streams
from sartoris.display.terminal import Style
from sartoris.formatting import plural
from sartoris.rollout.delivery import BY_HOOK
from sartoris.rollout.state import Progress


def tell_synced(synced: SyncResult) -> None:
    """What is live, or what is left to do by hand."""
    state = synced.state
    if state.progress < Progress.TAGGED:
        is_same = state.source == state.start_commit
        step = "git deploy --force sync" if is_same else "git deploy sync"
        streams.say(f"The working repository is reverted. Now:\n  {step}")
    elif state.delivery.is_ours:
        _tell_live(synced)
    elif state.delivery is BY_HOOK:
        streams.say(f"{state.rollout_tag} is synchronised by the sync hook.")
        _tell_left_behind(synced.left_behind)
    else:
        streams.say(
            f"{state.rollout_tag} is tagged. Synchronise by hand, then\n  git deploy finish"
        )


def _tell_live(synced: SyncResult) -> None:
    """What is live, on how many, and who was left behind."""
    there = synced.total - len(synced.left_behind)
    release = synced.state.release
    style: Style = "yellow" if synced.left_behind or synced.left_out else "green"
    out = f", {len(synced.left_out)} left out" if synced.left_out else ""
    streams.say(f"{release} is live on {there} of {plural(synced.total, 'target')}{out}.", style)
    _tell_left_behind(synced.left_behind)
    for name, why in synced.left_out.items():
        streams.say(f"Left out: {name}, {why}")


def _tell_left_behind(left_behind: tuple[str, ...]) -> None:
    if left_behind:
        names = " ".join(left_behind)
        streams.say(
            f"Left behind: {names}. Once the cause is fixed:\n  git deploy converge {names}"
        )
