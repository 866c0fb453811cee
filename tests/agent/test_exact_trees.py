"""A staged tree is the release's tree, whatever stood there before."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartoris.agent import store

from .conftest import Entry, Publisher, Target, entries, link, program, tree

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


BOTH = pytest.mark.parametrize("mode", ["atomic", "in-place"])


@BOTH
def test_files_whose_attributes_changed_are_converted_anew(target: Target, mode: str) -> None:
    files = {"run.bat": "x\n", "sub/id": "$Id$\n", "sub/text": "é\n"}
    attributes = "*.bat text eol=crlf\n", "id ident\ntext text working-tree-encoding=ISO-8859-1\n"
    for number in range(3):
        target.release(f"a{number}", {**files, "n": str(number)}, keep=0, switch=mode)
    ruled = {**files, ".gitattributes": attributes[0], "sub/.gitattributes": attributes[1]}

    for number in range(3):
        target.release(f"b{number}", {**ruled, "n": str(number)}, keep=0, switch=mode)
        assert (target.live / "run.bat").read_bytes() == b"x\r\n"
        assert (target.live / "sub/id").read_bytes().startswith(b"$Id: ")
        assert (target.live / "sub/text").read_bytes() == b"\xe9\n"
        assert target.ask("verify", switch=mode)["changed"] == []
    for number in range(3):
        target.release(f"c{number}", {**files, "n": str(number)}, keep=0, switch=mode)
        assert tree(target.live) == entries({**files, "n": str(number)})


def test_verify_names_a_file_that_is_not_as_its_attributes_want_it(target: Target) -> None:
    target.release("t1", {".gitattributes": "*.bat eol=crlf\n", "run.bat": "x\n", "a": "a\n"})
    (target.live / "run.bat").write_bytes(b"x\n")
    (target.live / "a").write_bytes(b"a\r\n")

    assert target.ask("verify")["changed"] == ["a", "run.bat"]


@dataclass(frozen=True)
class Machine:
    """What could have a say on a target: its files, a user's directory and the environment."""

    target: Target
    home: Path
    patch: pytest.MonkeyPatch


def _attributes_of_the_user(on: Machine) -> None:
    (on.home / "git").mkdir()
    (on.home / "git/attributes").write_text("* eol=crlf\n")
    on.patch.setenv("XDG_CONFIG_HOME", str(on.home))


def _settings_of_the_user(on: Machine) -> None:
    (on.home / "config").write_text(
        "[core]\n\tautocrlf = true\n\teol = crlf\n\tignoreStat = true\n"
    )
    on.patch.setenv("GIT_CONFIG_GLOBAL", str(on.home / "config"))
    on.patch.setenv("GIT_CONFIG_SYSTEM", str(on.home / "config"))
    on.patch.delenv("GIT_CONFIG_NOSYSTEM", raising=False)


def _settings_of_the_environment(on: Machine) -> None:
    for name, value in {"COUNT": "1", "KEY_0": "core.eol", "VALUE_0": "crlf"}.items():
        on.patch.setenv(f"GIT_CONFIG_{name}", value)
    on.patch.setenv("GIT_CONFIG_PARAMETERS", "'core.autocrlf'='true'")
    on.patch.setenv("GIT_ATTR_SOURCE", "HEAD")


def _settings_of_the_store(on: Machine) -> None:
    (on.target.store / "info").mkdir(exist_ok=True)
    (on.target.store / "info/attributes").write_text("* eol=crlf filter=shout\n")
    with (on.target.store / "config").open("a") as file:
        file.write('[core]\n\tautocrlf = true\n[filter "shout"]\n\tsmudge = tr a-z A-Z\n')


def _untracked_attributes(on: Machine) -> None:
    (on.target.live / ".gitattributes").write_text("* text eol=crlf\n")


@BOTH
@pytest.mark.parametrize(
    "influence",
    [
        _attributes_of_the_user,
        _settings_of_the_user,
        _settings_of_the_environment,
        _settings_of_the_store,
        _untracked_attributes,
    ],
)
def test_nothing_but_the_commit_has_a_say(
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    influence: Callable[[Machine], None],
    mode: str,
) -> None:
    target.release("t0", {"a": "0\n"}, keep=0, switch=mode)
    (tmp_path / "home").mkdir()
    influence(Machine(target, tmp_path / "home", monkeypatch))

    for number in range(1, 4):
        target.release(f"t{number}", {"a": f"{number}\n", "b/c": "c\n"}, keep=0, switch=mode)

        assert (target.live / "a").read_bytes() == b"%d\n" % number
        assert (target.live / "b/c").read_bytes() == b"c\n"


def modes(directory: Path) -> dict[str, int]:
    return {
        str(path.relative_to(directory)): stat.S_IMODE(path.lstat().st_mode)
        for path in [directory, *directory.rglob("*")]
        if not path.is_symlink()
    }


FILES: dict[str, str | Entry] = {
    "sub/deep/a": "a",
    "sub/x": program("exit"),
    "n": "0",
    "l": link("n"),
}
MODES = {
    ".": 0o755,
    "sub": 0o755,
    "sub/deep": 0o755,
    "sub/deep/a": 0o644,
    "sub/x": 0o755,
    "n": 0o644,
    ".deploy": 0o644,
}


@BOTH
@pytest.mark.parametrize("umask", [0o077, 0o000, 0o002])
def test_permissions_are_the_release_s_whatever_the_umask(
    target: Target, mode: str, umask: int
) -> None:
    before = os.umask(umask)
    try:
        for number in range(3):
            target.release(f"t{number}", FILES, deploy_text="x", keep=0, switch=mode)
            assert modes(target.live.resolve()) == MODES
        assert stat.S_IMODE(target.own.stat().st_mode) == 0o755
    finally:
        os.umask(before)


def test_where_a_group_may_write_the_agent_s_own_directories_are_the_group_s(
    target: Target,
) -> None:
    target.own.parent.mkdir(parents=True)
    target.own.parent.chmod(0o2775)
    for number in range(2):
        target.release(f"t{number}", FILES)
    trees = list((target.own / "releases").iterdir())
    ours = [path for path in target.own.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in (target.own, *ours):
        if not any(tree in path.parents for tree in trees):
            assert stat.S_IMODE(path.stat().st_mode) & 0o2020 == 0o2020, path


def test_permissions_that_an_earlier_release_had_do_not_come_back(target: Target) -> None:
    for number in range(5):
        target.release(f"t{number}", FILES, deploy_text="x", keep=0)
        assert modes(target.live.resolve()) == MODES
        for path in (".", "sub", "sub/deep", "sub/deep/a", "sub/x", "n"):
            (target.live / path).chmod(0o777 if path.endswith("x") else 0o700)


def test_in_place_missing_permissions_come_back_and_what_was_added_stays(target: Target) -> None:
    target.release("t1", FILES, switch="in-place")
    (target.live / "upload").write_text("theirs")
    chosen = {".": 0o750, "sub": 0o700, "sub/deep": 0o777, "sub/x": 0o700, "upload": 0o600}
    for path, mode in {**chosen, "n": 0o600}.items():
        (target.live / path).chmod(mode)
    assert target.ask("verify", switch="in-place")["changed"] == ["n", "sub", "sub/x"]

    target.release("t2", FILES, switch="in-place")

    expected = {**MODES, ".": 0o750, "sub/deep": 0o777, "upload": 0o600}
    del expected[".deploy"]
    assert modes(target.live) == expected


def test_a_setgid_bit_is_handed_down_as_in_a_checkout(target: Target) -> None:
    target.live.parent.mkdir(parents=True)
    target.live.parent.chmod(0o2755)

    for number in range(4):
        target.release(f"t{number}", {**FILES, "n": str(number)}, keep=0)
        found = modes(target.live.resolve())
        assert (found["."], found["sub/deep"], found["n"]) == (0o2755, 0o2755, 0o644)
        assert target.ask("verify")["changed"] == []


def test_verify_names_what_has_other_permissions(target: Target) -> None:
    target.release("t1", FILES)
    (target.live / "sub/deep").chmod(0o777)
    (target.live / "n").chmod(0o666)
    (target.live / "sub/x").chmod(0o4755)

    assert target.ask("verify")["changed"] == ["n", "sub/deep", "sub/x"]


@BOTH
def test_a_tree_that_an_older_agent_made_is_written_anew_once(target: Target, mode: str) -> None:
    target.release("t0", {"a": "a", "n": "0"}, keep=0, switch=mode)
    target.release("t1", {"a": "a", "n": "1"}, keep=0, switch=mode)
    for file in (target.own / "meta").glob("*.json"):
        content = json.loads(file.read_bytes())
        del content["tree_rules"]
        file.write_text(json.dumps(content))
    written = {path.stat().st_ctime_ns for path in target.own.glob("releases/*/a")}
    written.add((target.live / "a").stat().st_ctime_ns)

    target.release("t2", {"a": "a", "n": "2"}, keep=0, switch=mode)

    assert (target.live / "a").stat().st_ctime_ns not in written


@BOTH
def test_a_release_s_own_files_are_not_taken_for_the_agent_s(target: Target, mode: str) -> None:
    names = (".deploy.sartoris-new", ".sartoris-0", ".gitattributes.lock", "a.lock", "..new")
    files = dict.fromkeys(names, "the release's own")

    for number in range(3):
        more = {"n": str(number)}
        target.release(f"t{number}", {**files, **more}, deploy_text="x", keep=0, switch=mode)
        assert tree(target.live) == entries({**files, **more, ".deploy": "x"})


def test_permissions_of_what_is_reached_by_a_link_are_nobody_s_to_mend(target: Target) -> None:
    target.release("t1", FILES, switch="in-place")
    elsewhere = target.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x").write_text("a secret")
    (elsewhere / "x").chmod(0o600)
    shutil.rmtree(target.live / "sub")
    (target.live / "sub").symlink_to(elsewhere)

    target.release("t2", FILES, switch="in-place")

    assert stat.S_IMODE((elsewhere / "x").stat().st_mode) == 0o600
    assert modes(target.live)["sub/x"] == 0o755
