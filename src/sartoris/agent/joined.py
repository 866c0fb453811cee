"""The agent as the one file that travels to targets.

`python -m sartoris.agent.joined` prints it. A new module is a file in this directory and its name
in MODULES.
"""

from __future__ import annotations

import sys
from functools import cache

from sartoris.joining import join

MODULES = (
    "errors",
    "answers",
    "actions",
    "order",
    "parsing",
    "files",
    "place",
    "records",
    "orphans",
    "programs",
    "packs",
    "over_http",
    "locks",
    "account",
    "policy",
    "service",
    "child",
    "path_checks",
    "lacking",
    "store",
    "diagnosis",
    "modes",
    "index_file",
    "parts",
    "checkout",
    "tree",
    "submodules",
    "real_tree",
    "adopting",
    "shared",
    "release_hooks",
    "slot",
    "atomic",
    "in_place",
    "outcome",
    "tether",
    "serve",
)
CORE = tuple(f"sartoris.agent.{name}" for name in MODULES)


def joined() -> str:
    """The text of the file. Raises `CannotJoin`."""
    return join("sartoris.agent", CORE)


@cache
def source() -> bytes:
    """The same in bytes, made once a process."""
    return joined().encode()


if __name__ == "__main__":
    sys.stdout.write(joined())
