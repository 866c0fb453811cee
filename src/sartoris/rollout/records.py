"""The files of one repository in which rollouts are written down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.rollout.lock import RolloutLock

if TYPE_CHECKING:
    from sartoris.fleet.desired import DesiredState
    from sartoris.rollout.site import Site
    from sartoris.rollout.state import StateFile
    from sartoris.workspace.checkout_log import CheckoutLog


@dataclass(frozen=True)
class Records:
    """Where they are. `directory` is Sartoris's own; the lock may be elsewhere.

    Nothing is opened or read before it is asked for: `status` is quick.
    """

    directory: Path
    lock: RolloutLock

    @classmethod
    def of(cls, site: Site) -> Records:
        root = site.config.lock_dir_root
        above = root / "git-deploy" if root else site.directory
        return cls(site.directory, RolloutLock(above / "lock"))

    @property
    def state(self) -> StateFile:
        from sartoris.rollout.state import StateFile

        return StateFile(self.directory / "rollout.json")

    @property
    def desired(self) -> DesiredState:
        from sartoris.fleet.desired import DesiredState

        return DesiredState(self.directory / "desired.json")

    @property
    def checkouts(self) -> CheckoutLog:
        from sartoris.workspace.checkout_log import CheckoutLog

        return CheckoutLog(self.directory / "moves")

    @property
    def running(self) -> Path:
        """Locked by the kernel for as long as a command runs that changes something."""
        return self.directory / "running"

    @property
    def journal(self) -> Path:
        return self.directory / "journal.sqlite"
