"""The runner as the one file that stands on a master.

`python -m sartoris.salt.runner.joined` prints it; `make docs` writes it to FILE.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sartoris.joining import join

MODULES = ("answers", "standing_by", "dispatch", "master", "records", "functions")
FILE = Path(__file__).parents[1] / "_runners" / "git_deploy.py"


def joined() -> str:
    """The text of the file. Raises `CannotJoin`."""
    return join("sartoris.salt.runner", Path(__file__).parent, MODULES)


if __name__ == "__main__":
    sys.stdout.write(joined())
