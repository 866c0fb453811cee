"""What targets lack of a release, made once for all of them."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sartoris.git.command import Git
from sartoris.releases.packs import KEPT, Carried, Pack, Packs
from sartoris.releases.publish import PublishRepository
from tests.unit.git.sample import ENVIRONMENT, Sample, files_of

ABSENT = "1" * 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deploy/publish.git"


@pytest.fixture
def site(tmp_path: Path) -> Sample:
    site = Sample.create(tmp_path / "site")
    for number in range(40):
        (site.path / f"file{number}").write_text(f"{number}\n" * 200)
    site.commit()
    return site


@pytest.fixture
def publish(site: Sample, path: Path) -> PublishRepository:
    publish = PublishRepository(path, site.git)
    publish.prepare()
    return publish


@pytest.fixture
def one(site: Sample, publish: PublishRepository) -> str:
    return publish.publish("slot0-1", site.head).commit


@pytest.fixture
def two(site: Sample, publish: PublishRepository, one: str) -> str:
    assert one != ABSENT  # it is there before
    (site.path / "file7").write_text("7\n" * 200 + "changed\n")
    (site.path / "file8").rename(site.path / "renamed")
    return publish.publish("slot0-2", site.commit()).commit


def git_in(path: Path) -> Git:
    return Git(path, git_dir=path, environment=ENVIRONMENT)


def made_in(path: Path) -> list[str]:
    return sorted(one.name for one in (path.parent / "publish.packs").glob("*.pack"))


def take(pack: Pack | None, place: Path) -> None:
    """As a target does."""
    assert pack is not None
    with pack.path.open("rb") as file:
        command = ["git", f"--git-dir={place}", "index-pack", "--stdin", "--fix-thin"]
        subprocess.run(command, stdin=file, stdout=subprocess.DEVNULL, check=True)


def empty(place: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    return place


def test_a_first_deploy_is_a_pack_of_everything(path: Path, two: str, tmp_path: Path) -> None:
    pack = Packs(path).to(two, [])
    assert pack is not None
    assert pack.base == ""
    take(pack, empty(tmp_path / "t.git"))
    assert files_of(git_in(tmp_path / "t.git"), two) == files_of(git_in(path), two)
    git_in(tmp_path / "t.git").run("fsck", "--strict", "--full")


def test_who_holds_a_release_gets_what_it_lacks(
    path: Path, one: str, two: str, tmp_path: Path
) -> None:
    packs, place = Packs(path), empty(tmp_path / "t.git")
    take(packs.to(one, []), place)
    pack = packs.to(two, [one])
    assert pack is not None
    assert pack.base == one
    assert pack.size < 2000  # names, and one file; not that which was renamed
    take(pack, place)
    assert files_of(git_in(place), two) == files_of(git_in(path), two)


def test_a_pack_is_what_its_name_says(path: Path, one: str, two: str) -> None:
    pack = Packs(path).to(two, [one])
    assert pack is not None
    content = pack.path.read_bytes()
    assert pack.path == path.parent / "publish.packs" / f"{pack.sha256}.pack"
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (pack.sha256, pack.size)


def test_the_first_release_that_is_known_here_is_the_base(path: Path, one: str, two: str) -> None:
    packs = Packs(path)
    for held, base in (([ABSENT, one], one), ([one, two], one), ([ABSENT], ""), ([two], two)):
        pack = packs.to(two, held)
        assert pack is not None
        assert pack.base == base


def test_of_many_threads_that_ask_one_makes_it(
    path: Path, one: str, two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs, made = Packs(path), []
    make = Packs._make

    def noted(self: Packs, name: str, commit: str, base: str, carried: Carried) -> Pack:
        made.append(name)
        return make(self, name, commit, base, carried)

    monkeypatch.setattr(Packs, "_make", noted)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: packs.to(two, [one]), range(40)))
    assert len(set(found)) == len(made) == 1


def _ask(path: Path, commit: str, base: str) -> tuple[str, int]:
    pack = Packs(path).to(commit, [base])
    assert pack is not None
    return pack.sha256, pack.path.stat().st_mtime_ns


def test_of_many_processes_that_ask_one_makes_it(path: Path, one: str, two: str) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.starmap(_ask, [(path, two, one)] * 8)
    assert len(set(found)) == 1


def test_another_process_finds_what_was_made(path: Path, one: str, two: str) -> None:
    pack = Packs(path).to(two, [one])
    assert pack is not None
    before = pack.path.stat().st_mtime_ns
    assert Packs(path).to(two, [one]) == pack
    assert pack.path.stat().st_mtime_ns == before


def test_those_that_are_there_can_be_named_without_making_one(
    path: Path, one: str, two: str
) -> None:
    packs = Packs(path)
    assert packs.made_for(two) == []
    made = [packs.to(two, [one]), packs.to(two, [])]
    assert packs.to(one, [])
    assert sorted(packs.made_for(two), key=lambda pack: pack.base) == made[::-1]
    made[0].path.unlink() if made[0] else None
    assert packs.made_for(two) == made[1:]
    assert Packs(path.with_name("other.git")).made_for(two) == []


def test_who_has_made_it_makes_it_anew_when_somebody_has_tidied_up(
    path: Path, one: str, two: str
) -> None:
    packs = Packs(path)
    pack = packs.to(two, [one])
    assert pack is not None
    shutil.rmtree(packs.directory)
    assert packs.to(two, [one]) == pack
    assert pack.path.stat().st_size == pack.size


@pytest.mark.parametrize("what", ["gone", "cut short", "other bytes", "its note is no note"])
def test_what_is_damaged_or_lost_is_made_again(path: Path, one: str, two: str, what: str) -> None:
    pack = Packs(path).to(two, [one])
    assert pack is not None
    content = pack.path.read_bytes()
    match what:
        case "gone":
            pack.path.unlink()
        case "cut short":
            os.truncate(pack.path, 10)
        case "other bytes":
            pack.path.write_bytes(b"x" * pack.size)
        case _:
            (path.parent / "publish.packs" / f"{two}-{one}.json").write_text("{")
    assert Packs(path).to(two, [one]) == pack
    assert pack.path.read_bytes() == content


def test_what_a_killed_process_was_making_is_in_nobody_s_way(
    path: Path, one: str, two: str
) -> None:
    (path.parent / "publish.packs").mkdir()
    (path.parent / "publish.packs" / f".{two}-{one}.new").write_bytes(b"half")
    assert Packs(path).to(two, [one]) is not None
    assert list((path.parent / "publish.packs").glob("*.new")) == []
    assert list((path.parent / "publish.packs").glob(".*.new")) == []


@pytest.mark.parametrize("what", ["no repository", "no release", "a file in the way"])
def test_where_none_can_be_made_there_is_none(
    path: Path, one: str, two: str, what: str, tmp_path: Path
) -> None:
    match what:
        case "no repository":
            assert Packs(tmp_path / "nowhere.git").to(two, [one]) is None
        case "no release":
            assert Packs(path).to(ABSENT, [one]) is None
            assert made_in(path) == []
        case _:
            (path.parent / "publish.packs").write_text("")
            assert Packs(path).to(two, [one]) is None


def test_what_was_said_of_a_pack_can_be_read_by_others(path: Path, one: str, two: str) -> None:
    pack = Packs(path).to(two, [one])
    assert pack is not None
    said = json.loads((path.parent / "publish.packs" / f"{two}-{one}.json").read_text())
    assert said == {
        "version": 1,
        "from": one,
        "to": two,
        "sha256": pack.sha256,
        "size": pack.size,
        "submodules": ["", ""],
    }


def test_packs_go_with_the_releases_that_they_brought(
    site: Sample, publish: PublishRepository, path: Path, one: str
) -> None:
    base, sizes, pack = one, [], None
    for number in range(KEPT + 3):
        (site.path / "file1").write_text(f"{number}\n" * 10)
        commit = publish.publish(f"slot0-{number + 2}", site.commit()).commit
        packs = Packs(path)
        for held in ([base], []):
            pack = packs.to(commit, held)
            assert pack is not None
            os.utime(
                path.parent / f"publish.packs/{commit}-{base if held else 'all'}.json",
                ns=(number, number),
            )
        base = commit
        publish.prepare()
        sizes.append(len(made_in(path)))
    assert sizes[-1] == KEPT + 1  # one of everything
    assert Packs(path).to(base, []) == pack
    assert len(list((path.parent / "publish.packs").iterdir())) == 3 * (KEPT + 1)


def test_a_publish_repository_of_any_name_has_its_packs_beside_it(
    tmp_path: Path,
) -> None:
    for name, beside in (("wiki.git", "wiki.packs"), ("wiki", "wiki.packs")):
        assert Packs(tmp_path / name).directory == tmp_path / beside


def test_the_directory_is_for_whom_the_publish_repository_is(
    path: Path, one: str, two: str
) -> None:
    path.chmod(0o2775)
    pack = Packs(path).to(two, [one])
    assert pack is not None
    assert pack.path.parent.stat().st_mode & 0o7777 == 0o2775
    assert pack.path.stat().st_mode & 0o444 == 0o444


def test_no_tags_of_the_repository_are_in_it(path: Path, one: str, two: str) -> None:
    shutil.rmtree(path / "refs/tags")
    assert Packs(path).to(two, [one]) is not None
