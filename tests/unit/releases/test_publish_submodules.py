"""Publishing for targets that keep real submodules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.unknown_submodules import UnknownSubmodules
from sartoris.releases.compose import SubmoduleCommitMissing, SubmoduleNotCheckedOut
from sartoris.releases.publish import PublishRepository
from tests.unit.git.sample import ENVIRONMENT, Sample, files_of


@pytest.fixture
def upstream(tmp_path: Path) -> Sample:
    upstream = Sample.create(tmp_path / "upstream/one").write(file="1\n")
    upstream.commit()
    return upstream


@pytest.fixture
def site(tmp_path: Path, upstream: Sample) -> Sample:
    site = Sample.create(tmp_path / "site").write(index="x")
    site.add_submodule(upstream, "ext/one")
    site.commit()
    return site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "publish.git"


@pytest.fixture
def publish(site: Sample, path: Path) -> PublishRepository:
    publish = PublishRepository(path, site.git, "update")
    publish.prepare()
    return publish


def git_in(path: Path) -> Git:
    return Git(path, git_dir=path, environment=ENVIRONMENT)


def bundled(path: Path, tag: str) -> list[str]:
    return git_in(path).text("show", "--no-patch", "--format=%P", f"refs/submodules/{tag}").split()


def packs(path: Path) -> set[Path]:
    return set((path / "objects/pack").glob("*.pack"))


def test_the_release_has_the_tree_of_its_source_and_no_parents(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    release = publish.publish("slot0-1", site.head)
    assert files_of(git_in(path), release.commit) == files_of(site.git, site.head)
    assert git_in(path).text("show", "--no-patch", "--format=%P", release.commit) == ""
    assert publish.find("slot0-1") == release


def test_the_commit_is_a_function_of_the_source(
    site: Sample, publish: PublishRepository, tmp_path: Path
) -> None:
    elsewhere = PublishRepository(tmp_path / "elsewhere.git", site.git, "update")
    elsewhere.prepare()
    one, other = (each.publish("slot0-1", site.head) for each in (publish, elsewhere))
    assert one.commit == other.commit
    refs = [
        git_in(where).lines("for-each-ref", "refs/submodules")
        for where in (tmp_path / "publish.git", tmp_path / "elsewhere.git")
    ]
    assert refs[0] == refs[1]


def test_submodules_at_any_depth_are_carried_with_their_history(
    tmp_path: Path, site: Sample, publish: PublishRepository, path: Path
) -> None:
    deep = Sample.create(tmp_path / "upstream/deep").write(file="d")
    deep.commit()
    one = Sample(site.path / "ext/one")
    one.write(file="2\n").commit()
    one.add_submodule(deep, "in/deep")
    one.commit()
    publish.publish("slot0-1", site.commit())
    assert bundled(path, "slot0-1") == sorted([one.head, deep.head])
    history = git_in(path).lines("rev-list", one.head)
    assert history == one.git.lines("rev-list", "HEAD")
    git_in(path).run("fsck", "--strict", "--connectivity-only")


def test_what_did_not_move_is_not_copied_again(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    one = Sample(site.path / "ext/one")
    publish.publish("slot0-1", site.head)
    before = packs(path)
    publish.publish("slot0-2", site.write(index="y").commit())
    assert bundled(path, "slot0-2") == bundled(path, "slot0-1")
    old, new = one.head, one.write(file="2\n").commit()
    publish.publish("slot0-3", site.commit())
    added = [objects_in(pack) for pack in packs(path) - before]
    assert len(added) == 3
    assert new in set[str]().union(*added)
    assert not {old} & set[str]().union(*added)


def objects_in(pack: Path) -> set[str]:
    index = pack.with_suffix(".idx").read_bytes()
    lines = git_in(pack.parents[2]).run("show-index", stdin=index).lines
    return {line.split()[1] for line in lines}


def test_a_submodule_that_is_not_checked_out_is_refused_before_anything_is_tagged(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    shutil.rmtree(site.path / "ext")
    with pytest.raises(SubmoduleNotCheckedOut) as refused:
        publish.compose(site.head)
    assert refused.value.path == "ext/one"
    with pytest.raises(SubmoduleNotCheckedOut):
        publish.publish("slot0-1", site.head)
    assert git_in(path).lines("for-each-ref") == []
    assert packs(path) == set()


def test_a_gitlink_that_the_gitmodules_of_a_submodule_do_not_know_is_refused_by_name(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    one = Sample(site.path / "ext/one").know_submodule("another")
    one.commit()
    one.git.run("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},ghost")
    one.git.run("commit", "-q", "-m", "A gitlink out of nowhere")
    with pytest.raises(UnknownSubmodules, match=r"submodule ext/one has .* from: ext/one/ghost$"):
        publish.publish("slot0-1", site.commit())
    assert git_in(path).lines("for-each-ref") == []


def test_a_submodule_without_the_recorded_commit_is_refused(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    absent = "1" * 40
    site.git.run("update-index", "--cacheinfo", f"160000,{absent},ext/one")
    site.git.run("commit", "-q", "-m", "move")
    with pytest.raises(SubmoduleCommitMissing) as refused:
        publish.publish("slot0-1", site.head)
    assert (refused.value.path, refused.value.commit) == ("ext/one", absent)
    assert git_in(path).lines("for-each-ref") == []


def test_a_release_whose_submodules_are_here_may_be_published_without_them_checked_out(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    publish.publish("slot0-1", site.head)
    shutil.rmtree(site.path / "ext")
    publish.publish("slot0-2", site.head)
    assert bundled(path, "slot0-2") == bundled(path, "slot0-1")


def test_a_gitlink_that_gitmodules_knows_nothing_of_is_no_submodule(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    (site.path / ".gitmodules").unlink()
    publish.publish("slot0-1", site.commit())
    assert git_in(path).lines("for-each-ref", "refs/submodules") == []


def test_submodules_of_gitmodules_internal_are_not_carried(
    tmp_path: Path, site: Sample, publish: PublishRepository, path: Path
) -> None:
    two = Sample.create(tmp_path / "upstream/two").write(file="2")
    two.commit()
    site.add_submodule(two, "ext/two")
    site.write_file(
        ".gitmodules_internal", '[submodule "one"]\n\tpath = ext/one\n\turl = ../one.git\n'
    )
    publish.publish("slot0-1", site.commit())
    assert bundled(path, "slot0-1") == [two.head]


def test_a_gitmodules_internal_that_cannot_be_read_is_refused(
    site: Sample, publish: PublishRepository
) -> None:
    site.write_file(".gitmodules_internal", "[submodule\n")
    with pytest.raises(Refused, match="gitmodules_internal"):
        publish.publish("slot0-1", site.commit())


def test_the_history_of_a_shallow_submodule_ends_where_its_clone_does(
    tmp_path: Path, upstream: Sample, path: Path
) -> None:
    upstream.write(file="2\n").commit()
    site = Sample.create(tmp_path / "other").write(index="x")
    url = upstream.path.as_uri()
    site.git.run("submodule", "--quiet", "add", "--depth=1", "--name", "one", "--", url, "one")
    publish = PublishRepository(path, site.git, "update")
    publish.prepare()
    publish.publish("slot0-1", site.commit())
    assert git_in(path).lines("rev-list", upstream.head) == [upstream.head]
    git_in(path).run("fsck", "--strict", "--connectivity-only")


def test_without_submodules_nothing_is_carried(
    site: Sample, path: Path, publish: PublishRepository
) -> None:
    del publish
    plain = PublishRepository(path, site.git, "none")
    release = plain.publish("slot0-1", site.head)
    assert files_of(git_in(path), release.commit) == files_of(site.git, site.head)
    assert git_in(path).lines("for-each-ref", "refs/submodules") == []


def test_submodules_of_a_release_that_left_them_out_are_added_when_it_is_published_again(
    site: Sample, path: Path, publish: PublishRepository
) -> None:
    PublishRepository(path, site.git, "none").publish("slot0-1", site.head)
    publish.publish("slot0-1", site.head)
    assert bundled(path, "slot0-1") == [Sample(site.path / "ext/one").head]


@pytest.mark.parametrize("now", ["compose", "none"])
def test_a_release_with_real_submodules_is_not_delivered_without_them(
    site: Sample, path: Path, publish: PublishRepository, now: Any
) -> None:
    publish.publish("slot0-1", site.head)
    with pytest.raises(Refused, match=r"deploy\.submodules = update"):
        PublishRepository(path, site.git, now).publish("slot0-1", site.head)
