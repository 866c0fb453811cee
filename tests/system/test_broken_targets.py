"""Targets that are broken on purpose, and what a deployer sees of it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from sartoris.agent.outcome import perform
from tests.system.site import Ran, Site
from tests.system.trees import assert_live_trees_are_whole


@contextmanager
def mounted(*arguments: str, at: Path) -> Iterator[None]:
    """`mount ARGUMENTS AT` while the body runs; skips (fails in CI) where that is not allowed."""
    done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, check=False)
    if done.returncode != 0:
        reason = f"mount is not possible here: {os.fsdecode(done.stderr)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    with mounted("--bind", str(directory), at=directory):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(directory)], check=True)
        yield


def sync(site: Site, *arguments: str) -> Ran:
    """A change, and a sync of it."""
    site.ok("start")
    site.commit({"index.php": "version 2\n", "big.bin": "0123456789abcdef" * 30_000})
    site.push()
    return site.deploy("sync", *arguments)


def test_a_full_disk_stops_the_sync_and_is_named(site: Site) -> None:
    with mounted("-t", "tmpfs", "-o", "size=1600k", "none", at=site.target("web2")):
        site.ok("start")
        site.ok("sync")
        before = site.desired()
        (site.target("web2") / "filler").write_bytes(b"x" * 1_300_000)
        ran = sync(site)
        assert ran.code == 71
        assert "1 target: no-space: /srv/site/php-slot0: the file system is full" in ran.err
        assert site.everywhere() == {before}
        assert_live_trees_are_whole(site)
        (site.target("web2") / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(site.target("web2"))], check=True)
        site.ok("resync")
        assert site.everywhere() == {site.desired()} != {before}
        assert_live_trees_are_whole(site)


def test_a_read_only_target_stops_the_sync_and_is_named(deployed: Site) -> None:
    before = deployed.desired()
    with read_only(deployed.target("web2")):
        ran = sync(deployed)
        assert ran.code == 71
        assert "1 target: read-only: /srv/site/php-slot0: the file system is read-only" in ran.err
        assert deployed.everywhere() == {before}
    deployed.ok("resync")
    assert deployed.everywhere() == {deployed.desired()}


def test_a_target_that_becomes_read_only_before_the_switch_takes_the_others_back(
    deployed: Site,
) -> None:
    """Fetched everywhere; at the gate one disk goes read-only, as a disk does that fails."""
    before = deployed.desired()
    deployed.config("deploy.canary", "web1")
    deployed.set("deploy.max-failed", "0")
    with mounted("--bind", str(deployed.target("web2")), at=deployed.target("web2")):
        script = (
            'case "$GIT_DEPLOY_PATH" in */web1/*)'
            f" mount -o remount,bind,ro '{deployed.target('web2')}';; esac\n"
        )
        live = deployed.repo / "deploy" / "target" / "live.breaks-web2"
        live.parent.mkdir(parents=True)
        deployed.ok("start")
        live.write_text(f"#!/bin/sh\n{script}")
        live.chmod(0o755)
        deployed.commit({"index.php": "version 2\n"})
        deployed.push()
        ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "switch failed on 1 of 3 targets" in ran.err
    assert "read-only" in ran.err
    assert deployed.everywhere() == {before}
    assert deployed.desired() == before


def test_a_plain_file_in_the_place_of_the_release_is_refused(site: Site) -> None:
    site.slot("web2").parent.mkdir(parents=True)
    site.slot("web2").write_text("precious\n")
    site.ok("start")
    for arguments in (["sync"], ["--adopt", "resync"]):
        ran = site.deploy(*arguments)
        assert ran.code == 71
        assert "1 target: path-is-file: /srv/site/php-slot0 is a file (web2)" in ran.err
        assert site.slot("web2").read_text() == "precious\n"
    assert site.live("web1") == ""


def test_a_directory_in_the_place_of_the_release_is_kept_until_adopt(site: Site) -> None:
    old = site.slot("web2")
    old.mkdir(parents=True)
    (old / "upload.png").write_text("precious\n")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "path-is-directory: /srv/site/php-slot0 is a directory, and was not adopted" in ran.err
    assert (old / "upload.png").read_text() == "precious\n"
    site.ok("--adopt", "resync")
    assert site.everywhere() == {site.desired()}
    kept = list((old.parent / ".sartoris" / "adopted").glob("php-slot0-*/upload.png"))
    assert [path.read_text() for path in kept] == ["precious\n"]


def test_a_link_of_somebody_else_is_kept_until_adopt(site: Site) -> None:
    link = site.slot("web2")
    (link.parent / "by-hand").mkdir(parents=True)
    link.symlink_to("by-hand")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 71
    assert "path-is-foreign-link: /srv/site/php-slot0 is a link that is not Sartoris's" in ran.err
    assert os.fspath(link.readlink()) == "by-hand"
    site.ok("--adopt", "resync")
    assert site.everywhere() == {site.desired()}
    assert (link.parent / "by-hand").is_dir()


def test_a_corrupt_object_store_repairs_itself(deployed: Site) -> None:
    store = deployed.slot("web2").parent / ".sartoris" / "wiki.git"
    packs = list((store / "objects").rglob("*.pack"))
    assert packs
    for pack in packs:
        pack.chmod(0o644)
        pack.write_bytes(b"garbage" * 100)
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {deployed.desired()}
    assert deployed.conditions("--verify") == dict.fromkeys(("web1", "web2", "web3"), "current")


def test_a_live_tree_that_was_edited_by_hand_is_told_and_the_next_release_is_exact(
    deployed: Site,
) -> None:
    live = deployed.slot("web2")
    (live / "index.php").write_text("hacked\n")
    (live / "lib" / "a.php").unlink()
    ran = deployed.deploy("report", "--verify")
    line = next(line for line in ran.out.splitlines() if line.lstrip().startswith("web2 "))
    assert "index.php" in line
    assert "lib/a.php" in line
    assert deployed.conditions("--verify")["web2"] == "damaged"
    assert deployed.conditions("--verify")["web1"] == "current"
    assert sync(deployed).code == 0
    assert_live_trees_are_whole(deployed)
    assert deployed.conditions("--verify")["web2"] == "current"


def test_a_hand_edited_release_is_exact_again_when_it_is_taken_over_for_a_new_one(
    deployed: Site,
) -> None:
    """With one release kept, each tree becomes the one after the next."""
    deployed.set("deploy.keep-releases", "1")
    for number in range(5):
        live = deployed.slot("web2")
        (live / "index.php").write_text("hacked\n")
        (live / f"stranger{number}.php").write_text("stranger\n")
        (live / "lib" / "a.php").unlink()
        deployed.rollout({"index.php": f"version {number}\n"})
        assert_live_trees_are_whole(deployed)


def test_a_target_whose_root_is_gone_is_unreachable_and_catches_up_when_it_is_back(
    deployed: Site,
) -> None:
    before = deployed.desired()
    deployed.config("deploy.max-failed", "1")
    away = deployed.target("web2").rename(deployed.root / "away")
    ran = sync(deployed)
    assert ran.code == 0
    assert "Left behind: web2" in ran.err
    assert not deployed.target("web2").exists()
    report = deployed.deploy("report").out
    assert f"{before}  does not answer: unreachable" in report
    assert "last heard from" in report
    converging = deployed.deploy("converge")
    assert converging.code == 71
    assert "1 target: unreachable" in converging.err
    away.rename(deployed.target("web2"))
    assert deployed.conditions()["web2"] == "behind"
    deployed.ok("converge")
    assert deployed.everywhere() == {deployed.desired()}


def test_a_target_that_is_new_in_the_fleet_converges(deployed: Site) -> None:
    new = deployed.root / "targets" / "web4"
    deployed.config("deploy.target", f"web4={new}")
    deployed.ok("converge")
    assert deployed.live("web4") == deployed.desired()
    assert_live_trees_are_whole(deployed)


def test_a_target_that_is_new_in_the_fleet_gets_the_next_release(deployed: Site) -> None:
    deployed.config("deploy.target", f"web4={deployed.root / 'targets' / 'web4'}")
    assert sync(deployed).code == 0
    assert deployed.everywhere() == {deployed.desired()}


def in_place(site: Site) -> Site:
    site.config("deploy.switch", "in-place")
    site.ok("start")
    site.ok("sync")
    return site


def live_files(site: Site) -> list[dict[str, str]]:
    return [site.files(name) for name in ("web1", "web2", "web3")]


def test_in_place_a_work_tree_is_brought_to_each_release_and_back(site: Site) -> None:
    in_place(site)
    first = site.desired()
    assert not site.slot("web1").is_symlink()
    inode = site.slot("web1").stat().st_ino
    second = site.rollout({"index.php": "version 2\n", "new.php": "n\n"})
    assert site.conditions("--verify") == dict.fromkeys(("web1", "web2", "web3"), "current")
    assert site.files("web2")["new.php"] == "n\n"
    site.ok("revert", first)
    assert site.desired() == first
    assert live_files(site) == [{"index.php": "version 1\n", "lib/a.php": "a\n"}] * 3
    site.ok("revert", second)
    assert site.files("web2")["new.php"] == "n\n"
    assert site.slot("web1").stat().st_ino == inode


def test_in_place_an_abort_after_the_switch_takes_the_fleet_back(site: Site) -> None:
    in_place(site)
    first = site.desired()
    hook = site.hook("post-sync.fails", "exit 1")
    assert sync(site).code == 72
    assert site.files("web2")["index.php"] == "version 2\n"
    hook.unlink()
    site.ok("abort")
    assert live_files(site) == [{"index.php": "version 1\n", "lib/a.php": "a\n"}] * 3
    assert site.desired() == first


def test_in_place_the_first_rollout_is_taken_back_too(site: Site) -> None:
    site.config("deploy.switch", "in-place")
    site.hook("post-sync.fails", "exit 1")
    site.ok("start")
    assert site.deploy("sync").code == 72
    ran = site.ok("abort")
    assert "Live is nothing on web1, web2, web3" in ran.err
    assert not site.slot("web1").exists()


def test_shared_paths_live_on_across_releases_and_reverts(site: Site) -> None:
    site.config("deploy.shared", "uploads")
    site.config("deploy.shared", ".env")
    site.commit({".env": "template\n"})
    site.push()
    site.ok("start")
    site.ok("sync")
    first = site.desired()
    (site.slot("web1") / "uploads" / "cat.png").write_text("cat\n")
    (site.slot("web1") / ".env").write_text("secret of web1\n")
    site.rollout({"index.php": "version 2\n"})
    assert (site.slot("web1") / "uploads" / "cat.png").read_text() == "cat\n"
    assert (site.slot("web1") / ".env").read_text() == "secret of web1\n"
    assert (site.slot("web2") / ".env").read_text() == "template\n"
    site.ok("revert", first)
    assert (site.slot("web1") / "uploads" / "cat.png").read_text() == "cat\n"
    assert site.conditions("--verify") == dict.fromkeys(("web1", "web2", "web3"), "current")


def test_only_keep_releases_stay_beside_the_live_one(site: Site) -> None:
    site.config("deploy.keep-releases", "2")
    site.ok("start")
    site.ok("sync")
    tags = [site.desired()] + [site.rollout({"index.php": f"{number}\n"}) for number in range(5)]
    for target in ("web1", "web2", "web3"):
        releases = site.slot(target).parent / ".sartoris" / "releases"
        assert sorted(path.name for path in releases.iterdir()) == tags[-3:]
    ran = site.ok("revert", tags[0])  # held nowhere any more: fetched anew
    assert f"{tags[0]} is live on 3 of 3 targets" in ran.err
    assert site.files("web1")["index.php"] == "version 1\n"


def read_in_a_loop(live: Path, names: list[str], begun: Event, ended: Event, told: Path) -> None:
    """Open each file through the live path, again and again; write down what went wrong."""
    count, problems = 0, []
    while not ended.is_set():
        for name in names:
            try:
                if not (live / name).read_text().startswith("version "):
                    problems.append(f"{name} is half written")
            except OSError as error:
                problems.append(f"{name}: {error}")
        count += 1
        begun.set()
    told.write_text("\n".join([str(count), *problems[:10]]))


def test_a_reader_never_misses_a_file_during_two_hundred_switches(site: Site) -> None:
    names = [f"page{number}.php" for number in range(20)]
    site.commit(dict.fromkeys(names, "version 1\n"))
    site.push()
    site.ok("start")
    site.ok("sync")
    first = site.desired()
    second = site.rollout(dict.fromkeys(names, f"version 2 {'x' * 5000}\n"))
    orders = [order_to_switch(site, tag) for tag in (first, second)]
    processes = multiprocessing.get_context("spawn")
    begun, ended = processes.Event(), processes.Event()
    told = site.root / "told"
    arguments = (site.slot("web1"), names, begun, ended, told)
    reader = processes.Process(target=read_in_a_loop, args=arguments)
    reader.start()
    assert begun.wait(30)
    for number in range(200):
        outcome = perform(orders[number % 2], str(site.target("web1")))
        assert outcome["ok"], outcome
    ended.set()
    reader.join()
    count, *problems = told.read_text().splitlines()
    assert problems == []
    assert int(count) > 200


def order_to_switch(site: Site, tag: str) -> dict[str, object]:
    commit = site.git("rev-parse", f"{tag}^{{commit}}", at=site.state_directory / "publish.git")
    return {
        "version": 1,
        "action": "switch",
        "repository": "wiki",
        "slot": "slot0",
        "path": "/srv/site/php-slot0",
        "release": tag,
        "commit": commit,
    }
