"""Real submodules on a target: as `git submodule update --init --recursive` leaves them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent.outcome import perform
from sartoris.agent.packs import Brought as Pack
from sartoris.agent.submodules import resolved
from sartoris.releases.packs import Packs
from sartoris.releases.publish import PublishRepository
from tests.agent.conftest import Target, tree
from tests.unit.git.sample import Sample

LOG = ("log", "--format=%H")
ALL_ACTIVE = ("-c", "submodule.active=.")
NOWHERE = "https://upstream.invalid/module.git"


@dataclass
class Site:
    """A working repository whose releases a target gets. Upstream URLs lead nowhere."""

    work: Sample
    publish: PublishRepository
    target: Target
    mode: str = "atomic"
    count: int = 0

    def submodule(self, path: str, within: str = ".") -> Sample:
        """A new submodule, committed inside itself only."""
        top = self.work.path / within
        module = Sample.create(top / path).write(file=f"{path}\n", other="other\n")
        module.commit()
        for key, value in (("path", path), ("url", NOWHERE)):
            git(top, "config", "-f", ".gitmodules", f"submodule.{path}.{key}", value)
        return module

    def at(self, path: str) -> Sample:
        return Sample(self.work.path / path)

    def remove(self, path: str) -> None:
        """Take a submodule away, whose name is its path."""
        shutil.rmtree(self.work.path / path)
        self.work.git.run("rm", "-q", "-r", "--cached", path)
        self.work.git.run("config", "-f", ".gitmodules", "--remove-section", f"submodule.{path}")

    def published(self) -> tuple[str, str]:
        self.count += 1
        tag = f"slot0-{self.count}"
        return tag, self.publish.publish(tag, self.work.commit()).commit

    def deploy(self, **more: Any) -> str:
        """Commit, publish, deploy, and see that the target has it; the tag."""
        tag, commit = self.published()
        self.target.deploy(tag, commit, **{**self.options, **more})
        self.check()
        return tag

    @property
    def options(self) -> dict[str, Any]:
        return {"submodules": "update", "switch": self.mode}

    def ask(self, action: str, tag: str = "", commit: str = "", **more: Any) -> dict[str, Any]:
        return self.target.ask(action, tag, commit, **{**self.options, **more})

    def check(self) -> None:
        """The live tree is the working repository's, git agrees, and nothing is left over."""
        live = self.target.live
        assert files_of(live) == files_of(self.work.path)
        recorded = git(self.work.path, *ALL_ACTIVE, "submodule", "status", "--recursive")
        assert ids(git(live, "submodule", "status", "--recursive")) == ids(recorded)
        assert git(live, "status", "--porcelain") == ""
        each = git(live, "submodule", "foreach", "--recursive", "--quiet", "git status --porcelain")
        assert each == ""
        verified = self.ask("verify")
        assert (verified["complete"], verified["changed"]) == (True, [])


def git(path: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        ["git", *arguments], cwd=path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return os.fsdecode(done.stdout)


def ids(status: str) -> list[str]:
    """Mark, commit and path of each submodule, without what `git describe` says."""
    return [line.partition(" (")[0] for line in status.splitlines()]


def files_of(top: Path) -> dict[str, object]:
    found = tree(top)
    return {path: one for path, one in found.items() if ".git" not in path.split("/")}


@pytest.fixture(params=["atomic", "in-place"])
def site(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    # git's own defaults: no file:// for submodules.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    work = Sample.create(tmp_path / "work").write(index="1\n")
    shutil.rmtree(target.publisher.path)
    publish = PublishRepository(target.publisher.path, work.git, "update")
    publish.prepare()
    site = Site(work, publish, target, mode=request.param)
    site.submodule("ext/one")
    site.submodule("ext/two")
    site.submodule("deep", within="ext/two")
    site.at("ext/two").commit()
    return site


def test_a_release_has_real_submodules_at_any_depth(site: Site) -> None:
    site.deploy()
    live = site.target.live
    assert git(live / "ext/two/deep", "rev-parse", "HEAD").strip() == site.at("ext/two/deep").head
    assert git(live / "ext/two", "log", "--format=%H") == git(site.at("ext/two").path, *LOG)


def test_a_submodule_that_moved_is_brought_along(site: Site) -> None:
    for number in range(8):  # more than are kept: trees are taken over
        site.at("ext/one").write(file=f"{number}\n", **{f"new{number}": "x"}).commit()
        if number % 2:
            site.at("ext/two/deep").write(file=f"{number}\n").commit()
            site.at("ext/two").commit()
        site.deploy(keep=1)


def test_submodules_come_and_go_and_change_places_with_directories_and_files(site: Site) -> None:
    def nothing() -> None:
        pass

    def add() -> None:
        site.submodule("ext/three")

    def become_a_directory() -> None:
        site.remove("ext/three")
        site.work.write_file("ext/three/file", "plain\n").write_file("ext/three/sub/x", "x\n")

    def become_a_submodule() -> None:
        shutil.rmtree(site.work.path / "ext/three")
        site.submodule("ext/three")

    def become_a_file() -> None:
        site.remove("ext/three")
        site.work.write_file("ext/three", "a file\n")

    def rename() -> None:
        (site.work.path / "ext/one").rename(site.work.path / "ext/uno")
        git(site.work.path, "config", "-f", ".gitmodules", "submodule.ext/one.path", "ext/uno")

    def lose_the_inner_one() -> None:
        shutil.rmtree(site.work.path / "ext/two/deep")
        (site.work.path / "ext/two/.gitmodules").unlink()
        site.at("ext/two").commit()

    def remove() -> None:
        site.remove("ext/two")

    steps: list[Callable[[], None]] = [nothing, add, become_a_directory, become_a_submodule]
    steps += [become_a_file, rename, lose_the_inner_one, remove, nothing]
    for step in steps:
        step()
        site.deploy(keep=1)


def test_an_old_release_is_as_it_was_after_others_were_staged_from_its_neighbours(
    site: Site,
) -> None:
    tags = [site.published()]
    for number in (1, 2, 3):
        site.at("ext/one").write(file=f"{number}\n").commit()
        tags.append(site.published())
    for tag, commit in [*tags, *reversed(tags), *tags]:
        site.target.deploy(tag, commit, keep=1, **site.options)
        verified = site.ask("verify")
        assert (verified["complete"], verified["changed"]) == (True, []), tag
        status = git(site.target.live, "submodule", "status", "--recursive")
        assert [line[0] for line in status.splitlines()] == [" "] * 3


def test_a_changed_file_in_a_submodule_is_found_and_repaired(site: Site) -> None:
    site.deploy(keep=1)
    changed = site.target.live / "ext/two/deep/file"
    changed.write_text("by hand\n")
    (site.target.live / "ext/one/other").unlink()
    verified = site.ask("verify")
    assert verified["changed"] == ["ext/one/other", "ext/two/deep/file"]
    assert not verified["complete"]
    for number in range(3):
        site.work.write(index=f"{number}\n")
        site.deploy(keep=1)


def test_a_submodule_that_is_no_repository_any_more_is_found(site: Site) -> None:
    site.deploy()
    (site.target.live / "ext/one/.git").unlink()
    shutil.rmtree(site.target.live / "ext/two")
    verified = site.ask("verify")
    assert verified["changed"] == ["ext/one/.git", "ext/two/."]
    assert not verified["complete"]


def test_nothing_of_a_pruned_release_is_left(site: Site) -> None:
    for number in range(6):
        site.at("ext/one").write(file=f"{number}\n").commit()
        site.deploy(keep=1)
    held = set(site.ask("status")["held"])
    directories = list((site.target.own / "git/slot0").iterdir())
    assert len(directories) == (len(held) if site.mode == "atomic" else 1)
    for kind in ("tags", "submodules"):
        names = {ref.name for ref in (site.target.store / "refs" / kind).iterdir()}
        assert names == held


def test_a_release_in_which_no_submodule_moved_costs_one_fetch(site: Site) -> None:
    site.deploy()
    site.work.write(index="2\n")
    before = packs(site.target)
    site.deploy()
    assert before < packs(site.target)
    assert len(packs(site.target) - before) == 1


def test_a_carrier_is_the_same_commit_here_and_in_the_publish_repository(site: Site) -> None:
    site.deploy()
    site.work.write(index="2\n")
    tag = site.deploy()
    ours = git(site.target.store, "rev-parse", f"refs/submodules/{tag}").strip()
    assert ours == site.target.publisher.git("rev-parse", f"refs/submodules/{tag}")


def packs(target: Target) -> set[Path]:
    return set((target.store / "objects/pack").glob("*.pack"))


def test_a_damaged_store_is_fetched_anew_with_its_submodules(site: Site) -> None:
    site.deploy()
    for pack in packs(site.target):
        pack.chmod(0o600)
        pack.write_bytes(b"nothing")
    site.at("ext/one").write(file="2\n").commit()
    site.deploy()
    git(site.target.store, "fsck", "--connectivity-only")


class Brought(Target):
    """It has no url: releases are brought as packs."""

    def ask(self, action: str, tag: str = "", commit: str = "", **more: Any) -> dict[str, Any]:
        def bring(held: Sequence[str]) -> Pack | None:
            pack = Packs(self.publisher.path).to(commit, held)
            if pack is None:
                return None
            path = pack.path
            return Pack(pack.sha256, pack.size, pack.base, lambda: path.open("rb"), path=path)

        order = self.order(action, tag, commit, **{**more, "url": ""})
        return perform(order, str(self.root), bring=bring)


def test_histories_of_submodules_are_brought_in_the_pack(site: Site) -> None:
    site.target = Brought(site.target.root, site.target.publisher)
    test_a_submodule_that_moved_is_brought_along(site)
    site.submodule("ext/three")
    site.deploy(keep=1)
    site.remove("ext/one")
    site.deploy(keep=1)
    for pack in packs(site.target):
        pack.chmod(0o600)
        pack.write_bytes(b"nothing")
    site.at("ext/two").write(file="more\n").commit()
    site.deploy(keep=1)
    git(site.target.store, "fsck", "--connectivity-only")


def test_a_release_without_the_histories_is_no_base_for_one_with_them(site: Site) -> None:
    brought = Brought(site.target.root, site.target.publisher)
    other = PublishRepository(site.target.publisher.path, site.work.git, "none")
    commit = other.publish("other-1", site.work.commit()).commit
    brought.deploy("other-1", commit, submodules="none", switch=site.mode)
    site.target = brought
    site.work.write(index="2\n")
    site.deploy()


def test_shared_paths_and_the_deploy_file_may_be_inside_a_submodule(site: Site) -> None:
    options = {"shared": ["ext/one/cache"], "deploy_text": "x\n", "keep": 1}
    for number in range(4):
        site.at("ext/two/deep").write(file=f"{number}\n").commit()
        site.at("ext/two").commit()
        tag, commit = site.published()
        site.target.deploy(tag, commit, **site.options, **options)
        cache = site.target.live / "ext/one/cache/x"
        assert cache.exists() == (number > 0)
        cache.write_text("kept\n")
        verified = site.ask("verify")
        assert (verified["complete"], verified["changed"]) == (True, [])


def test_any_path_may_be_a_submodules(site: Site) -> None:
    site.submodule("ä b'c\"d")
    site.deploy()


@pytest.mark.parametrize("to", ["compose", "none"])
def test_a_site_may_change_its_mind(site: Site, to: Any) -> None:
    def check_plain() -> None:
        assert not list(site.target.live.rglob(".git"))
        files = files_of(site.target.live)
        assert ("ext/two/deep/file" in files) == (to == "compose")
        verified = site.ask("verify")
        assert (verified["complete"], verified["changed"]) == (True, [])

    other = PublishRepository(site.target.publisher.path, site.work.git, to)
    for number in range(6):
        site.work.write(index=f"{number}\n")
        if number % 4 < 2:
            site.deploy(keep=1)
        else:
            tag = f"other-{number}"
            commit = other.publish(tag, site.work.commit()).commit
            site.target.deploy(tag, commit, keep=1, submodules=to, switch=site.mode)
            check_plain()


def test_a_publish_repository_without_the_submodules_fails_the_fetch(site: Site) -> None:
    tag, commit = site.published()
    site.target.publisher.git("update-ref", "-d", f"refs/submodules/{tag}")
    outcome = site.ask("fetch", tag, commit)
    assert (outcome["ok"], outcome["error"]) == (False, "fetch-failed")
    assert tag in outcome["message"]


def test_an_order_with_another_word_for_submodules_is_refused(target: Target) -> None:
    outcome = target.ask("fetch", "slot0-1", "1" * 40, submodules="merge")
    assert outcome["error"] == "bad-order"


class TestInternal:
    """`.gitmodules_internal` says where on the deployment server a submodule is fetched from."""

    @pytest.fixture
    def mirror(self, site: Site, tmp_path: Path) -> Path:
        mirror = tmp_path / "mirrors/one.git"
        site.at("ext/one").clone(mirror, "--bare")
        self.name(site, "../mirrors/one.git")
        return mirror

    def name(self, site: Site, url: str, path: str = "ext/one") -> None:
        text = f'[submodule "x"]\n\tpath = {path}\n\turl = {url}\n'
        site.work.write_file(".gitmodules_internal", text)

    def test_it_is_fetched_from_there(self, site: Site, mirror: Path) -> None:
        assert mirror.is_dir()
        site.deploy()
        site.at("ext/one").write(file="2\n").commit()
        site.at("ext/one").git.run("push", "-q", str(mirror), "HEAD:refs/heads/main")
        site.deploy()
        assert (site.target.store / "refs/internal").is_dir()

    def test_one_that_lacks_the_commit_is_named(self, site: Site, mirror: Path) -> None:
        site.deploy()
        head = site.at("ext/one").write(file="2\n").commit()
        outcome = site.ask("fetch", *site.published())
        assert outcome["error"] == "submodule-failed"
        assert str(mirror) in outcome["message"]
        assert f"{head} of the submodule ext/one" in outcome["message"]

    def test_one_that_does_not_answer_is_named(self, site: Site) -> None:
        self.name(site, "../mirrors/absent.git")
        outcome = site.ask("fetch", *site.published())
        assert outcome["error"] == "submodule-failed"
        assert "absent.git does not give the submodule ext/one" in outcome["message"]

    @pytest.mark.parametrize(
        "url", ["--upload-pack=x", "ext::sh -c true", "fd::3", "ftp://host/x", "foo::bar"]
    )
    def test_a_url_that_could_do_harm_is_refused(self, site: Site, url: str) -> None:
        self.name(site, url)
        outcome = site.ask("fetch", *site.published())
        assert outcome["error"] == "submodule-failed"
        assert url in outcome["message"]


@pytest.mark.parametrize(
    ("base", "url", "result"),
    [
        ("http://a.com/b", "../c", "http://a.com/c"),
        ("http://a.com/b", "../../c", "http://c"),
        ("http://a.com/b/", "./c", "http://a.com/b/c"),
        ("/srv/publish.git", "../mods/x.git", "/srv/mods/x.git"),
        ("user@host:path/to/repo", "../sub", "user@host:path/to/sub"),
        ("host:repo", "../sub", "host:sub"),
        ("http://a.com/b", "http://other/x", "http://other/x"),
        ("http://a.com/b", "/abs", "/abs"),
    ],
)
def test_relative_urls_are_resolved_as_git_does(base: str, url: str, result: str) -> None:
    assert resolved(base, url) == result
