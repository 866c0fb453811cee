"""The state of a rollout and the desired state, rebuilt when their files are lost or damaged.

Each is written to the journal before it is written to its file, so the newest one there is what the
file said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sartoris.documents import Unreadable
from sartoris.fleet.desired import Desired, Found, read_slots
from sartoris.journal.reader import JournalUnreadable, Record, believing, read_journal
from sartoris.rollout.decisions import Here, decisions, is_document
from sartoris.rollout.lock import Holder
from sartoris.rollout.old_journal import state_from_steps
from sartoris.rollout.state import Progress, RolloutState, StateLost

_NOTHING_WANTED = (
    "Until the next sync or revert no release is wanted; `git deploy report` shows what is live"
)


def rebuild_state(record: Record, here: Here) -> RolloutState | None:
    """The state of the record's rollout; None if it had only begun to start."""
    for event in reversed(record.events):
        if is_document(event, "rollout"):
            try:
                return RolloutState.from_json(event["content"])
            except ValueError:
                break  # a later version has written it
    return state_from_steps(record, here)


def agreed(state: RolloutState, desired: Desired | None, record: Record) -> RolloutState | None:
    """The rebuilt state, brought on to what the desired state of its slot says.

    None if the two do not agree: a journal may have stopped in the middle of a rollout.
    """
    if desired is None:
        return state
    if state.before is not None and state.before.release == desired.release:
        return replace(state, before=desired)
    if desired.rollout in record.tags:
        return state
    if state.rollout_tag and state.rollout_tag == desired.rollout:
        return state.reach(Progress.SWITCHING)
    return None


class Recovery:
    """What one working repository still knows when a file of its `directory` is lost.

    `ever_published` is whether anything was ever published from here, `here` what else only the
    repository knows; they are asked when they are needed. `warn` gets what a person should know
    about the desired state, once.
    """

    def __init__(
        self,
        directory: Path,
        ever_published: Callable[[], bool],
        here: Callable[[], Here],
        warn: Callable[[str], None],
    ) -> None:
        self._state_path = directory / "rollout.json"
        self._desired_path = directory / "desired.json"
        self._journal = directory / "journal.sqlite"
        self._ever_published = ever_published
        self._here = here
        self._warn = warn
        self._found: dict[str, Found] = {}

    def state(self, why: str, holder: Holder | None) -> RolloutState | None:
        """The state of the rollout whose lock `holder` has; None for none, or one that only begins.

        `why` says what is wrong with its file, "" if there is none. Raises `StateLost`.
        """
        if holder is None:
            return None
        try:
            record = read_journal(self._journal, holder.session)
            with believing(self._journal):
                return self._state(record, why, holder)
        except JournalUnreadable as error:
            if not why and self._only_begins(holder):
                return None
            raise self._lost(why, error.why) from error

    def _state(self, record: Record, why: str, holder: Holder) -> RolloutState | None:
        result = _result(record)
        if not holder.session and (result or not record.events):
            return None  # the damaged lock is of no rollout that the journal knows
        if not record.events:
            self._require_older(record, holder, why)
            return None
        state = rebuild_state(record, self._here())
        if result and not why:
            return _ended(state, holder, record, result)
        if state is None:
            return None
        found = agreed(state, self._desired(state.slot), record)
        if found is None:
            raise self._lost(why, "the journal and the desired state do not agree")
        return replace(found, rebuilt=_missing_or(why))

    def desired(self, why: str) -> Found:
        """The desired state; of no slots if the journal does not know it. `why`: as for `state`."""
        if why not in self._found:
            self._found[why] = self._rebuilt_desired(why)
            if self._found[why].note:
                self._warn(self._found[why].note)
        return self._found[why]

    def _rebuilt_desired(self, why: str) -> Found:
        what = f"the desired state, {self._desired_path}, {_missing_or(why)}"
        try:
            record = read_journal(self._journal, "")
            with believing(self._journal):
                slots = decisions(record, self._here()).slots
        except JournalUnreadable as error:
            if not why and self._is_new():
                return Found({})
            return Found({}, f"{what}, and cannot be rebuilt: {error.why}. {_NOTHING_WANTED}")
        if slots:
            now = ", ".join(f"{name} at {one.release}" for name, one in sorted(slots.items()))
            return Found(slots, f"{what}; rebuilt from the journal: {now}")
        return Found({}, f"{what}, and the journal names none. {_NOTHING_WANTED}" if why else "")

    def _require_older(self, record: Record, holder: Holder, why: str) -> None:
        """A journal that is older than the rollout would know what it did; a newer one does not."""
        knows = record.began is not None and record.began < holder.since
        if not knows and (why or not self._only_begins(holder)):
            raise self._lost(why, "the journal has nothing of this rollout")

    def _only_begins(self, holder: Holder) -> bool:
        """Whether the lock can be of a first rollout that was killed before it wrote its state."""
        return holder.action in ("start", "hotfix") and self._is_new()

    def _is_new(self) -> bool:
        """Whether nothing can be live from here yet."""
        return not self._ever_published() and not self._desired_path.exists()

    def _desired(self, slot: str) -> Desired | None:
        try:
            return read_slots(self._desired_path).get(slot)
        except Unreadable:
            return None

    def _lost(self, why: str, no_help: str) -> StateLost:
        return StateLost(
            f"the state of the rollout, {self._state_path}, {_missing_or(why)}, and it cannot be"
            f" rebuilt from the journal: {no_help}",
            next_steps=[
                "git deploy abort        # asks the targets, says what is live where, and ends it",
                "git deploy revert TAG   # makes one release live everywhere, and ends it",
                "git deploy report",
            ],
        )


def _missing_or(why: str) -> str:
    return f"cannot be read ({why})" if why else "is missing"


def _result(record: Record) -> str:
    """How the rollout has ended, "" if it has not, or went on after an end that was cut short."""
    result = ""
    for event in record.events:
        if event["event"] == "rollout-ended":
            result = event["result"]
        elif event["event"] == "step-started" or is_document(event, "rollout"):
            result = ""
    return result


def _ended(state: RolloutState | None, holder: Holder, record: Record, result: str) -> RolloutState:
    """Its state was removed, and a kill has left the lock."""
    if state is None:
        slot = record.events[-1].get("slot", "")
        state = RolloutState(session=holder.session, action=holder.action, prefix=slot, slot=slot)
    return replace(state, ended=result, rebuilt=_missing_or(""))
