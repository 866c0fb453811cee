"""Puts files that are made of other modules, and the pages, into a package that is built."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MadeFiles(BuildHookInterface[Any]):
    """Salt's execution module and runner, which `sartoris.salt.made` joins."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them to a wheel. An editable one has none: there they are made when needed.

        The pages of an editable one are read where they are written.
        """
        if version == "editable":
            return
        build_data["force_include"][str(Path(self.root) / "docs")] = "sartoris/docs"
        sys.path.insert(0, str(Path(self.root) / "src"))
        from sartoris.salt import made

        self._files = tempfile.TemporaryDirectory()
        for name, text in made.texts().items():
            file = Path(self._files.name) / name
            file.parent.mkdir()
            file.write_text(text)
            build_data["force_include"][str(file)] = f"sartoris/salt/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for it."""
        del build_data, artifact_path
        if version != "editable":
            self._files.cleanup()
