"""A composed submodule has its own attributes and no others, as in a clone with submodules."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartoris.releases.publish import PublishRepository
from tests.releases import older_agent
from tests.unit.git.sample import Sample

from .conftest import Entry, Publisher, Target, tree

BOTH = pytest.mark.parametrize("mode", ["atomic", "in-place"])
PLACES = ("", "ext", "ext/l ib")  # of the repositories, each a submodule of the one before


class World:
    """A site whose submodule has a submodule, its publish repository, and a target for each mode.

    Each has the files NAMES, which are long enough for every rule to show.
    """

    NAMES = ("a.txt", "d/b.txt", "c.bat")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.site = self.at("")
        self.publish = PublishRepository(directory / "publish.git", self.site.git)
        self.publish.prepare()
        publisher = Publisher(directory / "publish.git")
        self.targets = {
            mode: Target(directory / mode, publisher) for mode in ("atomic", "in-place")
        }
        for place in reversed(PLACES):
            self.write(place)

    def at(self, place: str) -> Sample:
        """The repository at a place, made where there is none."""
        path = self.directory / "site" / place
        return Sample(path) if (path / ".git").exists() else Sample.create(path)

    def write(self, place: str) -> None:
        for name in self.NAMES:
            self.at(place).write_file(name, f"é {place}\n$Id$\n")

    def rule(self, place: str, attributes: str, file: str = ".gitattributes") -> None:
        self.at(place).write_file(file, attributes)

    def commit(self) -> str:
        """Commit everything from the inside out; the commit of the site."""
        for place, inner in zip(reversed(PLACES), (None, *reversed(PLACES)), strict=False):
            if inner is not None:
                path = os.path.relpath(inner, place or ".")
                url = self.at(inner).path
                text = f'[submodule "one"]\n\tpath = {path}\n\turl = {url}\n'
                self.at(place).write_file(".gitmodules", text)
            self.at(place).commit()
        return self.site.head

    def clone(self, name: str) -> dict[str, Entry]:
        """The files that git itself gives to those who clone the site with its submodules."""
        cloned = self.site.clone(self.directory / name, "--recurse-submodules")
        return files_in(cloned.path)

    def deploy(self, tag: str) -> Iterator[tuple[str, dict[str, Entry]]]:
        """Release what is committed; the files on each target, which finds nothing wrong."""
        release = self.publish.publish(tag, self.site.head)
        for mode, target in self.targets.items():
            target.deploy(tag, release.commit, switch=mode, keep=0)
            outcome = target.ask("verify", switch=mode)
            found = (outcome["complete"], outcome["changed"], outcome["added"])
            assert found == (True, [], []), outcome
            yield mode, files_in(target.live)


def files_in(directory: Path) -> dict[str, Entry]:
    return {
        path: entry
        for path, entry in tree(directory.resolve()).items()
        if ".git" not in path.split("/")
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


LINES = (
    "* text eol=crlf",
    "*.txt eol=crlf",
    "* text=auto",
    "*.bat -text",
    "*.txt ident",
    "ext/** ident",
    "ext/** -ident !eol",
    "/a.txt working-tree-encoding=ISO-8859-1",
    "[attr]windows text eol=crlf",
    "[attr]windows ident",
    "*.bat windows",
    "d/* windows",
)
RULES = st.lists(st.sampled_from(LINES), max_size=4).map(lambda lines: "\n".join([*lines, ""]))
FILES = st.sampled_from([".gitattributes", "d/.gitattributes"])
STEP = st.fixed_dictionaries({place: st.tuples(FILES, RULES) for place in PLACES})


@settings(max_examples=6, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=3))
def test_every_release_has_the_bytes_of_a_clone(steps: list[dict[str, tuple[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        for number, step in enumerate(steps):
            for place, (file, rules) in step.items():
                world.rule(place, rules, file)
            world.commit()
            expected = world.clone(f"clone-{number}")
            for mode, found in world.deploy(f"t{number}"):
                assert found == expected, mode


def test_rules_from_above_do_not_reach_in_and_its_own_macros_count(world: World) -> None:
    world.rule("", "* text eol=crlf\next/** ident\n")
    world.rule("ext", "[attr]windows eol=crlf\n*.bat windows\n")
    world.rule("ext/l ib", "[attr]marked ident\na.txt marked\n")
    world.commit()
    expected = world.clone("clone")

    for _, found in world.deploy("t1"):
        assert found == expected
        crlf = {path for path, one in found.items() if b"\r\n" in one.content}
        ours = {"a.txt", "d/b.txt", "c.bat", ".gitmodules", ".gitattributes"}
        assert crlf == {*ours, "ext/c.bat"}
        assert [path for path, one in found.items() if b"$Id: " in one.content] == [
            "ext/l ib/a.txt"
        ]


@BOTH
def test_verify_names_a_file_of_a_submodule_that_is_not_as_its_own_rules_want_it(
    world: World, mode: str
) -> None:
    world.rule("", "* eol=crlf\n")
    world.rule("ext", "c.bat eol=crlf\n")
    world.commit()
    list(world.deploy("t1"))
    target = world.targets[mode]
    text = (target.live / "ext/a.txt").read_bytes()
    (target.live / "ext/a.txt").write_bytes(text.replace(b"\n", b"\r\n"))
    (target.live / "ext/c.bat").write_bytes((target.live / "ext/d/b.txt").read_bytes())

    changed = target.ask("verify", switch=mode)["changed"]

    assert changed == ["ext/a.txt", "ext/c.bat"]


def test_a_directory_that_becomes_a_submodule_or_ceases_to_be_one_is_converted_anew(
    world: World,
) -> None:
    world.rule("", "*.txt eol=crlf\n")
    repositories = [world.at(place).path / ".git" for place in reversed(PLACES[1:])]
    for number in range(4):
        is_plain = number % 2 == 1
        if is_plain:
            for at, repository in enumerate(repositories):
                repository.rename(world.directory / f"aside-{at}")
            world.site.git.run("rm", "-r", "-q", "--cached", "ext")
            world.site.commit()
        else:
            world.commit()
        expected = world.clone(f"clone-{number}")
        assert (b"\r\n" in expected["ext/a.txt"].content) == is_plain
        for mode, found in world.deploy(f"t{number}"):
            assert found == expected, mode
        if is_plain:
            for at, repository in enumerate(repositories):
                (world.directory / f"aside-{at}").rename(repository)
            world.site.git.run("rm", "-r", "-q", "--cached", "ext")


def test_an_older_agent_brings_the_release_as_it_always_did(world: World) -> None:
    world.rule("", "*.txt eol=crlf\n")
    world.commit()
    release = world.publish.publish("t1", world.site.head)
    target = world.targets["atomic"]
    target.root.mkdir()
    for action in ("fetch", "switch"):
        outcome = older_agent(target.order(action, "t1", release.commit), str(target.root))
        assert outcome["ok"], outcome

    assert set(files_in(target.live)) == set(world.clone("clone"))
    reached = [f"{place}/{name}" for place in PLACES[1:] for name in ("a.txt", "d/b.txt")]
    assert target.ask("verify")["changed"] == reached

    world.site.write(more="x").commit()
    release = world.publish.publish("t2", world.site.head)
    target.deploy("t2", release.commit, keep=0)
    assert files_in(target.live) == world.clone("again")
