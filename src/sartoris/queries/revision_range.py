"""Which commits `git deploy log` and `diff` are about."""

from __future__ import annotations

from sartoris.rollout.deployment import Deployment
from sartoris.rollout.lock import NoRollout


def shipped_range(d: Deployment) -> tuple[str, str]:
    """From the start of the rollout to its tag, or to HEAD before the sync. Raises `NoRollout`."""
    state = d.state_file.read()
    if state is None:
        raise NoRollout("look at")
    return state.start_tag or state.start_commit, state.rollout_tag or "HEAD"


def modified(d: Deployment) -> list[tuple[str, str]]:
    """Status letter and path of each file that the rollout changes; nothing outside of one."""
    try:
        before, after = shipped_range(d)
    except NoRollout:
        return []
    fields = d.repository.git.run(
        "diff", "--no-renames", "--name-status", "-z", before, after
    ).records
    return list(zip(fields[::2], fields[1::2], strict=True))
