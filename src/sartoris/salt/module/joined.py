"""The execution module as the one file that stands on a minion.

`python -m sartoris.salt.module.joined` prints it.
"""

from __future__ import annotations

import sys

from sartoris.agent.joined import CORE
from sartoris.joining import join

MODULES = (
    *CORE,
    "sartoris.salt.help",
    "sartoris.salt.signatures",
    "sartoris.salt.module.signing",
    "sartoris.salt.module.beside",
    "sartoris.salt.module.listening",
    "sartoris.salt.module.functions",
)


def joined() -> str:
    """The text of the file. Raises `CannotJoin`."""
    return join("sartoris.salt.module", MODULES)


if __name__ == "__main__":
    sys.stdout.write(joined())
