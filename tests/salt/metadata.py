"""What Salt knows of the Sartoris in the Python that runs it."""

from __future__ import annotations

import os
from pathlib import Path


def hide_sartoris(directory: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment, with one more in which Sartoris has no entry points for Salt.

    Of two distributions of one name Python takes the one whose directory it searches first. The one
    in `directory` is empty; nothing else of what is installed changes.
    """
    metadata = directory / "sartoris-0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True, exist_ok=True)
    metadata.write_text("Metadata-Version: 2.1\nName: sartoris\nVersion: 0\n")
    paths = filter(None, [str(directory), environment.get("PYTHONPATH")])
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
