"""Whatever of the agent's own is damaged, the next release gets there; and nothing else is damage.

Each kind of damage is done to a target that holds and runs a release; then another is rolled out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Files, Publisher, Target, entries, program, tree
from .test_failures import mounted

FIRST: Files = {"a": "1", "old": "gone later"}
SECOND: Files = {"a": "2", "new": "2"}
GARBAGE = bytes(range(128, 227))

Damage = Callable[[Path], None]  # to the agent's own directory


def writes(name: str, content: bytes) -> Damage:
    def damage(own: Path) -> None:
        for path in sorted(own.glob(name)) or [own / name]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)

    return damage


def puts(name: str, make: Callable[[Path], object]) -> Damage:
    """Something else in the place of what is there."""

    def damage(own: Path) -> None:
        for path in sorted(own.glob(name)) or [own / name]:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)

    return damage


def nothing(_: Path) -> None:
    pass


def a_file(path: Path) -> None:
    path.write_text("x")


def a_full_directory(path: Path) -> None:
    path.mkdir()
    (path / "x").write_text("x")


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


_OF_FILES = {
    "empty": b"",
    "zeros": bytes(66),
    "garbage": GARBAGE,
    "cut off": b"[core",
    "of a newer format": b"[core]\n\trepositoryformatversion = 99\n",
}
_WRONG = {
    "removed": nothing,
    "a file": a_file,
    "a directory": a_full_directory,
    "a link to nothing": a_link_to_nothing,
    "a link to itself": a_link_to_itself,
}

STORE: dict[str, Damage] = {
    **{
        f"{name} {how}": writes(f"site.git/{name}", content)
        for name in ("config", "HEAD", "packed-refs", "shallow", "refs/tags/*")
        for how, content in _OF_FILES.items()
    },
    **{
        f"{name} {how}": puts(f"site.git/{name}", make)
        for name in ("config", "HEAD", "refs/tags/t1")
        for how, make in _WRONG.items()
        if how != "a file"
    },
    **{
        f"{name or 'store'} {how}": puts(f"site.git/{name}".rstrip("/"), make)
        for name in ("", "refs", "refs/tags", "objects", "objects/pack")
        for how, make in _WRONG.items()
        if how != "a directory"
    },
    "another commit in the ref": writes("site.git/refs/tags/*", b"1234567890" * 4 + b"\n"),
    "alternates": writes("site.git/objects/info/alternates", b"/nowhere\n"),
    "packs removed": puts("site.git/objects/pack/*.pack", nothing),
    "indexes of packs zeroed": writes("site.git/objects/pack/*.idx", bytes(100)),
    **{
        f"{name} locked by a killed git": writes(f"site.git/{name}.lock", b"")
        for name in ("shallow", "config", "packed-refs")
    },
    "an unfinished new store": puts("site.git.new", a_full_directory),
}
RECORDS: dict[str, Damage] = {
    **{
        f"{name} {how}": writes(name, content)
        for name in ("meta/t1.json", "state/slot0.json", "index/*", "index/.staging-slot0")
        for how, content in (*_OF_FILES.items(), ("of a wrong type", b'{"shared": 5, "order": 1}'))
    },
    **{
        f"{name} {how}": puts(name, make)
        for name in ("meta/t1.json", "state/slot0.json", "lock/slot0", "lock/.store-site")
        for how, make in _WRONG.items()
    },
    **{
        f"{name} {how}": puts(name, make)
        for name in ("meta", "state", "lock", "index", "staging", "trash", "trash/slot0")
        for how, make in _WRONG.items()
        if how != "a directory"
    },
    **{
        f"{name} {how}": puts(name, make)
        for name in ("staging/slot0", "index/.staging-slot0", "index/t2", "releases/t2", "adopted")
        for how, make in _WRONG.items()
    },
    **{f"releases {how}": puts("releases", make) for how, make in _WRONG.items()},
}


def _deployed_after(damage: Damage, target: Target, mode: str) -> dict[str, Any]:
    target.release("t1", FIRST, switch=mode, deploy_text="t1\n")
    commit = target.publisher.release("t2", SECOND)
    damage(target.own)
    return target.deploy("t2", commit, switch=mode)


# In place, what is live needs the store.
IN_PLACE = ("config garbage", "HEAD removed", "refs/tags removed", "store a file", "packs removed")


@pytest.mark.parametrize(
    ("name", "mode"), [*((n, "atomic") for n in STORE), *((n, "in-place") for n in IN_PLACE)]
)
def test_a_store_that_is_damaged_is_mended(target: Target, name: str, mode: str) -> None:
    outcome = _deployed_after(STORE[name], target, mode)

    assert (outcome["live"], outcome["remains"]) == ("t2", [])
    found = {path: entry for path, entry in tree(target.live).items() if path != ".deploy"}
    assert found == entries(SECOND)
    check = ["git", f"--git-dir={target.store}", "rev-list", "--objects", "--quiet", "t2"]
    subprocess.run(check, check=True, capture_output=True)


@pytest.mark.parametrize("name", RECORDS)
def test_records_that_are_damaged_are_mended_or_set_aside(target: Target, name: str) -> None:
    outcome = _deployed_after(RECORDS[name], target, "atomic")

    assert (outcome["live"], tree(target.live)) == ("t2", entries(SECOND))
    assert target.ask("fetch", "t2", target.publisher.git("rev-parse", "t2"))["ok"]


@pytest.mark.parametrize(
    "damage",
    [
        writes("index/.in-place-slot0", GARBAGE),
        writes("index/.in-place-slot0", b""),
        *(puts("index/.in-place-slot0", make) for make in _WRONG.values()),
    ],
)
def test_what_stands_in_place_is_brought_where_its_index_is_damaged(
    target: Target, damage: Damage
) -> None:
    target.release("t1", FIRST, switch="in-place")
    (target.live / "upload").write_text("somebody's own")
    damage(target.own)

    target.release("t2", SECOND, switch="in-place")

    assert tree(target.live) == entries({**SECOND, "upload": "somebody's own"})


def test_what_stands_in_the_place_of_a_directory_is_kept(target: Target) -> None:
    _deployed_after(puts("staging", a_file), target, "atomic")

    assert [path.read_text() for path in target.own.glob("staging.set-aside-*")] == ["x"]


def test_a_store_that_is_damaged_is_told_of_where_the_order_has_no_url(target: Target) -> None:
    target.release("t1", FIRST, switch="in-place")
    commit = target.publisher.release("t2", SECOND)
    target.ask("fetch", "t2", commit, switch="in-place")
    writes("site.git/config", GARBAGE)(target.own)

    outcome = target.ask("switch", "t2", commit, switch="in-place", url="")

    assert outcome["error"] == "corrupt-store"
    assert "site.git/config" in outcome["output"]


def _store_number(target: Target) -> int:
    return target.store.stat().st_ino


def test_a_path_that_git_refuses_is_not_the_stores_fault(target: Target) -> None:
    target.release("t1", FIRST)
    before = _store_number(target)
    commit = target.publisher.release("t2", {"a": "2", "git~1": "x"})

    outcome = target.ask("fetch", "t2", commit)

    assert (outcome["error"], outcome["live"]) == ("git-failed", "t1")
    assert outcome["message"] == "git read-tree failed: error: invalid path 'git~1'"
    assert _store_number(target) == before
    target.release("t3", SECOND)


def test_what_git_writes_to_its_errors_is_no_answer(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.release("t1", FIRST)
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("GIT_TRACE_SETUP", "2")
    before = _store_number(target)

    target.release("t2", SECOND)

    assert target.ask("verify")["complete"]
    assert target.ask("verify")["changed"] == []
    assert _store_number(target) == before


def test_settings_that_refuse_the_objects_are_not_the_stores_fault(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.release("t1", FIRST)
    before = _store_number(target)
    blob = target.publisher.git("hash-object", "-w", "--stdin", stdin=b"x")
    entry = b"0100644 a\0" + bytes.fromhex(blob)
    made = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    padded = target.publisher.git(*made, stdin=entry)
    person = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    commit = target.publisher.git(*person, "commit-tree", "-m", "x", padded)
    target.publisher.git("update-ref", "refs/tags/t2", commit)
    settings = tmp_path / "settings"
    settings.write_text("[transfer]\n\tfsckObjects = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))

    outcome = target.ask("fetch", "t2", commit)

    assert outcome["error"] == "git-failed"
    assert "zeroPaddedFilemode" in outcome["message"]
    assert _store_number(target) == before


def test_a_file_system_that_takes_no_more_files_is_full(target: Target) -> None:
    small = target.publisher.release("t1", FIRST)
    many = target.publisher.release("t2", {f"{number}": "x" for number in range(400)})
    with mounted(target.root, "-t", "tmpfs", "-o", "size=30m,nr_inodes=200", "tmpfs"):
        target.deploy("t1", small)
        before = _store_number(target)

        outcome = target.ask("fetch", "t2", many)

        assert (outcome["error"], outcome["live"]) == ("no-space", "t1")
        assert "room for" in outcome["output"]
        assert _store_number(target) == before


class Deployer:
    """Deploys as a user who is not root, to a target where another user writes, too."""

    def __init__(self, directory: Path) -> None:
        self.target = Target(directory / "web1", Publisher(directory / "publish.git"))
        self.target.root.mkdir()
        subprocess.run(
            ["git", "init", "--quiet", "--bare", str(self.target.publisher.path)], check=True
        )
        self.own_everything()

    def own_everything(self) -> None:
        where = (self.target.root, self.target.publisher.path)
        subprocess.run(["chown", "-R", "1234:1234", *map(str, where)], check=True)

    def deploy(self, tag: str, **more: Any) -> dict[str, Any]:
        """Publish a release that has a cache, and deploy it; the outcome."""
        cache = program("mkdir -p cache made; chmod 777 cache; touch made/x; chmod 555 made")
        commit = self.target.publisher.release(tag, {"deploy/target/prepare.1": cache, "a": tag})
        subprocess.run(["chown", "-R", "1234:1234", str(self.target.publisher.path)], check=True)
        here, there = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(1234)
            os.setuid(1234)
            outcome = self.target.ask("fetch", tag, commit, keep=1, **more)
            if outcome["ok"]:
                outcome = self.target.ask("switch", tag, commit, keep=1, **more)
            os.write(there, json.dumps(outcome).encode())
            os._exit(0)
        os.close(there)
        os.waitpid(child, 0)
        with os.fdopen(here, "rb") as answer:
            outcome = json.loads(answer.read())
        assert isinstance(outcome, dict)
        return outcome


@pytest.fixture
def deployer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("HOME", name)
        yield Deployer(Path(name))


def test_files_of_the_application_in_an_old_release_stop_nothing_and_are_named(
    deployer: Deployer,
) -> None:
    target = deployer.target
    for number in range(1, 6):
        outcome = deployer.deploy(f"t{number}")
        assert (outcome["ok"], outcome["live"]) == (True, f"t{number}"), outcome
        where = target.live / "cache" / "tpl"
        where.mkdir()
        (where / "x").write_text("x")
        shutil.chown(where, "www-data")
        shutil.chown(where / "x", "www-data")

    outcome = target.ask("status")
    assert outcome["held"] == ["t3", "t4", "t5"]
    place = "/srv/app/.sartoris/trash/slot0"
    assert len(outcome["remains"]) == 2
    for one in outcome["remains"]:
        assert one.startswith(place)
        assert one.endswith("/cache/tpl/x (www-data)")
    # Of a release that could not be removed, only that stays.
    left = [path for path in (target.own / "trash/slot0").rglob("*") if path.is_file()]
    assert {path.name for path in left} == {"x"}
    # Once they are gone, so is the rest, with the next release.
    deployer.own_everything()
    assert deployer.deploy("t6")["remains"] == []
    assert list((target.own / "trash/slot0").iterdir()) == []


def test_directories_that_a_program_has_made_read_only_stop_nothing(deployer: Deployer) -> None:
    outcomes = [deployer.deploy(f"t{number}") for number in range(1, 5)]

    assert (outcomes[-1]["live"], outcomes[-1]["remains"]) == ("t4", [])


@pytest.mark.parametrize("name", ["objects", "objects/pack", "refs/tags", "HEAD", "config"])
def test_a_store_of_another_user_is_replaced(deployer: Deployer, name: str) -> None:
    deployer.deploy("t1")
    os.chown(deployer.target.store / name, 0, 0)
    (deployer.target.store / name).chmod(0o700)

    assert deployer.deploy("t2")["live"] == "t2"


class TestTheRecordOfWhatIsLiveIsLost:
    """Targets that missed nothing else are not stuck with it until the next release."""

    @pytest.fixture
    def commit(self, target: Target) -> str:
        commit = target.release("t1", FIRST, deploy_text="t1\n")
        (target.own / "meta/t1.json").write_bytes(bytes(66))
        return commit

    def test_it_is_recorded_again(self, target: Target, commit: str) -> None:
        inode = (target.live / "a").stat().st_ino
        target.deploy("t1", commit, deploy_text="t1\n")
        outcome = target.ask("verify")
        assert (outcome["complete"], outcome["changed"], outcome["held"]) == (True, [], ["t1"])
        assert (target.live / "a").stat().st_ino == inode

    def test_what_was_added_meanwhile_is_still_named(self, target: Target, commit: str) -> None:
        (target.live / "evil.php").write_text("x")
        target.deploy("t1", commit, deploy_text="t1\n")
        assert target.ask("verify")["added"] == ["evil.php"]

    def test_a_tree_that_is_not_the_release_stays_unrecorded(
        self, target: Target, commit: str
    ) -> None:
        (target.live / "a").write_text("9")
        outcome = target.ask("fetch", "t1", commit, deploy_text="t1\n")
        assert (outcome["error"], outcome["live"], outcome["held"]) == ("conflict", "t1", [])
        assert "a is not as released; the next release replaces it" in outcome["message"]
        target.release("t2", SECOND)
