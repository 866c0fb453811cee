"""What is advised, and how to type it as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.system.site import Ran, Site

_PLACEHOLDER = re.compile(r"(?<![\w-])(TAG|URL|PATH|BRANCH|NAME|DIRECTORY|REF)(?![\w=-])")
_LOOKS = re.compile(r"git (deploy (status|report|show)|log|ls-remote|show|config --get)")


def advice(ran: Ran) -> list[str]:
    """The steps of an error as printed, without the words behind them."""
    lines = ran.err.partition("\nNext:\n")[2].splitlines()
    return [without_words(line) for line in lines if line.startswith("  ")]


def without_words(step: str) -> str:
    return re.sub(r"\s+# .*", "", step).strip()


def is_for_a_person(step: str) -> bool:
    """Whether something has to be filled in that only a person knows."""
    return _PLACEHOLDER.search(step) is not None


def type_step(site: Site, step: str, at: Path | None = None) -> Ran:
    """Type one line; one that is no command cannot be typed, and is refused here."""
    step = without_words(step)
    if step.startswith("git deploy ") and "&&" not in step:
        return site.deploy(*step.removeprefix("git deploy ").split(), at=at)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # Deployers name their editor, or have none as here; a merge needs none then.
    done = subprocess.run(
        ["/bin/sh", "-c", step],
        cwd=at or site.repo,
        env={**os.environ, "PATH": path, "GIT_EDITOR": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 127, f"{step!r} is no command: {done.stderr}"
    return Ran(done.returncode, done.stdout, done.stderr)


def leads_on(step: str, ran: Ran) -> bool:
    """Whether the step has brought something about; a look has not."""
    return ran.code == 0 and not _LOOKS.match(step)
