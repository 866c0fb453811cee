"""How far a rollout had come, from the events of a Sartoris that did not record its states.

Where they leave a doubt, the answer is the one after which nothing is forgotten that may be live.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sartoris.journal.reader import Record, Recorded
from sartoris.rollout.decisions import Here, as_shipped, decisions
from sartoris.rollout.delivery import Way
from sartoris.rollout.state import Progress, RolloutState


@dataclass(frozen=True)
class _Steps:
    """The events of one rollout, as an older Sartoris has recorded them."""

    events: tuple[Recorded, ...]

    def last(self, kind: str) -> Recorded | None:
        return next((one for one in reversed(self.events) if one["event"] == kind), None)

    def began(self, *steps: str) -> bool:
        return any(one["event"] == "step-started" and one["step"] in steps for one in self.events)

    def ended(self, *steps: str) -> bool:
        return any(one["event"] == "step-finished" and one["step"] in steps for one in self.events)

    def detail(self, step: str) -> str:
        found = [one for one in self.events if one["event"] == "step-started"]
        return next((one["detail"] for one in reversed(found) if one["step"] == step), "")


def state_from_steps(record: Record, here: Here) -> RolloutState | None:
    """The state as far as the steps tell; None if the rollout had only begun to start."""
    steps = _Steps(record.events)
    started = steps.last("rollout-started")
    if started is None:
        return None
    state = RolloutState(
        session=record.session,
        action=started["action"],
        prefix=started["prefix"],
        slot=started["slot"],
        branch=here.branch,
        start_tag=started["start_tag"],
        start_commit=started["start_commit"],
        progress=Progress.STARTED if steps.ended("pull", "check") else Progress.STARTING,
    )
    state = _tagged(state, steps, _way(state, steps, here))
    state = _published(state, steps)
    return _aborting(_switching(state, record, here), steps)


def _tagged(state: RolloutState, steps: _Steps, way: Way) -> RolloutState:
    tagged = steps.last("tagged")
    if tagged is None:
        return state
    is_fleets_revert = state.action == "revert" and way == "fleet"
    return state.reach(
        Progress.TAGGED,
        rollout_tag=tagged["tag"],
        release=steps.detail("publish") if is_fleets_revert else tagged["tag"],
        source=tagged["commit"],
        message=tagged["message"],
        remote=tagged["pushed"],
        tagged_at=tagged["at"],
        way=way,
    )


def _way(state: RolloutState, steps: _Steps, here: Here) -> Way:
    """Only what goes to our fleet is composed or published by `git deploy` itself; a revert of the
    fleet checks out nothing before its tag.
    """
    if steps.began("sync hook"):
        return "hook"
    if steps.began("compose", "publish"):
        return "fleet"
    if state.action == "revert" and not steps.began("start tag", "check"):
        return "fleet"
    return "hook" if here.way(state.prefix) == "hook" else "hand"


def _published(state: RolloutState, steps: _Steps) -> RolloutState:
    published = steps.last("published")
    if published is None or state.progress < Progress.TAGGED:
        return state
    release, commit = published["release"], published["commit"]
    return state.reach(Progress.PUBLISHED, release=release, commit=commit)


def _switching(state: RolloutState, record: Record, here: Here) -> RolloutState:
    """With what the slot should have had before; from the switch on, some targets may have it."""
    made = decisions(record, here)
    changes = [one for one in record.events if one["event"] == "desired-state-changed"]
    if not changes:
        return replace(state, before=made.slots.get(state.slot)) if state.rollout_tag else state
    slot, release = state.slot, changes[0]["before"]
    before = made.known.get((slot, release))
    before = before or as_shipped(record, slot, release, here)
    return state.reach(Progress.SWITCHING, before=before, release=changes[0]["release"])


def _aborting(state: RolloutState, steps: _Steps) -> RolloutState:
    """An abort takes the fleet back first, then the working repository."""
    took_back = steps.began("take back")
    tree_went_back = steps.began("reset") and state.action != "revert"
    if not took_back and not tree_went_back:
        return state
    has_rollback_tag = state.way != "fleet" and state.progress >= Progress.TAGGED
    last_tag = steps.detail("tag")
    rollback = last_tag if has_rollback_tag and last_tag != state.rollout_tag else ""
    return replace(state, aborting=True, rollback_tag=rollback)
