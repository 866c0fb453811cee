"""What a minion returned, as an outcome (docs/orders.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sartoris.salt.signatures import SIGNATURE

_OUTPUT_LINES = 20
_SENT = ("jid", "minion", "value", "ran")
_OF_LATER = ("vouched", "cached")
SYNC = "type: salt '*' saltutil.sync_modules"


@dataclass(frozen=True)
class Return:
    """What one minion returned to one job.

    `ran` is False when Salt could not run the function, and when an outcome is not ok. With
    `waits` it told so by an event, and the job goes on (`sartoris.salt.module.listening`).
    `vouched`: the minion itself has signed it. `cached`: the master has it in its job cache.
    """

    jid: str
    minion: str
    value: Any
    ran: bool = True
    waits: bool = False
    vouched: bool = False
    cached: bool = False

    def to_json(self) -> dict[str, Any]:
        """For a deployment server, which may be of another release; nobody waits there."""
        return {name: getattr(self, name) for name in (*_SENT, *_OF_LATER)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Return:
        """What a master of any release has sent."""
        # An older runner has looked into the master's job cache, and nowhere else.
        later = {"vouched": document.get("vouched") is True, "cached": document.get("cached", True)}
        return cls(**{name: document[name] for name in _SENT}, **later)


def outcome_of(answer: Return, action: str, *, of_slot: bool = True) -> dict[str, Any]:
    """The agent's own outcome; or why it is not one.

    Without `of_slot` the order named none, and the outcomes of all slots, by path, are `slots`.
    """
    if isinstance(answer.value, dict) and "ok" in answer.value:
        return {**_with_way_out(_unsigned(answer.value)), "target": answer.minion}
    if not of_slot and _is_of_every_slot(answer.value) and (answer.ran or answer.value):
        good = all(one["ok"] for one in answer.value.values())
        slots = {path: _unsigned(one) for path, one in answer.value.items()}
        return {"action": action, "target": answer.minion, "ok": good, "slots": slots}
    if answer.ran:
        error, message = "crashed", "the module answered with something that is not an outcome"
    else:
        # Salt has no word for it that a program could read. The agent itself never raises.
        what = "the minion has no such function in git_deploy"
        error, message = "agent-missing", f"{what}; once it has its list (sartoris.target) {SYNC}"
    text = answer.value if isinstance(answer.value, str) else repr(answer.value)
    output = "\n".join(text.strip().splitlines()[-_OUTPUT_LINES:])
    return failed(answer.minion, action, error, message, output)


def _is_of_every_slot(value: Any) -> bool:
    """Whether it is what a minion answers that was asked of all its slots: outcomes by path."""
    return isinstance(value, dict) and all(
        isinstance(one, dict) and "ok" in one for one in value.values()
    )


def _unsigned(outcome: dict[str, Any]) -> dict[str, Any]:
    """As the agent gave it."""
    return {name: value for name, value in outcome.items() if name != SIGNATURE}


def not_its_own(minion: str, action: str) -> dict[str, Any]:
    """What is said of a minion in whose name something came that is not signed with its key."""
    message = (
        "an answer came in its name that its key has not signed: from another minion, or from an"
        f" older module; {SYNC}"
    )
    return failed(minion, action, "not-signed", message)


def _with_way_out(outcome: dict[str, Any]) -> dict[str, Any]:
    if outcome.get("error") not in ("agent-too-old", "unknown-version"):
        return outcome
    return {**outcome, "message": f"{outcome.get('message')}; {SYNC}"}


def failed(target: str, action: str, error: str, message: str, output: str = "") -> dict[str, Any]:
    """An outcome that no agent gave."""
    return {
        "version": 1,
        "action": action,
        "target": target,
        "ok": False,
        "error": error,
        "message": message,
        "seconds": 0.0,
        "output": output,
    }
