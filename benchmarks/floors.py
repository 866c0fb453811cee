"""The floor: what the same change costs in plain git clones, updated in place, all at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import Cost, git, measured_children


@dataclass(frozen=True)
class Floor:
    """Clones of one origin. `submodules`: whether each update includes theirs."""

    place: Path
    origin: Path
    count: int
    submodules: bool = False

    @property
    def name(self) -> str:
        return "fetch, checkout -f" + (", submodule update --init" if self.submodules else "")

    @property
    def clones(self) -> Sequence[Path]:
        return [self.place / f"clone{number}" for number in range(self.count)]

    def create(self) -> None:
        """One clone, and copies of it: a hundred submodules take git twenty seconds a clone."""
        self.place.mkdir(parents=True)
        first, *others = self.clones
        git(self.place, "clone", "--quiet", str(self.origin), str(first))
        # No housekeeping in the background while others are measured: the floor only gets lower.
        git(first, "config", "gc.auto", "0")
        if self.submodules:
            git(first, "submodule", "--quiet", "update", "--init")
        for other in others:
            shutil.copytree(first, other, symlinks=True)
            git(other, "update-index", "-q", "--refresh")

    def update(self) -> Cost:
        """Bring every clone to what the origin has, each in a thread of its own."""
        with measured_children() as measurement, ThreadPoolExecutor(self.count) as threads:
            list(threads.map(self._update, self.clones))
        return measurement.cost

    def _update(self, clone: Path) -> None:
        recurse = () if self.submodules else ("--no-recurse-submodules",)
        git(clone, "fetch", "--quiet", *recurse, "origin")
        git(clone, "checkout", "--quiet", "-f", "--detach", "origin/main")
        if self.submodules:
            git(clone, "submodule", "--quiet", "update", "--init")
