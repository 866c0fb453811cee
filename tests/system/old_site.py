"""Sites in the middle of a rollout that Sartoris of the version before left there."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.system.site import Site

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "version1"
_MADE_IN = "/srv/fixture"  # where the sites stood when they were made
_NAME_IT = (".git/config", ".git/deploy/lock", ".git/deploy/rollout.json")

STATES = ("starting", "started", "tagged", "published", "switching", "synced")


def unpack(state: str, root: Path) -> Site:
    """The site whose rollout is in `state`, below `root`, as it was left."""
    with tarfile.open(_FIXTURES / f"{state}.tar.xz") as archive:
        archive.extractall(root, filter="tar")
    site = Site(root / "site")
    for name in _NAME_IT:
        path = site.repo / name
        path.write_text(path.read_text().replace(_MADE_IN, str(root)))
    return site
