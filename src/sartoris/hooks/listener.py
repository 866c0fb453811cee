"""What hears of hooks while they run."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from sartoris.hooks.report import HookReport


class HookListener:
    """Is told of each hook: before it runs, what it writes as it comes, and how it ended.

    This one shows what hooks write on standard error. A hook that is skipped only ends.
    """

    def started(self, phase: str, hook: Path) -> None:
        """It is about to run."""

    def wrote(self, phase: str, hook: Path, output: bytes) -> None:
        """Some of what it wrote; it may end in the middle of a line, or of a character."""
        del phase, hook
        to_standard_error(output)

    def ended(self, report: HookReport) -> None:
        """It has ended, or was skipped."""


def to_standard_error(output: bytes) -> None:
    """Show bytes as they are. That nobody reads them any more is no reason to stop a hook."""
    stream = sys.stderr
    with suppress(AttributeError, OSError, ValueError):
        stream.flush()
        stream.buffer.write(output)
        stream.buffer.flush()
