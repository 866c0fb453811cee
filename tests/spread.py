"""Which tests pytest-xdist keeps together on one worker."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

_TOGETHER = "tests/salt/"


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """Every test by itself, but all of tests/salt on one worker: they share a master and minions.

    Marks (`xdist_group`, `--dist loadgroup`) would say it shorter, but with pytest 9.2
    pytest-xdist 3.8 does not see them: https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid
