"""Sites that are made once, and put back as they were for each test that begins with them.

To make one takes dozens of processes, to copy it takes one. A site has its own path in many files,
so all of them stand at the same place, one after the other.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.system.site import Site


class Kept:
    """`place` is where sites stand, and `store` where copies are kept."""

    def __init__(self, place: Path, store: Path) -> None:
        self._place, self._store = place, store
        self._stands: tuple[str, ...] = ()

    def site(self, *made_by: Callable[[Site], object]) -> Site:
        """The site that these functions make, one after the other, of an empty directory.

        They take nothing beside: what has the same names is the same. For one test, the next site
        must go on from the one before.
        """
        names = tuple(f"{one.__module__}.{one.__name__}" for one in made_by)
        assert names[: len(self._stands)] == self._stands, f"another stands there: {self._stands}"
        site, copy = Site(self._place), self._store / " ".join(names)
        if copy.exists():
            if self._place.exists():
                subprocess.run(["rm", "-rf", self._place], check=True)
            subprocess.run(["cp", "-a", copy, self._place], check=True)
        else:
            if made_by[1:]:
                self.site(*made_by[:-1])
            made_by[-1](site)
            self._store.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", self._place, copy], check=True)
        self._stands = names
        return site

    def leave(self, to: Path) -> None:
        """Move what stands at the place away, where whoever looks into a failure finds it."""
        self._stands = ()
        if self._place.exists():
            self._place.rename(to)
