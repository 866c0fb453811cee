"""Sites for the tests of whole commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that has never been deployed."""
    return Site.build(tmp_path / "site")


@pytest.fixture
def deployed(site: Site) -> Site:
    """A site with one release live on web1, web2 and web3."""
    site.ok("start")
    site.ok("sync")
    return site


@pytest.fixture
def plain(tmp_path: Path) -> Site:
    """A site without targets, whose servers are synchronised by hand or by a sync hook."""
    return Site.build(tmp_path / "site", targets=0)
