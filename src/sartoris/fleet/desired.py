"""The desired state: which release each slot should have now.

It changes at one point of a sync, between the gate and the first switch, and targets that were away
converge on it. One JSON file in the deployment server's `.git/deploy/`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from sartoris import atomic
from sartoris.errors import Refused
from sartoris.shell import command


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What one slot should have. `since` is in seconds since the epoch.

    `release` is the tag under which targets hold it, `commit` the composed commit, `source` the
    commit that it was composed from, `rollout` the tag of the rollout that decided it,
    `deploy_text` what its deploy file says.
    """

    slot: str
    prefix: str
    path: str
    release: str
    commit: str
    source: str
    rollout: str
    since: float
    deploy_text: str = ""


class DesiredState:
    """The file at `path`. Raises `Refused` when it is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def slots(self) -> dict[str, Desired]:
        try:
            document = atomic.read_json(self.path) or {}
            return {name: Desired(**slot) for name, slot in document.items()}
        except (ValueError, TypeError) as error:
            aside = command("mv", str(self.path), f"{self.path}.broken")
            raise Refused(
                f"the desired state, {self.path}, cannot be read ({error})",
                next_steps=[aside, "git deploy show", "git deploy revert TAG   # writes it anew"],
            ) from error

    def of(self, slot: str) -> Desired | None:
        return self.slots().get(slot)

    def set(self, desired: Desired) -> None:
        self._write({**self.slots(), desired.slot: desired})

    def unset(self, slot: str) -> None:
        """The slot should have nothing, as before its first rollout."""
        self._write({name: one for name, one in self.slots().items() if name != slot})

    def _write(self, slots: dict[str, Desired]) -> None:
        atomic.write_json(self.path, {name: asdict(one) for name, one in slots.items()})
