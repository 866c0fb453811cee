"""The table of situations and commands: where a rollout stands, and what may be typed there.

`join` refuses by it, `status` and the documentation read it. A situation follows from the state on
disk alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sartoris.errors import Refused
from sartoris.rollout.delivery import BY_HAND, BY_HOOK
from sartoris.rollout.lock import NoRollout
from sartoris.rollout.state import Progress, RolloutState


class Situation(StrEnum):
    """Where a rollout stands while no command is running."""

    NONE = "none"
    STARTING = "starting"
    STARTED = "started"
    RETURNING = "returning"
    HALF_SWITCHED = "half-switched"
    TAGGED = "tagged"
    TAGGED_BY_HAND = "tagged-by-hand"
    TAGGED_BY_HOOK = "tagged-by-hook"
    PUBLISHED = "published"
    ROLLED_BACK = "rolled-back"
    SWITCHING = "switching"
    SYNCED = "synced"
    SYNCED_BY_HOOK = "synced-by-hook"
    REVERTED = "reverted"
    ABORTING = "aborting"
    ENDED = "ended"


@dataclass(frozen=True)
class Row:
    """`explanation` says it in words, `next_steps` are commands that lead on, the best one first.

    `leads_to` has each command that may be used here, and where it leads when it succeeds. What is
    in `with_force` may be used with --force.
    """

    explanation: str
    next_steps: tuple[str, ...]
    leads_to: Mapping[str, Situation]
    with_force: Mapping[str, Situation] = field(default_factory=dict)


_S = Situation
# Always a way out of an open rollout.
_OUT = {"abort": _S.NONE, "revert": _S.NONE}
_FINISH = {"finish": _S.NONE}
# For one that goes on from where another sync stopped.
_AGAIN = {"resync": _S.NONE, **_OUT}

TABLE: dict[Situation, Row] = {
    _S.NONE: Row(
        "no rollout is in progress",
        ("git deploy start",),
        {"start": _S.STARTED, "hotfix": _S.STARTED, "revert": _S.NONE},
    ),
    _S.STARTING: Row(
        "its start did not come to an end",
        ("git deploy start", "git deploy abort"),
        {"start": _S.STARTED, "hotfix": _S.STARTED, **_OUT},
    ),
    _S.STARTED: Row(
        "started, not synced yet",
        ("git deploy sync", "git deploy abort"),
        {
            "sync": _S.NONE,
            "manual-sync": _S.TAGGED_BY_HAND,
            "release": _S.NONE,
            "push-hotfix": _S.STARTED,
            **_OUT,
        },
    ),
    _S.RETURNING: Row(
        "its push-hotfix was interrupted: its merge may be checked out instead of the hotfix",
        ("git deploy push-hotfix", "git deploy abort"),
        {"push-hotfix": _S.STARTED, **_OUT},
    ),
    # A revert takes over what it finds; a start that clears it away would leave the fleet mixed.
    _S.HALF_SWITCHED: Row(
        "its revert stopped before its tag, after an interrupted switch: targets may differ",
        ("git deploy abort", "git deploy report"),
        _OUT,
    ),
    _S.TAGGED: Row(
        "tagged, not published: nothing has been sent to a target",
        ("git deploy resync", "git deploy abort"),
        _AGAIN,
        _FINISH,
    ),
    _S.TAGGED_BY_HAND: Row(
        "tagged; waiting for the synchronisation by hand, then `git deploy finish`",
        ("git deploy finish", "git deploy abort"),
        # A resync makes the tag where a kill left it unmade; else there is nothing to repeat.
        {**_FINISH, "resync": _S.TAGGED_BY_HAND, **_OUT},
    ),
    _S.TAGGED_BY_HOOK: Row(
        "tagged; its sync hook has not succeeded yet",
        ("git deploy resync", "git deploy finish", "git deploy abort"),
        {**_AGAIN, **_FINISH},
    ),
    _S.PUBLISHED: Row(
        "published, not passed the gate: no target was told to switch",
        ("git deploy resync", "git deploy abort"),
        _AGAIN,
        _FINISH,
    ),
    _S.ROLLED_BACK: Row(
        "its gate closed in the switch: every target that had switched answered that it went back",
        ("git deploy resync", "git deploy abort"),
        _AGAIN,
        _FINISH,
    ),
    _S.SWITCHING: Row(
        "switching was interrupted: some targets may have its release live, others what was live"
        " before",
        ("git deploy resync", "git deploy abort", "git deploy report"),
        _AGAIN,
        _FINISH,
    ),
    # A resync runs the post-sync hooks, a finish does not.
    _S.SYNCED: Row(
        "the release is live, its post-sync hooks may not have come to their end",
        ("git deploy resync", "git deploy finish", "git deploy abort"),
        {**_AGAIN, **_FINISH},
    ),
    # A sync script of the site's own that uses our library goes on after the last switch.
    _S.SYNCED_BY_HOOK: Row(
        "the release is live, its sync hook or what follows it has not succeeded yet",
        ("git deploy resync", "git deploy finish", "git deploy abort"),
        {**_AGAIN, **_FINISH},
    ),
    _S.REVERTED: Row(
        "the release is live, the working repository may not have followed yet",
        ("git deploy resync", "git deploy abort"),
        {**_AGAIN, **_FINISH},
    ),
    _S.ABORTING: Row(
        "its abort was interrupted: the fleet and the working repository may be half way back",
        ("git deploy abort", "git deploy report"),
        _OUT,
    ),
    # Each command that changes something frees the lock, before it does anything.
    _S.ENDED: Row(
        "it has ended, and was killed before it freed its lock; the next command frees it",
        ("git deploy start", "git deploy report"),
        {"start": _S.STARTED, "hotfix": _S.STARTED, "revert": _S.NONE},
    ),
}


class NotNow(Refused):
    """The command cannot be used where the rollout stands."""


def situation(state: RolloutState | None) -> Situation:
    """Where the rollout of `state` stands; None: there is none."""
    if state is None:
        return Situation.NONE
    if state.ended:
        return Situation.ENDED
    if state.aborting:
        return Situation.ABORTING
    if state.returning:
        return Situation.RETURNING
    if state.is_after_half and state.progress < Progress.SWITCHING:
        is_tagged = state.progress >= Progress.TAGGED
        return Situation.SWITCHING if is_tagged else Situation.HALF_SWITCHED
    if state.progress is Progress.TAGGED and state.delivery in (BY_HAND, BY_HOOK):
        by_hand = state.delivery is BY_HAND
        return Situation.TAGGED_BY_HAND if by_hand else Situation.TAGGED_BY_HOOK
    if state.progress is Progress.PUBLISHED and state.is_rolled_back:
        return Situation.ROLLED_BACK
    if state.progress is Progress.SYNCED and state.delivery is BY_HOOK:
        return Situation.SYNCED_BY_HOOK
    if state.progress is Progress.SYNCED and state.action == "revert":
        return Situation.REVERTED
    return Situation(str(state.progress))


def explain(state: RolloutState, running: int | None) -> tuple[str, tuple[str, ...]]:
    """The situation in words, and the commands that lead on. `running`: the process at work."""
    if running is not None:
        return f"process {running} is working on it (progress: {state.progress})", ()
    row = TABLE[situation(state)]
    return row.explanation, row.next_steps


def way_on(state: RolloutState) -> str:
    """The command that goes on with a rollout that targets may have heard of; "" for another one.

    What it would do is not to be done beside it.
    """
    leads_to = TABLE[situation(state)].leads_to
    if state.aborting or situation(state) is Situation.HALF_SWITCHED:
        return "git deploy abort"
    is_sent = state.progress >= Progress.TAGGED and state.delivery is not BY_HAND
    return "git deploy resync" if is_sent and "resync" in leads_to else ""


def say_rebuilt(state: RolloutState) -> str:
    """That the state is not from its file, for a person."""
    return f"the file of the rollout's state {state.rebuilt}; the state is rebuilt from the journal"


def require_allowed(command: str, state: RolloutState | None, *, force: bool = False) -> None:
    """Raises `NoRollout` or `NotNow` if `command` cannot be used where the rollout stands."""
    here = situation(state)
    row = TABLE[here]
    if command in row.leads_to or (force and command in row.with_force):
        return
    if here is Situation.ENDED:
        raise NoRollout(command)
    if state is None or (here is Situation.STARTING and command in ("resync", "finish")):
        raise NoRollout(command)
    raise NotNow(_reason(command, here, state), next_steps=[*row.next_steps, "git deploy status"])


def _reason(command: str, here: Situation, state: RolloutState) -> str:
    is_tagged = state.progress >= Progress.TAGGED
    if here is Situation.ABORTING:
        return f"the rollout is being aborted, and that was interrupted: no {command} is possible"
    if here is Situation.HALF_SWITCHED:
        return (
            "a revert stopped before its tag, after a switch that was interrupted, so targets may"
            f" differ: no {command} is possible"
        )
    if command == "push-hotfix":
        return "a hotfix is pushed between its start and its sync"
    if here is Situation.RETURNING:
        return (
            "push-hotfix was interrupted, and what is checked out now may be its merge with"
            f" the remote's branch instead of the hotfix, {state.returning[:12]}"
        )
    if command in ("start", "hotfix"):
        return f"your rollout is in progress already ({TABLE[here].explanation})"
    if here is Situation.STARTING:
        return "the start of this rollout was interrupted"
    if not is_tagged:
        return f"the rollout has not been synced yet, so there is nothing to {command}"
    if command == "finish":
        return (
            f"the rollout of {state.rollout_tag} has not reached the fleet"
            f" (progress: {state.progress})"
        )
    return f"this rollout was synced before, as {state.rollout_tag}, and is not complete"
