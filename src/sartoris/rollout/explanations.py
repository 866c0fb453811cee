"""What each state of a rollout means, in words, and what to type next."""

from __future__ import annotations

from sartoris.rollout.state import Progress, RolloutState

Meaning = tuple[str, tuple[str, ...]]

# When no command is running.
_MEANING: dict[Progress, Meaning] = {
    Progress.STARTING: (
        "its start did not come to an end",
        ("git deploy start", "git deploy abort"),
    ),
    Progress.STARTED: ("started, not synced yet", ("git deploy sync", "git deploy abort")),
    Progress.TAGGED: (
        "tagged, not published: nothing has been sent to a target",
        ("git deploy resync", "git deploy abort"),
    ),
    Progress.PUBLISHED: (
        "published, not passed the gate: nothing live has changed",
        ("git deploy resync", "git deploy abort"),
    ),
    Progress.SWITCHING: (
        "switching was cut short: some targets may have the new release live, others the old one",
        ("git deploy resync", "git deploy abort", "git deploy report"),
    ),
    Progress.SYNCED: (
        "the release is live, the rollout is not finished",
        ("git deploy finish", "git deploy abort"),
    ),
}

_ABORTING: Meaning = (
    "its abort was cut short: the fleet and the working repository may be half way back",
    ("git deploy abort", "git deploy report"),
)

_RETURNING: Meaning = (
    "its push-hotfix was cut short: its merge may be checked out instead of the hotfix",
    ("git deploy push-hotfix", "git deploy abort"),
)

_REVERTED: Meaning = (
    "the release is live, the working repository may not have followed yet",
    ("git deploy resync", "git deploy abort"),
)

# A sync script of the site's own that uses our library goes on after the last switch.
_SCRIPT_FAILED: Meaning = (
    "the release is live, its sync hook or what follows it has not succeeded yet",
    ("git deploy resync", "git deploy finish", "git deploy abort"),
)

# A release that does not get to the servers by us.
_NOT_OURS: dict[str, Meaning] = {
    "hand": (
        "tagged; waiting for the synchronisation by hand, then `git deploy finish`",
        ("git deploy finish", "git deploy abort"),
    ),
    "hook": (
        "tagged; its sync hook has not succeeded yet",
        ("git deploy resync", "git deploy finish", "git deploy abort"),
    ),
}


def rebuilt(state: RolloutState) -> str:
    """That the state is not from its file, for a person."""
    return f"the file of the rollout's state {state.rebuilt}; the state is rebuilt from the journal"


def meaning(state: RolloutState, running: int | None) -> Meaning:
    """The state in words, and the commands that lead on. `running`: the process that is at work."""
    if running is not None:
        return f"process {running} is working on it (progress: {state.progress})", ()
    if state.aborting:
        return _ABORTING
    if state.returning:
        return _RETURNING
    if state.progress is Progress.TAGGED and state.way in _NOT_OURS:
        return _NOT_OURS[state.way]
    if state.progress is Progress.SYNCED and state.way == "hook":
        return _SCRIPT_FAILED
    if state.action == "revert" and state.progress is Progress.SYNCED:
        return _REVERTED
    return _MEANING[state.progress]
