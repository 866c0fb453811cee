from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.git.broken_clones import forget_half_cloned
from sartoris.git.submodules import Submodules
from tests.unit.git.sample import Sample


@pytest.fixture
def site(tmp_path: Path) -> Sample:
    """A clone whose submodule ext/one is not checked out yet."""
    upstream = Sample.create(tmp_path / "upstream").write(file="1")
    upstream.commit()
    origin = Sample.create(tmp_path / "origin").write(index="x")
    origin.add_submodule(upstream, "ext/one")
    origin.commit()
    return origin.clone(tmp_path / "site")


def half_clone(site: Sample, repository: Path) -> None:
    """What `git clone` has made before it has heard of any branch."""
    place = site.path / "ext/one"
    repository.parent.mkdir(exist_ok=True)
    site.git.run("init", "-q", f"--separate-git-dir={repository}", str(place))


@pytest.mark.parametrize("lost", ["", "HEAD"])
def test_half_a_clone_is_removed_and_git_clones_anew(site: Sample, lost: str) -> None:
    repository = site.path / ".git/modules/one"
    half_clone(site, repository)
    if lost:
        (repository / lost).unlink()
    assert forget_half_cloned(site.git, ["HEAD"]) == ["ext/one"]
    assert not repository.exists()
    Submodules(site.git).update(fetch=True)
    assert (site.path / "ext/one/file").read_text() == "1"


def test_a_whole_clone_stays_whatever_is_checked_out(site: Sample) -> None:
    Submodules(site.git).update(fetch=True)
    (site.path / "ext/one/file").unlink()
    assert forget_half_cloned(site.git, ["HEAD"]) == []


def test_a_repository_elsewhere_is_not_ours_to_remove(site: Sample, tmp_path: Path) -> None:
    half_clone(site, tmp_path / "somebodys")
    assert forget_half_cloned(site.git, ["HEAD"]) == []
    assert (tmp_path / "somebodys" / "HEAD").exists()


def test_a_place_with_a_file_in_it_is_not_ours_to_remove(site: Sample) -> None:
    half_clone(site, site.path / ".git/modules/one")
    (site.path / "ext/one/notes").write_text("mine")
    assert forget_half_cloned(site.git, ["HEAD"]) == []
    assert (site.path / "ext/one/notes").exists()
