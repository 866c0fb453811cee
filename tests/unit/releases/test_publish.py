from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sartoris.errors import GitFailed, Refused
from sartoris.git.command import Git
from sartoris.git.submodules import Submodules
from sartoris.releases import publish as publish_module
from sartoris.releases.compose import SubmoduleNotCheckedOut
from sartoris.releases.publish import PublishRepository, Release
from tests.unit.git.sample import ENVIRONMENT, Sample, files_of, files_with_submodules

ABSENT = "1" * 40


@pytest.fixture
def site(tmp_path: Path) -> Sample:
    site = Sample.create(tmp_path / "site").write(index="x")
    site.submodule("ext/one")
    site.commit()
    return site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deploy/publish.git"


@pytest.fixture
def publish(site: Sample, path: Path) -> PublishRepository:
    publish = PublishRepository(path, site.git)
    publish.prepare()
    return publish


def git_in(path: Path) -> Git:
    return Git(path, git_dir=path, environment=ENVIRONMENT)


def packs(path: Path) -> list[Path]:
    return sorted((path / "objects/pack").glob("*.pack"))


def change(site: Sample, content: str) -> str:
    return site.write(index=content).commit()


@pytest.mark.parametrize("place", ["sartoris", "sartoris/composed"])
@pytest.mark.parametrize("instead", ["a file", "a directory", "a link that leads nowhere"])
def test_what_stands_where_our_notes_were_stops_no_release(
    site: Sample, publish: PublishRepository, path: Path, place: str, instead: str
) -> None:
    first = publish.publish("slot0-1", site.head)
    notes = path / place
    notes.rename(path / "gone")
    match instead:
        case "a file":
            notes.write_text("x")
        case "a directory":
            (notes / "inner").mkdir(parents=True)
        case _:
            notes.symlink_to("/nowhere/at-all")
    again = PublishRepository(path, site.git)
    again.prepare()
    assert again.publish("slot0-2", site.head).commit == first.commit
    assert again.publish("slot0-3", change(site, "y")).commit != first.commit


def test_a_release_is_found_as_it_was_published(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    release = publish.publish("slot0-1", site.head)
    assert (release.tag, release.source) == ("slot0-1", site.head)
    assert publish.find("slot0-1") == release
    assert PublishRepository(path, site.git).find("slot0-1") == release


def test_the_tag_names_the_composed_commit(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    release = publish.publish("slot0-1", site.head)
    assert git_in(path).text("rev-parse", "refs/tags/slot0-1") == release.commit


def test_composing_makes_nothing_visible(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    publish.compose(site.head)
    assert git_in(path).lines("for-each-ref") == []


def test_a_release_that_is_refused_makes_no_tag(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    site.know_submodule("ext/one").commit()
    shutil.rmtree(site.path / "ext")
    with pytest.raises(SubmoduleNotCheckedOut):
        publish.publish("slot0-1", site.head)
    assert publish.find("slot0-1") is None
    assert git_in(path).lines("for-each-ref") == []
    assert packs(path) == []


def test_publishing_again_changes_nothing(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    release = publish.publish("slot0-1", site.head)
    before = packs(path)
    assert publish.publish("slot0-1", site.head) == release
    assert packs(path) == before


def test_a_tag_is_never_moved_to_another_commit(site: Sample, publish: PublishRepository) -> None:
    release = publish.publish("slot0-1", site.head)
    with pytest.raises(Refused, match="slot0-1"):
        publish.publish("slot0-1", change(site, "other"))
    assert publish.find("slot0-1") == release


def test_two_tags_may_be_one_commit(site: Sample, publish: PublishRepository) -> None:
    first = publish.publish("slot0-1", site.head)
    assert publish.publish("slot1-1", site.head).commit == first.commit


def test_a_tag_that_was_not_published_is_not_found(
    site: Sample, publish: PublishRepository
) -> None:
    publish.publish("slot0-1", site.head)
    for name in ("slot0", "slot0-*", "", "a b\nc", "../tags/slot0-1", "-d", "slot0-1^{tree}"):
        assert publish.find(name) is None


def test_relative_paths_are_those_of_this_process(
    site: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Sample(site.path / "ext/one").submodule("in").commit()
    Sample(site.path / "ext/one").commit()
    head = site.commit()
    source = Git(Path("site"), environment=ENVIRONMENT)
    publish = PublishRepository(Path("publish.git"), source)
    publish.prepare()
    release = publish.publish("slot0-1", head)
    assert files_of(git_in(tmp_path / "publish.git"), release.commit) == files_with_submodules(
        site, head
    )
    assert Submodules(source).out_of_date() == []


def test_before_anything_was_prepared_nothing_is_found(site: Sample, path: Path) -> None:
    assert PublishRepository(path, site.git).find("slot0-1") is None


@pytest.mark.parametrize("name", ["a b", "../x", "a\nb", "x.lock", "", "a..b"])
def test_a_name_that_cannot_be_a_tag_is_refused(
    site: Sample, publish: PublishRepository, path: Path, name: str
) -> None:
    bystander = path / "refs/x.lock"
    bystander.touch()
    with pytest.raises(Refused, match="cannot be the name of a tag"):
        publish.publish(name, site.head)
    assert bystander.exists()


@pytest.mark.parametrize("name", ["-d", "é", "\udcff", "a/b", "$x;`y`", "'"])
def test_any_name_that_git_allows_is_a_tag(
    site: Sample, publish: PublishRepository, name: str
) -> None:
    release = publish.publish(name, site.head)
    assert publish.find(name) == release


def test_every_release_is_whole_without_the_working_repository(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    expected = {}
    for number in range(4):
        Sample(site.path / "ext/one").write(file=f"{number // 2}").commit()
        head = change(site, f"{number}")
        expected[f"slot{number % 2}-{number}"] = files_with_submodules(site, head)
        publish.publish(f"slot{number % 2}-{number}", head)
    shutil.rmtree(site.path)
    assert not (path / "objects/info/alternates").exists()
    assert list((path / "sartoris").glob("new-*")) == []
    git_in(path).run("fsck", "--strict", "--full")
    for tag, files in expected.items():
        assert files_of(git_in(path), tag) == files


def test_a_target_gets_the_files_that_submodule_update_gives(tmp_path: Path, path: Path) -> None:
    inner = Sample.create(tmp_path / "inner").write(file="inner")
    (inner.path / "link").symlink_to("file")
    inner.commit()
    outer = Sample.create(tmp_path / "outer").write(file="outer")
    (outer.path / "file").chmod(0o755)
    outer.add_submodule(inner, "in ner")
    outer.commit()
    site = Sample.create(tmp_path / "site").write(index="x")
    outer_here = site.add_submodule(outer, "ext/out er")
    Submodules(outer_here.git).update(fetch=True)
    site.commit()
    publish = PublishRepository(path, site.git)
    publish.prepare()
    release = publish.publish("slot0-1", site.head)

    checkout = site.clone(tmp_path / "checkout", "--recurse-submodules")
    target = Sample.create(tmp_path / "target")
    target.git.run("fetch", "-q", "--no-tags", str(path), "refs/tags/slot0-1")
    target.git.run("checkout", "-q", release.commit)
    assert disk(target.path) == disk(checkout.path)


def disk(top: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a work tree, with its mode and its content."""
    found = {}
    for directory, subdirectories, names in os.walk(top):
        subdirectories[:] = [name for name in subdirectories if name != ".git"]
        for file in (Path(directory) / name for name in names if name != ".git"):
            content = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
            found[str(file.relative_to(top))] = (file.lstat().st_mode, content)
    return found


def test_a_release_adds_only_what_is_new(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    for number in range(50):
        site.write_file(f"dir/{number}", f"{number}")
    publish.publish("slot0-1", site.commit())
    first = set(packs(path))
    publish.publish("slot0-2", change(site, "new"))
    (second,) = set(packs(path)) - first
    content = git_in(path).lines("verify-pack", "-v", str(second))
    assert sum(" blob " in line or " tree " in line for line in content) == 2


def test_a_release_that_goes_back_adds_no_objects_but_its_commit(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    publish.publish("slot0-1", site.head)
    change(site, "new")
    publish.publish("slot0-2", site.head)
    before = set(packs(path))
    publish.publish("slot0-3", change(site, "x"))
    (added,) = set(packs(path)) - before
    content = git_in(path).lines("verify-pack", "-v", str(added))
    assert not any(" blob " in line or " tree " in line for line in content)


def test_a_target_that_has_one_release_is_sent_the_difference(
    site: Sample, publish: PublishRepository, path: Path, tmp_path: Path
) -> None:
    for number in range(50):
        site.write_file(f"dir/{number}", f"{number}")
    publish.publish("slot0-1", site.commit())
    publish.publish("slot0-2", change(site, "new"))
    target = Sample.create(tmp_path / "target")
    target.git.run("fetch", "-q", str(path), "refs/tags/slot0-1:refs/tags/slot0-1")
    before = target.git.lines("cat-file", "--batch-all-objects", "--batch-check")
    target.git.run("fetch", "-q", str(path), "refs/tags/slot0-2:refs/tags/slot0-2")
    after = target.git.lines("cat-file", "--batch-all-objects", "--batch-check")
    assert len(after) - len(before) == 3  # commit, root, index


def test_the_size_is_not_less_than_what_a_target_fetches(
    site: Sample, publish: PublishRepository, path: Path, tmp_path: Path
) -> None:
    site.write_file("large", os.urandom(50_000).hex())
    release = publish.publish("slot0-1", site.commit())
    target = Sample.create(tmp_path / "target")
    fetch = ("-c", "fetch.unpackLimit=1", "fetch", "-q", str(path), "refs/tags/slot0-1")
    target.git.run(*fetch)
    assert sum(pack.stat().st_size for pack in packs(target.path / ".git")) > 50_000
    assert sum(pack.stat().st_size for pack in packs(target.path / ".git")) <= release.size


def test_objects_of_an_unmoved_submodule_that_were_lost_are_composed_anew(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    publish.publish("slot0-1", site.head)
    remembered = (path / "sartoris/composed").read_text()
    shutil.rmtree(path)
    publish.prepare()
    (path / "sartoris/composed").write_text(remembered)
    release = publish.publish("slot0-2", site.head)
    git_in(path).run("fsck", "--strict", "--full")
    assert files_of(git_in(path), release.commit) == files_with_submodules(site, site.head)


@pytest.mark.parametrize("damage", ["", "tree 12", f"commit {ABSENT} {ABSENT}\ntree", "\0", "\xff"])
def test_a_damaged_memory_changes_no_result(
    site: Sample, publish: PublishRepository, path: Path, damage: str
) -> None:
    commit = publish.compose(site.head)
    (path / "sartoris/composed").write_bytes(damage.encode("latin-1"))
    assert publish.compose(site.head) == commit


def test_the_memory_does_not_grow_without_end(
    site: Sample, publish: PublishRepository, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_module, "REMEMBERED", 3)
    for number in range(4):
        publish.compose(change(site, f"{number}"))
    lines = (path / "sartoris/composed").read_text().splitlines()
    assert len(lines) == 3
    assert site.head in lines[-1]


def test_an_unmoved_submodule_costs_no_process(
    site: Sample, publish: PublishRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        site.submodule(f"ext/{number}").write(number=str(number)).commit()
    publish.publish("slot0-1", site.commit())
    Sample(site.path / "ext/3").write(file="moved").commit()
    head = site.commit()
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(tmp_path / "trace"))
    publish.publish("slot0-2", head)
    assert (tmp_path / "trace").read_text().count('"event":"start"') <= 18


def test_no_step_looks_at_all_the_tags(
    site: Sample, publish: PublishRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish("slot0-1", site.head)
    head = change(site, "new")
    monkeypatch.setenv("GIT_TRACE_REFS", str(tmp_path / "trace"))
    publish.publish("slot0-2", head)
    publish.find("slot0-1")
    trace = (tmp_path / "trace").read_text()
    assert "read_raw_ref: refs/tags/slot0-2" in trace
    assert "iterator_advance: refs/" not in trace


def test_preparing_twice_changes_nothing(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    release = publish.publish("slot0-1", site.head)
    config = (path / "config").read_text()
    publish.prepare()
    assert (path / "config").read_text() == config
    assert publish.find("slot0-1") == release
    assert git_in(path).text("config", "gc.auto") == "0"


def test_the_publish_repository_has_the_hash_of_its_source(tmp_path: Path, path: Path) -> None:
    (tmp_path / "site").mkdir()
    Git(tmp_path / "site", environment=ENVIRONMENT).run("init", "-q", "--object-format=sha256")
    site = Sample(tmp_path / "site").write(index="x")
    publish = PublishRepository(path, site.git)
    publish.prepare()
    assert len(publish.publish("slot0-1", site.commit()).commit) == 64


def test_something_else_in_the_place_of_the_repository_is_left_alone(
    site: Sample, path: Path
) -> None:
    path.mkdir(parents=True)
    (path / "precious").touch()
    with pytest.raises(Refused, match="not a git repository"):
        PublishRepository(path, site.git).prepare()
    assert [file.name for file in path.iterdir()] == ["precious"]


def test_an_empty_directory_becomes_the_repository(site: Sample, path: Path) -> None:
    path.mkdir(parents=True)
    PublishRepository(path, site.git).prepare()
    assert (path / "HEAD").is_file()


def test_what_a_crash_left_is_cleared(site: Sample, publish: PublishRepository, path: Path) -> None:
    release = publish.publish("slot0-1", site.head)
    (path / "sartoris/new-1/info").mkdir(parents=True)
    (path / "objects/pack/tmp_pack_1").touch()
    (path / "refs/sartoris/last.lock").touch()
    (path / "refs/tags/slot0-2.lock").touch()
    (path.parent / ".publish.git.new-1").mkdir()
    publish.prepare()
    assert not (path / "sartoris/new-1").exists()
    assert not (path / "objects/pack/tmp_pack_1").exists()
    assert publish.publish("slot0-2", site.head).commit == release.commit


def test_many_packs_become_few_and_every_release_stays(
    site: Sample, publish: PublishRepository, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_module, "PACK_LIMIT", 3)
    releases = [publish.publish(f"slot0-{n}", change(site, f"{n}")) for n in range(5)]
    unpublished = publish.compose(change(site, "not yet"))
    assert len(packs(path)) > 3
    publish.prepare()
    assert len(packs(path)) <= 2
    git_in(path).run("fsck", "--strict", "--full")
    git_in(path).run("rev-list", "--objects", unpublished)
    for release in releases:
        found = publish.find(release.tag)
        assert found == dataclasses.replace(release, size=found.size if found else 0)


def test_a_commit_composed_twice_over_a_repository_that_lost_its_last_ref_is_whole(
    site: Sample, publish: PublishRepository, path: Path
) -> None:
    publish.publish("slot0-1", site.head)
    git_in(path).run("update-ref", "-d", "refs/sartoris/last")
    release = publish.publish("slot0-2", change(site, "new"))
    assert files_of(git_in(path), release.tag) == files_with_submodules(site, site.head)
    git_in(path).run("fsck", "--strict", "--full")


def test_an_update_that_git_refuses_is_an_error(site: Sample, publish: PublishRepository) -> None:
    publish.publish("slot0", site.head)
    with pytest.raises(GitFailed):
        publish.publish("slot0/1", site.head)
    assert publish.find("slot0/1") is None


PUBLISH_SCRIPT = """
import sys
from pathlib import Path
from sartoris.git.command import Git
from sartoris.releases.publish import PublishRepository
publish = PublishRepository(Path(sys.argv[1]), Git(Path(sys.argv[2])))
publish.prepare()
publish.publish(sys.argv[3], sys.argv[4])
"""


def test_a_publish_killed_at_any_moment_is_whole_or_absent_and_can_be_done_again(
    site: Sample, path: Path
) -> None:
    publish = PublishRepository(path, site.git)
    started = time.monotonic()
    run_and_kill(path, site, "whole", site.head, after=None)
    duration = time.monotonic() - started
    for number in range(12):
        head = change(site, f"{number}")
        tag = f"slot0-{number}"
        run_and_kill(path, site, tag, head, after=duration * (number + 1) / 12)
        found = publish.find(tag)
        if found is not None:
            git_in(path).run("rev-list", "--objects", found.commit)
        publish.prepare()
        release = publish.publish(tag, head)
        assert isinstance(release, Release)
        assert files_of(git_in(path), tag) == files_with_submodules(site, head)
    git_in(path).run("fsck", "--strict", "--full")


def run_and_kill(path: Path, site: Sample, tag: str, head: str, after: float | None) -> None:
    """Publish in a process of its own, killed with its children after so many seconds."""
    command = [sys.executable, "-c", PUBLISH_SCRIPT, str(path), str(site.path), tag, head]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
