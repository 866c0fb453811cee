"""The runner as the one file that stands on a master.

`python -m sartoris.salt.runner.joined` prints it.
"""

from __future__ import annotations

import sys

from sartoris.joining import join

MODULES = (
    "sartoris.agent.actions",
    "sartoris.salt.help",
    "sartoris.salt.signatures",
    "sartoris.salt.runner.answers",
    "sartoris.salt.runner.waiting",
    "sartoris.salt.runner.dispatch",
    "sartoris.salt.runner.records",
    "sartoris.salt.runner.vouching",
    "sartoris.salt.runner.master",
    "sartoris.salt.runner.functions",
)


def joined() -> str:
    """The text of the file. Raises `CannotJoin`."""
    return join("sartoris.salt.runner", MODULES)


if __name__ == "__main__":
    sys.stdout.write(joined())
