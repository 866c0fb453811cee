"""What one hook did."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sartoris.errors import Refused
from sartoris.formatting import signal_name
from sartoris.permissions import how_to_make, let, may_change
from sartoris.shell import command


@dataclass(frozen=True)
class HookReport:
    """What one hook did, or why it was skipped.

    `phase` is "sync" for the sync hook. `exit_code` is None when the hook did not end by itself or
    was never started (`problem` says why), and negative when a signal killed it. `seconds` is how
    long it ran, `output_tail` the last lines that it wrote. `skipped_reason` is "" if it ran.
    `interrupted`: it had the terminal, and Ctrl-C was typed there, which was meant for us, too.
    `stops`: a failure is the error of the command that ran it, which tells it.
    """

    hook: Path
    phase: str
    exit_code: int | None = None
    seconds: float = 0.0
    output_tail: str = ""
    interrupted: bool = False
    skipped_reason: str = ""
    problem: str = ""
    stops: bool = False

    @property
    def ok(self) -> bool:
        """Whether the rollout may go on: the hook succeeded, or was skipped."""
        return not self.failure

    @property
    def failure(self) -> str:
        """What went wrong, to stand after the hook's path; "" if nothing did."""
        if self.problem or self.skipped_reason or self.exit_code is None:
            return self.problem
        if self.exit_code < 0:
            return f"was killed by {signal_name(-self.exit_code)}"
        return f"exited with {self.exit_code}" if self.exit_code else ""


class HookFailed(Refused):
    """A hook failed, and with it what it was to allow. `report` says how."""

    def __init__(
        self, report: HookReport, *, action: str, what: str = "", first: Iterable[str] = ()
    ) -> None:
        self.report = report
        super().__init__(
            what or f"the {report.phase} hook {report.hook} {report.failure}",
            next_steps=[*first, f"git deploy {action}   # again, when the hook passes"],
        )


class HookCannotRun(HookFailed):
    """A hook that is wanted cannot run. To go on would be to skip what it checks."""

    def __init__(self, report: HookReport, *, action: str) -> None:
        path, missing = str(report.hook), not os.path.lexists(report.hook)
        what = f"the hooks in {path}" if missing else f"the {report.phase} hook {path}"
        super().__init__(
            report,
            action=action,
            what=f"{what} cannot run: {report.problem}",
            first=_no_directory(path) if missing else _cannot_run(report.hook, report.problem),
        )


def _no_directory(path: str) -> list[str]:
    return [how_to_make(Path(path)), "git config --unset deploy.hook-dir"]


def _cannot_run(hook: Path, problem: str) -> list[str]:
    path = str(hook)
    if "noexec" in problem:
        fix = command("findmnt", "--target", path)
    elif hook.exists():
        fix = let(hook.stat().st_uid, command("chmod", "+x", path))
    else:
        fix = command("ls", "-lL", path)
    aside, place = command("mv", path, f"{path}.bak"), hook.parent
    aside = aside if may_change(place) else let(place.stat().st_uid, aside)
    return [fix, f"{aside}   # if it is not to run"]
