from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sartoris.errors import GitFailed
from sartoris.git.submodules import Submodules, git_directory, head_commit, object_directory
from tests.unit.git.sample import Sample

ABSENT = "1" * 40


@pytest.fixture
def site(tmp_path: Path) -> Sample:
    """A repository with one submodule that has an upstream, `ext/one`, checked out."""
    upstream = Sample.create(tmp_path / "upstream").write(file="1")
    upstream.commit("First")
    site = Sample.create(tmp_path / "site").write(index="x")
    site.add_submodule(upstream, "ext/one")
    site.commit()
    return site


def advance(submodule: Sample, *messages: str) -> None:
    for message in messages:
        submodule.write(file=message)
        submodule.commit(message)


def test_the_gitlinks_of_a_commit_are_listed_with_their_commits(site: Sample) -> None:
    one = Sample(site.path / "ext/one")
    assert Submodules(site.git).paths("HEAD") == [("ext/one", one.head)]


@pytest.mark.parametrize("name", ["sp ace", 'qu"ote', "new\nline", "\udcff\udcfe", "-dash", "é"])
def test_a_submodule_path_may_hold_any_bytes(tmp_path: Path, name: str) -> None:
    site = Sample.create(tmp_path / "site")
    inside = site.submodule(name)
    site.commit()
    submodules = Submodules(site.git)
    assert submodules.paths("HEAD") == [(name, inside.head)]
    assert submodules.out_of_date() == []
    shutil.rmtree(inside.path / ".git")
    assert submodules.out_of_date() == [name]


def test_a_fresh_checkout_is_up_to_date(site: Sample) -> None:
    assert Submodules(site.git).out_of_date() == []


def test_a_submodule_at_another_commit_is_out_of_date(site: Sample) -> None:
    advance(Sample(site.path / "ext/one"), "Second")
    assert Submodules(site.git).out_of_date() == ["ext/one"]


def test_a_submodule_that_is_not_checked_out_is_out_of_date_until_updated(
    site: Sample, tmp_path: Path
) -> None:
    clone = site.clone(tmp_path / "clone")
    submodules = Submodules(clone.git)
    assert submodules.out_of_date() == ["ext/one"]
    submodules.update(fetch=True)
    assert submodules.out_of_date() == []
    assert (clone.path / "ext/one/file").read_text() == "1"


@pytest.fixture
def nested(site: Sample, tmp_path: Path) -> Sample:
    """The submodule ext/one has one of its own, `deep`."""
    inner = Sample.create(tmp_path / "inner").write(file="i")
    inner.commit()
    one = Sample(site.path / "ext/one")
    one.add_submodule(inner, "deep")
    one.commit()
    site.commit()
    return site


def test_a_submodule_inside_a_submodule_is_named_by_its_full_path(nested: Sample) -> None:
    submodules = Submodules(nested.git)
    assert submodules.out_of_date() == []
    advance(Sample(nested.path / "ext/one/deep"), "Moved")
    assert submodules.out_of_date() == ["ext/one/deep"]


def test_updating_without_fetching_uses_what_is_here(site: Sample, tmp_path: Path) -> None:
    one = Sample(site.path / "ext/one")
    recorded = one.head
    advance(one, "Second")
    shutil.rmtree(tmp_path / "upstream")
    Submodules(site.git).update(fetch=False)
    assert one.head == recorded


def test_an_update_that_needs_what_cannot_be_fetched_fails(site: Sample, tmp_path: Path) -> None:
    clone = site.clone(tmp_path / "clone")
    shutil.rmtree(tmp_path / "upstream")
    with pytest.raises(GitFailed):
        Submodules(clone.git).update(fetch=True)


def test_a_head_on_a_branch_is_read_whether_loose_or_packed(site: Sample) -> None:
    one = Sample(site.path / "ext/one")
    one.git.run("checkout", "-q", "-B", "feature/main")
    directory = git_directory(site.path, "ext/one")
    assert directory is not None
    assert head_commit(directory) == one.head
    one.git.run("branch", "other/feature/main")
    one.git.run("pack-refs", "--all")
    advance(one, "Second")
    one.git.run("pack-refs", "--all")
    assert head_commit(directory) == one.head


def test_a_branch_without_commits_has_no_head(tmp_path: Path) -> None:
    Sample.create(tmp_path / "new")
    directory = git_directory(tmp_path, "new")
    assert directory is not None
    assert head_commit(directory) is None


def test_a_gitdir_file_may_be_absolute(site: Sample) -> None:
    absolute = site.path / ".git/modules" / f"module-{b'ext/one'.hex()}"
    assert absolute.is_dir()
    (site.path / "ext/one/.git").write_text(f"gitdir: {absolute}\n")
    assert git_directory(site.path, "ext/one") == absolute


def test_a_submodule_in_a_linked_work_tree_has_the_objects_of_its_main_one(
    site: Sample, tmp_path: Path
) -> None:
    one = Sample(site.path / "ext/one")
    main = one.clone(tmp_path / "main")
    shutil.rmtree(one.path)
    main.git.run("worktree", "add", "-q", "-b", "linked", str(one.path))
    directory = git_directory(site.path, "ext/one")
    assert directory is not None
    assert object_directory(directory).resolve() == main.path / ".git/objects"
    assert head_commit(directory) == main.head
    assert Submodules(site.git).out_of_date() == []


@pytest.mark.parametrize("path", ["../outside", "ext/../../outside", "linked", "linked/inner", ""])
def test_a_path_that_leads_out_of_the_work_tree_has_no_submodule(site: Sample, path: str) -> None:
    outside = Sample.create(site.path.parent / "outside").write(file="x")
    outside.commit()
    outside.submodule("inner")
    (site.path / "linked").symlink_to(outside.path)
    assert git_directory(site.path, path) is None


@pytest.mark.parametrize("place", [".git", "gitdir-file"])
def test_a_git_directory_that_is_a_symbolic_link_is_not_followed(site: Sample, place: str) -> None:
    (site.path / "gitdir-file").write_text(f"gitdir: {site.path / '.git'}\n")
    dot_git = site.path / "ext/one/.git"
    dot_git.unlink()
    dot_git.symlink_to(site.path / place)
    assert git_directory(site.path, "ext/one") is None


@pytest.mark.parametrize("content", ["", "nonsense", "gitdir: /nowhere", "gitdir: "])
def test_a_git_file_that_leads_nowhere_is_no_submodule(site: Sample, content: str) -> None:
    (site.path / "ext/one/.git").write_text(content)
    assert git_directory(site.path, "ext/one") is None


def test_what_ships_in_a_moved_submodule_is_listed_newest_first(site: Sample) -> None:
    one = Sample(site.path / "ext/one")
    old = one.head
    advance(one, "Second", "Third é")
    assert Submodules(site.git).log("ext/one", old, one.head) == ["Third é", "Second"]
    assert Submodules(site.git).log("ext/one", one.head, old) == []


def test_commits_that_are_not_here_are_unknown_and_not_none_at_all(site: Sample) -> None:
    head = Sample(site.path / "ext/one").head
    assert Submodules(site.git).log("ext/one", ABSENT, head) is None
    assert Submodules(site.git).log("ext/two", head, head) is None


def test_a_hundred_submodules_are_looked_at_with_one_git_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Sample.create(tmp_path / "site")
    first = site.submodule("ext/0")
    for number in range(1, 100):
        shutil.copytree(first.path, site.path / f"ext/{number}")
    site.commit()
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(tmp_path / "trace"))
    assert Submodules(site.git).out_of_date() == []
    trace = (tmp_path / "trace").read_text()
    assert trace.count('"event":"start"') == 1


def test_what_is_recorded_for_one_inside_another_is_found_through_that(nested: Sample) -> None:
    submodules = Submodules(nested.git)
    one, deep = (Sample(nested.path / path).head for path in ("ext/one", "ext/one/deep"))
    assert submodules.recorded("HEAD", "ext/one") == one
    assert submodules.recorded("HEAD", "ext/one/deep") == deep
    assert submodules.recorded("HEAD~1", "ext/one/deep") is None
    assert submodules.recorded(ABSENT, "ext/one") is None


def test_those_that_a_commit_has_no_more_are_gone_at_any_depth(nested: Sample) -> None:
    submodules = Submodules(nested.git)
    assert submodules.gone("HEAD", "HEAD~1") == ["ext/one/deep"]
    nested.git.run("rm", "-q", "--cached", "ext/one")
    nested.git.run("commit", "-q", "-m", "without")
    assert submodules.gone("HEAD~1", "HEAD") == ["ext/one"]
    assert submodules.gone("HEAD", "HEAD~1") == []
    assert submodules.gone(ABSENT, "HEAD") == []


def test_one_is_removed_with_the_empty_directories_above_it_but_not_its_repository(
    site: Sample,
) -> None:
    head = Sample(site.path / "ext/one").head
    assert Submodules(site.git).remove("ext/one")
    assert not (site.path / "ext").exists()
    (repository,) = (site.path / ".git/modules").iterdir()
    assert head_commit(repository) == head


def test_a_linked_work_tree_in_its_place_is_not_removed(site: Sample, tmp_path: Path) -> None:
    one = Sample(site.path / "ext/one")
    main = one.clone(tmp_path / "main")
    shutil.rmtree(one.path)
    main.git.run("worktree", "add", "-q", "--detach", str(one.path))
    assert not Submodules(site.git).remove("ext/one")
    assert (one.path / "file").exists()


def test_a_url_on_this_machine_that_git_does_not_take_is_named(tmp_path: Path) -> None:
    sample = Sample.create(tmp_path / "site")
    submodules = Submodules(sample.git)
    sample.git.run("config", "submodule.far.url", "https://example.org/far")
    assert submodules.not_allowed() == ""
    sample.git.run("config", "submodule.near.url", "/srv/near")
    assert submodules.not_allowed() == "/srv/near"
    sample.git.run("config", "protocol.file.allow", "always")
    assert submodules.not_allowed() == ""
