"""Values in backticks: the value is what the command writes, as in git-deploy.

This is the one place that runs a shell, because a shell command is what the feature is.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from sartoris.config.values import BadValue
from sartoris.git.environment import without_repository

LONGEST = 10.0  # seconds; every `git deploy` waits for it
_BACKTICKS = r"\s*`\s*(.*)\s*`\s*"


def command_in(text: str) -> str | None:
    """The command, if `text` is one in backticks."""
    match = re.fullmatch(_BACKTICKS, text) if "`" in text else None
    return match[1] if match else None


def output_of(shell_command: str, directory: Path) -> str:
    """What `shell_command` writes to standard output in `directory`, without final newlines.

    Raises `BadValue` when it fails, or takes longer than `LONGEST` seconds.
    """
    process = subprocess.Popen(
        ["sh", "-c", shell_command],
        cwd=directory,
        env=without_repository(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            output, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise BadValue(f"is a command that took longer than {LONGEST:g} seconds") from None
    if process.returncode != 0:
        said = errors.decode(errors="replace").strip().split("\n")[-1]
        raise BadValue(f"is a command that failed ({process.returncode})" + (said and f": {said}"))
    return os.fsdecode(output).rstrip("\n")
