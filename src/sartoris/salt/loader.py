"""Where Salt finds its modules in an installed Sartoris: the entry point `salt.loader`.

A copy that was synced to a minion wins over them.
"""

from __future__ import annotations

from pathlib import Path

from sartoris.salt import made


def directories() -> dict[str, list[str]]:
    """The directories of each kind of module, by Salt's name for the kind. Raises OSError."""
    return {
        "modules": [str(made.directory() / "_modules")],
        "runners": [str(made.directory() / "_runners")],
        "states": [str(Path(__file__).with_name("_states"))],
    }
