"""A `git deploy` that is killed at any moment leaves a rollout that can be brought to an end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.system.conftest import with_targets
from tests.system.kept import Kept
from tests.system.site import Site
from tests.system.trees import assert_live_trees_are_whole
from tests.system.warm import FAR_END, Ended, Warm

SEED = int(os.environ.get("SARTORIS_SEED", "20121205"))
KILLS = int(os.environ.get("SARTORIS_KILLS", "10"))  # in each case; there are ten of them


@dataclass
class Play:
    """One site that lives through many kills."""

    site: Site
    warm: Warm
    random: random.Random
    changes: int = 0
    story: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, kept: Kept, warm: Warm, name: str) -> Play:
        site = kept.site(with_targets, with_a_colleague_and_three_releases)
        return cls(site, warm, random.Random(f"{SEED} {name}"))

    def change(self, at: Path) -> None:
        """A commit that changes, adds and removes files, sometimes inside the submodule."""
        self.changes += 1
        (at / "index.php").write_text(f"version {self.changes}\n" * 100)
        (at / f"added{self.changes % 7}.php").write_text(f"{self.changes}\n")
        (at / f"added{(self.changes + 3) % 7}.php").unlink(missing_ok=True)
        if self.random.random() < 0.4:
            self._move_submodule(at)
        self.site.git("add", "--all", at=at)
        self.site.git("commit", "--quiet", "-m", f"change {self.changes}", at=at)
        self.site.git("push", "--quiet", "origin", "HEAD:main", at=at)

    def _move_submodule(self, at: Path) -> None:
        inside = at / "ext" / "Cite"
        self.site.git("fetch", "--quiet", "origin", at=inside)
        self.site.git("checkout", "--quiet", "--detach", "origin/main", at=inside)
        (inside / "Cite.php").write_text(f"cite {self.changes}\n")
        (inside / f"added{self.changes % 7}.php").write_text(f"{self.changes}\n")
        (inside / f"added{(self.changes + 3) % 7}.php").unlink(missing_ok=True)
        self.site.git("add", "--all", at=inside)
        self.site.git("commit", "--quiet", "-m", f"cite {self.changes}", at=inside)
        self.site.git("push", "--quiet", "origin", "HEAD:main", at=inside)

    def colleague_changes(self) -> None:
        there = self.site.root / "colleague"
        self.site.git("pull", "--quiet", "--recurse-submodules", "origin", "main", at=there)
        self.change(there)

    def started(self) -> None:
        self.site.ok("start")
        self.change(self.site.repo)

    def gate_closed(self) -> None:
        """A sync that was stopped because one target was away; it is back now."""
        self.started()
        away = self.site.target("web2").rename(self.site.root / "away")
        assert self.site.deploy("sync").code == 71
        away.rename(self.site.target("web2"))

    def live_and_open(self) -> None:
        """A sync that reached everyone, and that its post-sync hook did not let finish."""
        self.started()
        os.environ["POST_SYNC_EXIT"] = "1"
        try:
            assert self.site.deploy("sync").code == 72
        finally:
            del os.environ["POST_SYNC_EXIT"]

    def older_release(self) -> str:
        shown = self.site.ok("show", "--json", "--count=20").document
        live = {tag["commit"] for tag in shown if tag["live"]}
        older: list[str] = [tag["tag"] for tag in shown if tag["commit"] not in live]
        return self.random.choice(older)

    def run(self, *arguments: str, kill_after: float | None = None) -> Ended:
        everything = self.random.random() < 0.7
        ended = self.warm.run(
            arguments, self.site.repo, kill_after=kill_after, everything=everything
        )
        how = "died with its group" if not everything else "died with everything"
        end = f"{how} after {ended.seconds:.4f} s" if ended.code is None else f"exit {ended.code}"
        self.story.append(f"git deploy {' '.join(arguments)}: {end}\n{ended.err}")
        return ended

    def status(self) -> list[str]:
        """What `status` says to type next; it must explain whatever there is."""
        ran = self.site.deploy("status")
        assert ran.code in (0, 1, 2), ran
        assert ran.out.startswith(("A rollout of slot0 is ", "No rollout of slot0 is "))
        document = self.site.status()
        self.story.append(f"status: {document['status']}, {document['explanation']}")
        if ran.code == 0:
            return []
        assert document["running"] is None
        assert document["explanation"]
        assert len(document["next"]) >= 2
        return [step.removeprefix("git deploy ").split(" ")[0] for step in document["next"]]

    def is_intact(self) -> list[str]:
        steps = self.status()
        assert_live_trees_are_whole(self.site)
        return steps

    def bring_to_an_end(self, steps: list[str], duration: float) -> int:
        """Type what status says until nothing is in progress; how many more kills that took."""
        kills = 0
        for _ in range(8):
            if not steps:
                return kills
            step = self.random.choice([step for step in steps if step != "report"])
            kill_after = self.random.uniform(0, duration) if self.random.random() < 0.2 else None
            ended = self.run(step, kill_after=kill_after)
            # A start after a killed revert may have brought nothing that is not live.
            assert ended.code in (None, 0) or "nothing to sync" in ended.err, ended.err
            kills += ended.code is None
            steps = self.is_intact()
        ended = self.run("abort")
        assert ended.code == 0, ended.err
        return kills

    def has_ended_well(self) -> None:
        site = self.site
        assert site.deploy("status").code == 0
        assert site.everywhere() == {site.desired()}
        assert "3 of 3 targets current" in site.ok("report", "--verify").out
        assert_live_trees_are_whole(site)
        assert site.git("status", "--porcelain") == ""
        assert not (site.state_directory / "lock").exists()
        assert not (site.state_directory / "rollout.json").exists()
        # An abort went back behind what is on the origin already; a deployer starts from there.
        site.git("pull", "--quiet", "--recurse-submodules", "origin", "main")

    def nothing(self) -> None:
        """A revert can be typed at any time."""


def with_a_colleague_and_three_releases(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n", "i18n/en.json": "{}\n"})
    site.git("config", "receive.denyCurrentBranch", "ignore", at=source)
    site.config("remote.origin.receivepack", FAR_END)
    site.git("clone", "--quiet", "--recursive", str(site.origin), str(site.root / "colleague"))
    for number in range(3):
        site.rollout({f"page{number}.php": f"{number}\n" * 500})
    site.hook("post-sync.exit", "exit ${POST_SYNC_EXIT:-0}")


@pytest.fixture
def warm() -> Iterator[Warm]:
    with Warm.up() as warm:
        yield warm


CASES: dict[str, tuple[Callable[[Play], None], str]] = {
    "start": (Play.colleague_changes, "start"),
    "sync": (Play.started, "sync"),
    "resync": (Play.gate_closed, "resync"),
    "abort": (Play.started, "abort"),
    "abort after the switch": (Play.live_and_open, "abort"),
    "revert": (Play.nothing, "revert"),
}
PARTS = [("start", 2), ("sync", 3), ("resync", 2), ("abort", 1), ("abort after the switch", 1)]
PARTS += [("revert", 1)]


@pytest.mark.parametrize(
    ("name", "part"), [(name, part) for name, parts in PARTS for part in range(parts)]
)
def test_a_killed_command_can_be_brought_to_an_end(
    name: str, part: int, kept: Kept, warm: Warm
) -> None:
    play = Play.begin(kept, warm, f"{name} {part}")
    prepare, command = CASES[name]
    duration, kills = 0.0, 0
    while kills < KILLS:
        play.story.clear()
        try:
            prepare(play)
            arguments = [command, play.older_release()] if command == "revert" else [command]
            kill_after = play.random.uniform(0, duration) if duration else None
            ended = play.run(*arguments, kill_after=kill_after)
            assert ended.code in (0, None), ended.err
            kills += ended.code is None
            if ended.code is not None:
                duration = min(duration or ended.seconds, ended.seconds)
            kills += play.bring_to_an_end(play.is_intact(), duration)
            play.has_ended_well()
        except AssertionError as error:
            told = "\n".join([f"seed {SEED}, kill {kills} of {name} {part}:", *play.story])
            error.add_note(told)
            raise


def test_a_submodule_whose_checkout_was_killed_is_checked_out_again(site: Site) -> None:
    """Its files and index were of the new commit already, its HEAD still of the old one."""
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n"}, "Cite")
    site.rollout({"index.php": "version 2\n"})
    inside = site.repo / "ext" / "Cite"
    site.ok("start")
    old = site.git("rev-parse", "HEAD", at=inside)
    (source / "Cite.php").write_text("2\n")
    site.git("commit", "--quiet", "--all", "-m", "Cite 2", at=source)
    site.git("fetch", "--quiet", "origin", at=inside)
    site.git("read-tree", "-u", "-m", old, "origin/main", at=inside)
    (site.state_directory / "running").write_text("4321 root")
    (site.state_directory / "moves").write_text(f"{site.head()}\n")
    site.ok("converge")  # knows nothing of the work tree
    ran = site.ok("abort")
    assert site.git("status", "--porcelain") == ""
    assert (inside / "Cite.php").read_text() == "1\n"
    assert "what was changed in ext/Cite is kept: git -C ext/Cite stash apply refs/" in ran.err


def test_a_pull_that_was_killed_half_way_is_taken_back_by_the_next_start(deployed: Site) -> None:
    """The files were of the new commit already, HEAD still of the old one; so was the lock."""
    newest = deployed.push_elsewhere({"index.php": "version 2\n"})
    deployed.ok("start")
    state = deployed.state_directory / "rollout.json"
    state.write_text(state.read_text().replace('"progress": "started"', '"progress": "starting"'))
    deployed.git("reset", "--quiet", "--soft", "HEAD~1")
    ran = deployed.ok("start")
    assert "an interrupted start of yours is cleared away" in ran.err
    assert deployed.head() == newest
    assert deployed.git("status", "--porcelain") == ""


def test_half_a_deploy_file_is_no_change_for_the_next_command(deployed: Site) -> None:
    (deployed.repo / "..deploy.4321.new").write_text("commit: ")
    (deployed.state_directory / ".rollout.json.4321.new").write_text("{")
    (deployed.state_directory / "running").write_text("4321 root")
    deployed.ok("start")
    assert not (deployed.repo / "..deploy.4321.new").exists()
    assert not (deployed.state_directory / ".rollout.json.4321.new").exists()
