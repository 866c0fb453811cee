"""Which tests pytest-xdist keeps together on one worker."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# They share a master and minions, or a file's fixture that takes many seconds.
_TOGETHER = ("tests/salt/", "tests/system/test_demo.py", "tests/system/test_installed.py")


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """Every test by itself, but some on one worker, which then makes what they share only once.

    Marks (`xdist_group`, `--dist loadgroup`) would say it shorter, but with pytest 9.2
    pytest-xdist 3.8 does not see them: https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in _TOGETHER if nodeid.startswith(place)), nodeid)
