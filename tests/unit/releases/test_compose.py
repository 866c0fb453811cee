from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sartoris.agent.parts import places_in
from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.unknown_submodules import UnknownSubmodules
from sartoris.releases.compose import (
    SubmoduleCommitMissing,
    SubmoduleNotCheckedOut,
    composed_commit,
    source_of,
)
from sartoris.releases.publish import PublishRepository
from tests.unit.git.sample import ENVIRONMENT, Sample, files_of, files_with_submodules

ABSENT = "1" * 40
UPDATE = "git submodule update --init --recursive --checkout ."
ODD_NAMES = ["sp ace", 'qu"ote', "new\nline", os.fsdecode(b"\xff\xfe"), "-dash", "co:lon", "$x;`y`"]


class Site:
    """A working repository and its publish repository."""

    def __init__(self, directory: Path) -> None:
        self.repository = Sample.create(directory / "site").write(index="x")
        self.published = directory / "publish.git"
        self.publish = PublishRepository(self.published, self.repository.git)
        self.publish.prepare()

    def compose(self) -> str:
        return self.publish.compose(self.repository.head)

    def composed_files(self) -> dict[bytes, bytes]:
        """The files of the composed HEAD, whose objects are all sound and all here."""
        commit = self.compose()
        self.git.run("fsck", "--strict", "--full")
        self.git.run("rev-list", "--objects", commit)
        return files_of(self.git, commit)

    @property
    def git(self) -> Git:
        return Git(self.published, git_dir=self.published, environment=ENVIRONMENT)

    def places(self) -> list[str]:
        return places_in(commit_of(self.git, self.compose()))

    def refs(self) -> list[str]:
        return self.git.lines("for-each-ref")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def commit_of(git: Git, commit: str) -> bytes:
    return git.run("cat-file", "commit", commit).stdout


def test_a_repository_without_submodules_keeps_its_tree_and_loses_its_history(site: Site) -> None:
    site.repository.commit("First")
    site.repository.write(index="y").commit("Second")
    commit = site.compose()
    tree = site.repository.git.text("rev-parse", "HEAD^{tree}")
    assert site.git.text("rev-parse", f"{commit}^{{tree}}") == tree
    assert site.git.text("rev-list", "--count", commit) == "1"


def test_a_submodule_is_replaced_by_its_files(site: Site) -> None:
    site.repository.submodule("ext/one").write(more="x").commit()
    site.repository.commit()
    assert {b"index", b"ext/one/file", b"ext/one/more"} == set(site.composed_files())


def test_submodules_inside_submodules_are_replaced_too(site: Site) -> None:
    outer = site.repository.submodule("ext/outer")
    outer.submodule("lib/inner").submodule("core")
    Sample(outer.path / "lib/inner").commit()
    outer.commit()
    head = site.repository.commit()
    assert site.composed_files() == files_with_submodules(site.repository, head)
    assert b"ext/outer/lib/inner/core/file" in site.composed_files()


def test_the_recorded_commit_ships_and_not_the_checked_out_one(site: Site) -> None:
    submodule = site.repository.submodule("sub")
    site.repository.commit()
    submodule.write(later="x").commit()
    assert b"sub/later" not in site.composed_files()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_submodule_at_any_path_is_composed(site: Site, name: str) -> None:
    inner = site.repository.submodule(f"dir {name}/{name}").submodule(name)
    outer = Sample(inner.path.parent)
    outer.commit()
    head = site.repository.commit()
    assert site.composed_files() == files_with_submodules(site.repository, head)
    assert site.places() == [f"dir {name}/{name}", f"dir {name}/{name}/{name}"]


def test_symbolic_links_and_execute_bits_are_kept(site: Site) -> None:
    submodule = site.repository.submodule("sub")
    (submodule.path / "link").symlink_to("../index")
    (submodule.path / "file").chmod(0o755)
    submodule.commit()
    site.repository.commit()
    files = site.composed_files()
    assert files[b"sub/link"].startswith(b"120000 ")
    assert files[b"sub/file"].startswith(b"100755 ")


def test_entries_are_in_the_order_that_git_wants(site: Site) -> None:
    site.repository.submodule("sub")
    for name in ("sub-", "sub.c", "sub0"):
        site.repository.write_file(name, name)
    site.repository.commit()
    assert b"sub/file" in site.composed_files()


def test_added_moved_and_removed_submodules_follow_their_commits(site: Site) -> None:
    site.repository.submodule("one")
    site.repository.commit()
    assert set(site.composed_files()) == {b"index", b"one/file"}
    site.repository.submodule("two")
    shutil.move(site.repository.path / "one", site.repository.path / "three")
    site.repository.commit()
    assert set(site.composed_files()) == {b"index", b"two/file", b"three/file"}
    shutil.rmtree(site.repository.path / "two")
    shutil.rmtree(site.repository.path / "three")
    site.repository.write_file("three", "now a file").commit()
    assert set(site.composed_files()) == {b"index", b"three"}


def test_two_places_may_hold_the_same_commit(site: Site) -> None:
    one = site.repository.submodule("one")
    shutil.copytree(one.path, site.repository.path / "two")
    site.repository.commit()
    assert {b"one/file", b"two/file"} <= set(site.composed_files())


def test_a_submodule_without_files_adds_none(site: Site) -> None:
    Sample.create(site.repository.path / "empty").commit()
    site.repository.commit()
    assert set(site.composed_files()) == {b"index"}


def test_two_clones_compose_the_same_commit(tmp_path: Path) -> None:
    upstream = Sample.create(tmp_path / "upstream").write(file="1")
    upstream.commit()
    first = Site(tmp_path / "first")
    first.repository.add_submodule(upstream, "sub")
    first.repository.commit()
    second = Site(tmp_path / "second")
    second.repository.git.run("fetch", "-q", str(first.repository.path), "main")
    second.repository.git.run("reset", "-q", "--hard", "FETCH_HEAD")
    second.repository.git.run("submodule", "--quiet", "update", "--init")
    assert first.compose() == second.compose()


def test_composing_again_gives_the_same_commit_with_and_without_memory(site: Site) -> None:
    site.repository.submodule("sub")
    site.repository.commit()
    first = site.compose()
    assert site.compose() == first
    shutil.rmtree(site.published)
    site.publish.prepare()
    assert site.compose() == first


def test_a_commit_says_where_its_submodules_are_with_and_without_memory(site: Site) -> None:
    outer = site.repository.submodule("ext/outer")
    outer.submodule("inner")
    outer.commit()
    site.repository.commit()
    for number in range(2):
        site.repository.write(index=f"{number}").commit()
        assert site.places() == ["ext/outer", "ext/outer/inner"]
    shutil.rmtree(outer.path)
    site.repository.commit()
    assert site.places() == []


def test_what_an_earlier_version_remembers_is_composed_anew(site: Site) -> None:
    site.repository.submodule("sub")
    head = site.repository.commit()
    first = site.compose()
    unmarked = commit_of(site.git, first).replace(b"submodule sub\n", b"")
    older = site.git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=unmarked).text
    (site.published / "sartoris/composed").write_text(f"commit {head} {older}\n")
    assert site.compose() == first


def test_replace_refs_of_the_working_repository_change_nothing(site: Site) -> None:
    head = site.repository.commit()
    first = site.compose()
    other = site.repository.write(index="other").commit()
    site.repository.git.run("replace", head, other)
    shutil.rmtree(site.published)
    site.publish.prepare()
    assert site.publish.compose(head) == first


def test_who_when_and_what_are_those_of_the_source_commit(site: Site) -> None:
    site.repository.submodule("sub")
    head = site.repository.commit("Subject\n\nBody.")
    lines = commit_of(site.git, site.compose()).decode().split("\n")
    assert lines[1:] == [
        "author Ada <ada@example.org> 1700000000 +0100",
        "committer Charles <charles@example.org> 1700003600 -0500",
        "submodule sub",
        "",
        "Subject",
        "",
        "Body.",
        "",
        f"Source-Commit: {head}",
        "",
    ]


def test_parents_signatures_and_merged_tags_are_left_out_and_the_encoding_is_kept() -> None:
    source = (
        b"tree 1\nparent 2\nparent 3\nauthor J\xf6rg <> 1 +0000\ncommitter B 2 +0000\n"
        b"encoding ISO-8859-1\nmergetag object 4\n tagger X\n \n author fake\n"
        b"gpgsig -----BEGIN\n \n sig\n -----END\n\nM\xe4r\n\nencoding of text\n"
    )
    assert composed_commit(ABSENT, source, "5") == (
        b"tree 5\nauthor J\xf6rg <> 1 +0000\ncommitter B 2 +0000\nencoding ISO-8859-1\n\n"
        b"M\xe4r\n\nencoding of text\n\nSource-Commit: " + ABSENT.encode() + b"\n"
    )


@pytest.mark.parametrize("message", [b"", b"\n", b"no newline", b"many\n\n\n", b"Source-Commit: 2"])
def test_the_source_is_found_again_whatever_the_message(message: bytes) -> None:
    content = composed_commit(ABSENT, b"tree 1\nauthor A 1 +0\n\n" + message, "2")
    assert source_of(content) == ABSENT


def test_a_commit_that_was_not_composed_has_no_source() -> None:
    assert source_of(b"tree 1\n\nSource-Commit: 1\nand more") is None


def test_a_submodule_that_is_not_checked_out_is_refused_by_name(site: Site) -> None:
    submodule = site.repository.submodule("ext/my sub")
    site.repository.know_submodule("ext/my sub").commit()
    shutil.rmtree(submodule.path)
    with pytest.raises(SubmoduleNotCheckedOut, match="ext/my sub") as caught:
        site.compose()
    assert caught.value.path == "ext/my sub"
    assert caught.value.next_steps == (UPDATE,)


def test_a_submodule_inside_another_is_refused_by_its_full_path(site: Site) -> None:
    outer = site.repository.submodule("ext/outer")
    inner = outer.submodule("inner")
    outer.know_submodule("inner").commit()
    site.repository.commit()
    shutil.rmtree(inner.path / ".git")
    with pytest.raises(SubmoduleNotCheckedOut) as caught:
        site.compose()
    assert caught.value.path == "ext/outer/inner"


def test_a_gitlink_that_no_gitmodules_names_is_refused_when_it_is_not_checked_out(
    site: Site,
) -> None:
    record_ghost(site.repository)
    with pytest.raises(UnknownSubmodules, match=r"from: ghost$") as caught:
        site.compose()
    assert caught.value.next_steps[0].startswith("git rm --cached -- ghost ")


@pytest.mark.parametrize("modules", ["", '[submodule "x"]\n\tpath = other\n\turl = x\n'])
def test_so_is_one_inside_a_submodule_by_its_full_path(site: Site, modules: str) -> None:
    outer = site.repository.submodule("ext/outer")
    outer.write_file(".gitmodules", modules).commit()
    record_ghost(outer)
    site.repository.commit()
    with pytest.raises(UnknownSubmodules, match=r"from: ext/outer/ghost$") as caught:
        site.compose()
    assert caught.value.paths == ("ext/outer/ghost",)
    assert caught.value.next_steps[0].startswith("git -C ext/outer rm --cached -- ghost ")


def record_ghost(repository: Sample) -> None:
    repository.git.run("update-index", "--add", "--cacheinfo", f"160000,{ABSENT},ghost")
    repository.git.run("commit", "-q", "-m", "A gitlink out of nowhere")


def test_a_commit_that_the_submodule_lacks_is_named(site: Site) -> None:
    site.repository.submodule("sub")
    site.repository.git.run("update-index", "--add", "--cacheinfo", f"160000,{ABSENT},sub")
    site.repository.git.run("commit", "-q", "-m", "Record what was never pushed")
    with pytest.raises(SubmoduleCommitMissing, match=ABSENT) as caught:
        site.compose()
    assert (caught.value.path, caught.value.commit) == ("sub", ABSENT)
    assert caught.value.next_steps == (UPDATE,)


def test_a_gitlink_that_names_a_tree_is_a_missing_commit(site: Site) -> None:
    submodule = site.repository.submodule("sub")
    tree = submodule.git.text("rev-parse", "HEAD^{tree}")
    site.repository.git.run("update-index", "--add", "--cacheinfo", f"160000,{tree},sub")
    site.repository.git.run("commit", "-q", "-m", "Record a tree")
    with pytest.raises(SubmoduleCommitMissing):
        site.compose()


def test_a_refusal_leaves_nothing_behind(site: Site) -> None:
    site.repository.submodule("one")
    site.repository.submodule("two")
    site.repository.know_submodule("two").commit()
    shutil.rmtree(site.repository.path / "two")
    before = sorted(site.published.rglob("*"))
    with pytest.raises(SubmoduleNotCheckedOut):
        site.compose()
    assert sorted(site.published.rglob("*")) == before
    assert site.refs() == []


def test_a_path_through_a_symbolic_link_is_not_a_checked_out_submodule(
    site: Site, tmp_path: Path
) -> None:
    submodule = site.repository.submodule("dir/sub")
    site.repository.know_submodule("dir/sub").commit()
    shutil.move(submodule.path.parent, tmp_path / "outside")
    (site.repository.path / "dir").symlink_to(tmp_path / "outside")
    with pytest.raises(SubmoduleNotCheckedOut):
        site.compose()


def test_a_path_that_no_terminal_can_show_is_escaped_in_the_message() -> None:
    error = SubmoduleNotCheckedOut("new\nline\x1b[31m\udcff é")
    assert "new\\nline\\x1b[31m\\xff é" in error.message


def test_a_commit_that_is_not_in_the_working_repository_is_refused(site: Site) -> None:
    with pytest.raises(Refused, match=ABSENT):
        site.publish.compose(ABSENT)


def test_a_submodule_whose_upstream_vanished_is_composed(site: Site, tmp_path: Path) -> None:
    upstream = Sample.create(tmp_path / "upstream").write(file="1")
    upstream.commit()
    site.repository.add_submodule(upstream, "sub")
    site.repository.commit()
    shutil.rmtree(upstream.path)
    assert b"sub/file" in site.composed_files()


def test_an_unmoved_submodule_need_not_be_checked_out_any_more(site: Site) -> None:
    submodule = site.repository.submodule("sub")
    site.repository.commit()
    site.compose()
    shutil.rmtree(submodule.path / ".git")
    site.repository.git.run("commit", "-q", "--allow-empty", "-m", "Something else")
    assert b"sub/file" in site.composed_files()


NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "A", "é", "s p", 'q"', "n\nl", "\udcff"])
PATHS = st.lists(NAMES, min_size=1, max_size=2).map("/".join)
FILES = st.dictionaries(PATHS, st.text(max_size=3).map(str.encode), min_size=1, max_size=4)
REPOSITORIES = st.recursive(
    FILES,
    lambda inner: st.dictionaries(
        PATHS, st.one_of(st.binary(max_size=2), inner), min_size=1, max_size=4
    ),
    max_leaves=6,
)


def build(repository: Sample, content: dict[str, Any]) -> None:
    taken: set[str] = set()
    for path, part in sorted(content.items()):
        if any(path.startswith(f"{other}/") for other in taken):
            continue
        taken.add(path)
        if isinstance(part, dict):
            build(Sample.create(repository.path / path), part)
        else:
            (repository.path / path).parent.mkdir(parents=True, exist_ok=True)
            (repository.path / path).write_bytes(part)
    repository.commit()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPOSITORIES)
def test_the_composed_files_are_those_of_all_parts_together(content: dict[str, Any]) -> None:
    with TemporaryDirectory() as directory:
        site = Site(Path(directory))
        build(site.repository, content)
        expected = files_with_submodules(site.repository, site.repository.head)
        assert site.composed_files() == expected
