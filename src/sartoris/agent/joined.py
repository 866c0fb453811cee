"""The agent as the one file that travels to targets.

`python -m sartoris.agent.joined` prints it; `make docs` writes it to FILE. A new module is a file
in this directory and its name in MODULES.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sartoris.joining import join

MODULES = (
    "errors",
    "order",
    "files",
    "place",
    "records",
    "programs",
    "locks",
    "account",
    "policy",
    "service",
    "child",
    "ground",
    "store",
    "tree",
    "submodules",
    "real_tree",
    "release_hooks",
    "slot",
    "atomic",
    "in_place",
    "outcome",
    "standing_by",
    "salt_functions",
)
FILE = Path(__file__).parents[1] / "salt" / "_modules" / "git_deploy.py"


def joined() -> str:
    """The text of the file. Raises `CannotJoin`."""
    return join("sartoris.agent", Path(__file__).parent, MODULES)


if __name__ == "__main__":
    sys.stdout.write(joined())
