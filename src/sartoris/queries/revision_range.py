"""Which commits `git deploy log` and `diff` are about."""

from __future__ import annotations

from sartoris.git.repository import Repository
from sartoris.rollout.lock import NoRollout
from sartoris.rollout.records import Records


def shipped_range(records: Records) -> tuple[str, str]:
    """From the start of the rollout to what it ships, or to HEAD before the sync, as commits: tags
    may have been removed or moved meanwhile. Raises `NoRollout`.
    """
    state = records.state.read()
    if state is None:
        raise NoRollout("look at")
    return state.start_commit or state.start_tag, state.source or state.rollout_tag or "HEAD"


def modified(repository: Repository, records: Records) -> list[tuple[str, str]]:
    """Status letter and path of each file that the rollout changes; nothing outside of one."""
    try:
        before, after = shipped_range(records)
    except NoRollout:
        return []
    fields = repository.git.run(
        "diff", "--no-renames", "--name-status", "-z", before, after
    ).records
    return list(zip(fields[::2], fields[1::2], strict=True))
