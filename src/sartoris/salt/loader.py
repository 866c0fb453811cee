"""Where Salt finds its modules in an installed Sartoris: the entry point `salt.loader`.

A copy that was synced to a minion wins over them.
"""

from __future__ import annotations

from pathlib import Path


def directories() -> dict[str, list[str]]:
    """The directories of each kind of module, by Salt's name for the kind."""
    return {
        kind: [str(Path(__file__).with_name(f"_{kind}"))]
        for kind in ("modules", "runners", "states")
    }
