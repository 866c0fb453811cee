from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartoris.errors import GitFailed
from sartoris.git.command import Git
from sartoris.git.objects import (
    GITLINK,
    TREE,
    GitObject,
    TreeEntry,
    added_objects,
    empty_tree,
    held_objects,
    outline,
    parse_tree,
    quote_alternate,
    read_objects,
    write_commit,
    write_pack,
    write_trees,
)
from tests.unit.git.sample import ENVIRONMENT, Sample

ABSENT = "1" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Sample:
    return Sample.create(tmp_path / "repository").write(a="one\n", b="two\n")


def tree_object(git: Git, name: str) -> GitObject:
    found = read_objects(git, [name])[0]
    assert found is not None
    return found


def test_objects_are_read_in_the_order_of_their_names(repository: Sample) -> None:
    commit = repository.commit()
    names = ["HEAD:b", ABSENT, "HEAD", "HEAD:a", "HEAD:no such file"]
    b, absent, head, a, no_file = read_objects(repository.git, names)
    assert b is not None
    assert a is not None
    assert head is not None
    assert (b.content, a.content, head.id, head.kind) == (b"two\n", b"one\n", commit, "commit")
    assert absent is None
    assert no_file is None


def test_reading_no_objects_gives_none(repository: Sample) -> None:
    assert read_objects(repository.git, []) == []


def test_content_with_newlines_and_nul_is_read_whole(repository: Sample) -> None:
    content = b"\0\n\nblob 3\n\0" * 1000
    (repository.path / "binary").write_bytes(content)
    repository.commit()
    assert [found and found.content for found in read_objects(repository.git, ["HEAD:binary"])] == [
        content
    ]


def test_only_objects_that_are_here_are_held(repository: Sample) -> None:
    commit = repository.commit()
    assert held_objects(repository.git, [commit, ABSENT]) == {commit}
    assert held_objects(repository.git, []) == set()


def test_an_outline_has_directories_and_gitlinks_at_any_depth(repository: Sample) -> None:
    repository.write_file("deep/er/file", "x")
    inside = repository.submodule("deep/sub")
    repository.commit()
    found = outline(repository.git, "HEAD")
    assert set(found.directories) == {b"deep", b"deep/er"}
    assert [(link.path, link.commit) for link in found.gitlinks] == [(b"deep/sub", inside.head)]


def test_a_tree_is_read_as_ls_tree_shows_it(repository: Sample) -> None:
    repository.submodule("sub")
    repository.write_file("dir/file", "x")
    (repository.path / "link").symlink_to("a")
    (repository.path / "a").chmod(0o755)
    repository.commit()
    entries = parse_tree(tree_object(repository.git, "HEAD^{tree}"))
    assert [(entry.mode, entry.name) for entry in entries] == [
        (b"100755", b"a"),
        (b"100644", b"b"),
        (TREE, b"dir"),
        (b"120000", b"link"),
        (GITLINK, b"sub"),
    ]
    assert entries[4].id == Sample(repository.path / "sub").head


def test_a_tree_written_from_its_own_entries_has_the_same_id(repository: Sample) -> None:
    repository.submodule("sub")
    repository.write_file("new\nline/file", "x")
    repository.write_file('"quoted"\t', "x")
    repository.write_file(os.fsdecode(b"\xff\xfe"), "x")
    repository.commit()
    tree = tree_object(repository.git, "HEAD^{tree}")
    assert write_trees(repository.git, [parse_tree(tree)] * 2) == [tree.id, tree.id]


def test_a_directory_is_sorted_as_git_sorts_directories(repository: Sample) -> None:
    repository.commit()
    blob = repository.git.text("rev-parse", "HEAD:a")
    inner = repository.git.text("rev-parse", "HEAD^{tree}")
    entries = [TreeEntry(TREE, b"sub", inner)]
    entries += [TreeEntry(b"100644", name, blob) for name in (b"sub0", b"sub.c", b"sub-")]
    written = write_trees(repository.git, [entries])[0]
    names = [entry.name for entry in parse_tree(tree_object(repository.git, written))]
    assert names == [b"sub-", b"sub.c", b"sub", b"sub0"]


def test_a_commit_is_written_byte_for_byte(repository: Sample) -> None:
    tree = empty_tree(ABSENT)
    content = b"tree %s\nauthor no mail 1 +0000\ncommitter  <> 1 -9999\n\nt\xe9xt" % tree.encode()
    commit = write_commit(repository.git, content)
    assert repository.git.run("cat-file", "commit", commit).stdout == content


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_the_empty_tree_has_the_id_that_git_gives_it(tmp_path: Path, hash_name: str) -> None:
    git = Git(tmp_path, environment=ENVIRONMENT)
    git.run("init", "-q", f"--object-format={hash_name}")
    id_ = git.run("mktree", stdin=b"").text
    assert empty_tree(id_) == id_


def test_what_was_added_is_the_difference_and_not_the_trees(repository: Sample) -> None:
    for name in ("same/file", "changed/file", "gone/file"):
        repository.write_file(name, name)
    old = repository.commit()
    (repository.path / "gone/file").unlink()
    repository.write_file("changed/file", "new").write_file("added/file", "added")
    new = repository.commit()
    paths = set(added_objects(repository.git, f"{old}^{{tree}}", f"{new}^{{tree}}").values())
    assert paths == {b"changed", b"changed/file", b"added", b"added/file"}


def test_against_the_empty_tree_everything_was_added(repository: Sample) -> None:
    commit = repository.commit()
    added = added_objects(repository.git, empty_tree(commit), f"{commit}^{{tree}}")
    assert set(added.values()) == {b"a", b"b"}


def test_a_pack_makes_another_repository_complete(repository: Sample, tmp_path: Path) -> None:
    repository.write_file("new\nline", "x")
    commit = repository.commit()
    other = Sample.create(tmp_path / "other")
    objects = added_objects(repository.git, empty_tree(commit), f"{commit}^{{tree}}")
    objects |= {commit: b"", repository.git.text("rev-parse", "HEAD^{tree}"): b""}
    write_pack(repository.git, objects, other.path / ".git/objects/pack")
    assert other.git.succeeds("rev-list", "--objects", commit)


def test_a_pack_of_an_object_that_is_not_here_fails(repository: Sample, tmp_path: Path) -> None:
    with pytest.raises(GitFailed):
        write_pack(repository.git, [ABSENT], tmp_path)
    assert list(tmp_path.glob("*.pack")) == []


@pytest.mark.parametrize(
    "name", ["plain", "co:lon", 'quo"te', "new\nline", "back\\slash", "\udcff"]
)
def test_git_finds_objects_through_an_alternate_at_any_path(tmp_path: Path, name: str) -> None:
    commit = Sample.create(tmp_path / name).write(file="x").commit()
    other = Sample.create(tmp_path / "other")
    alternates = other.path / ".git/objects/info/alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_bytes(quote_alternate(tmp_path / name / ".git/objects"))
    assert held_objects(other.git, [commit]) == {commit}


@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=6).filter(lambda n: not set(n) & {0, 47}),
        st.sampled_from([b"100644", b"100755", b"120000", GITLINK, TREE]),
    )
)
def test_any_tree_is_parsed_back(entries: dict[bytes, bytes]) -> None:
    content = b"".join(b"%s %s\0%s" % (mode, name, b"\0\n 1" * 5) for name, mode in entries.items())
    parsed = parse_tree(GitObject(ABSENT, "tree", content))
    assert {entry.name: entry.mode for entry in parsed} == entries
    assert all(entry.id == (b"\0\n 1" * 5).hex() for entry in parsed)


def test_no_process_is_started_to_ask_for_nothing(tmp_path: Path) -> None:
    assert held_objects(Git(tmp_path / "nowhere"), []) == set()
