"""A staged tree is the release's tree, whatever stood there before."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartoris.agent import store

from .conftest import Entry, Publisher, Target, entries, tree

names = st.sampled_from(["a", "b", "c", "a b", "é", "\udcff", "-x", ".hidden", "'\"\n"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
contents = st.builds(
    Entry, st.sampled_from([b"", b"1", b"2", b"a/b"]), st.sampled_from(["100644", "100755"])
) | st.builds(Entry, st.sampled_from([b"a", b"../x", b"/etc"]), st.just("120000"))


def _possible(files: dict[str, Entry]) -> dict[str, Entry]:
    """Without the files that another file is a directory for."""
    return {
        path: entry
        for path, entry in files.items()
        if not any(other.startswith(path + "/") for other in files)
    }


releases = st.dictionaries(paths, contents, max_size=8).map(_possible)


@settings(max_examples=15, deadline=None)
@given(st.lists(releases, min_size=2, max_size=6))
@pytest.mark.parametrize("mode", ["atomic", "in-place"])
def test_a_live_tree_is_always_the_release_and_the_deploy_file(
    mode: str, sequence: list[dict[str, Entry]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        publisher = Publisher(Path(directory) / "publish.git")
        subprocess.run(["git", "init", "--quiet", "--bare", str(publisher.path)], check=True)
        target = Target(Path(directory) / "web1", publisher)
        for number, files in enumerate(sequence):
            text = f"release {number}"
            target.release(f"t{number}", files, keep=1, switch=mode, deploy_text=text)
            expected = {**entries(files), ".deploy": Entry(text.encode())}
            assert tree(target.live) == expected
            verified = target.ask("verify", switch=mode)
            assert (verified["complete"], verified["changed"]) == (True, [])


def _edit(live: Path) -> None:
    (live / "a").write_text("9")


def _remove(live: Path) -> None:
    (live / "sub/b").unlink()


def _add(live: Path) -> None:
    (live / "sub/more").mkdir()
    (live / "sub/more/x").write_text("x")
    (live / "empty").mkdir()


def _nest_repositories(live: Path) -> None:
    for where in (live, live / "sub", live / "own"):
        subprocess.run(["git", "init", "--quiet", str(where)], check=True)


def _replace_by_link(live: Path) -> None:
    (live / "sub/b").unlink()
    (live / "sub").rmdir()
    (live / "sub").symlink_to("/etc")


EDITS = [_edit, _remove, _add, _nest_repositories, _replace_by_link]


@pytest.mark.parametrize("edit", EDITS)
def test_a_tree_edited_by_hand_becomes_an_exact_release_again(
    target: Target, edit: Callable[[Path], None]
) -> None:
    files = {"a": "1", "sub/b": "b", ".gitignore": "more\n"}
    for number in range(2):
        target.release(f"t{number}", files, keep=0)
        edit(target.live)

    for number in range(2, 5):
        target.release(f"t{number}", {**files, "n": str(number)}, keep=0)
        assert tree(target.live) == entries({**files, "n": str(number)})


def test_verify_names_what_was_changed_even_when_its_times_were_forged(target: Target) -> None:
    target.release("t1", {"a": "1", "b": "b", "c": "c", "keep": "k"}, deploy_text="x")
    before = (target.live / "a").stat()
    (target.live / "a").write_text("9")
    (target.live / "c").chmod(0o755)
    os.utime(target.live / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    outcome = target.ask("verify")
    assert (outcome["complete"], outcome["changed"]) == (True, ["a", "c"])

    (target.live / "b").unlink()
    outcome = target.ask("verify")
    assert (outcome["complete"], outcome["changed"]) == (False, ["a", "b", "c"])


def test_the_live_release_and_the_one_before_are_never_taken_over(target: Target) -> None:
    commits = [target.release(f"t{number}", {"a": str(number)}, keep=2) for number in range(3)]
    target.deploy("t0", commits[0], keep=0)

    for number in range(3, 7):
        commit = target.publisher.release(f"t{number}", {"a": str(number)})
        outcome = target.ask("fetch", f"t{number}", commit, keep=0)
        assert (outcome["live"], outcome["previous"]) == ("t0", "t2")
        assert {"t0", "t2", f"t{number}"} == set(outcome["held"])
    assert (target.live / "a").read_text() == "0"


def test_a_release_that_a_version_link_points_at_is_never_taken_over(target: Target) -> None:
    target.release("t0", {"a": "0"})
    (target.live.parent / "frozen").symlink_to(".sartoris/releases/t0")
    for number in range(1, 6):
        target.release(f"t{number}", {"a": str(number)}, keep=1)

    assert (target.live.parent / "frozen/a").read_text() == "0"


def test_a_pruned_release_leaves_nothing_behind(target: Target) -> None:
    for number in range(9):
        target.release(f"t{number}", {"a": str(number)}, keep=2)

    for directory in ("releases", "index", "meta", "site.git/refs/tags"):
        held = {path.name.removesuffix(".json") for path in (target.own / directory).iterdir()}
        assert held == {"t6", "t7", "t8"}, directory
    for directory in ("staging", "trash/slot0"):
        assert list((target.own / directory).iterdir()) == []


def test_a_reader_never_misses_a_file_while_releases_switch(target: Target) -> None:
    files = {f"d/{number}": "x" for number in range(20)}
    commits = {tag: target.release(tag, {**files, "n": tag}) for tag in ("t1", "t2", "t3")}
    stop, misses, reads = threading.Event(), list[OSError](), 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            try:
                (target.live / "d/7").read_bytes()
                reads += 1
            except OSError as error:
                misses.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        tag = f"t{number % 3 + 1}"
        assert target.ask("switch", tag, commits[tag])["live"] == tag
    stop.set()
    reader.join()
    assert (misses, reads > 100) == ([], True)


def test_a_store_with_many_packs_is_packed_in_the_background(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PACKS_BEFORE_MAINTENANCE", 3)
    for number in range(12):
        target.release(f"t{number}", {"a": str(number) * 100}, keep=1)

    # It was detached; nothing tells when it is done but its result.
    until, packs = time.monotonic() + 20, target.store / "objects/pack"
    while len(list(packs.glob("*.pack"))) > 6 and time.monotonic() < until:
        target.deploy("t11", target.publisher.git("rev-parse", "t11"), keep=1)
    assert len(list(packs.glob("*.pack"))) <= 6
    assert target.ask("verify")["complete"]
