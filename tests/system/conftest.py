"""Sites for the tests of whole commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.kept import Kept
from tests.system.site import Site


@pytest.fixture(scope="session")
def all_kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What this process has made already."""
    top = tmp_path_factory.mktemp("kept", numbered=False)
    return Kept(top / "site", top / "copies")


@pytest.fixture
def kept(all_kept: Kept, tmp_path: Path) -> Iterator[Kept]:
    """Sites for one test; what becomes of its own is in its directory afterwards."""
    yield all_kept
    all_kept.leave(tmp_path / "site")


@pytest.fixture
def site(kept: Kept) -> Site:
    """A site that has never been deployed."""
    return kept.site(with_targets)


@pytest.fixture
def deployed(kept: Kept) -> Site:
    """A site with one release live on web1, web2 and web3."""
    return kept.site(with_targets, rolled_out)


@pytest.fixture
def started(kept: Kept) -> Site:
    """A rollout with a pushed change that is ready to be synced."""
    return kept.site(with_targets, rolled_out, started_with_a_change)


@pytest.fixture
def twice(kept: Kept) -> Site:
    """A site with two releases; the second is live."""
    return kept.site(with_targets, rolled_out, rolled_out_again)


@pytest.fixture
def plain(kept: Kept) -> Site:
    """A site without targets, whose servers are synchronised by hand or by a sync hook."""
    return kept.site(without_targets)


def with_targets(site: Site) -> None:
    Site.build(site.root)


def without_targets(site: Site) -> None:
    Site.build(site.root, targets=0)


def rolled_out(site: Site) -> None:
    site.ok("start")
    site.ok("sync")


def started_with_a_change(site: Site) -> None:
    site.ok("start")
    site.commit({"index.php": "version 2\n"})
    site.push()


def rolled_out_again(site: Site) -> None:
    site.rollout({"index.php": "version 2\n"})
