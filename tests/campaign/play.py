"""A real site that lives through a bad day: what is typed, what came of it, and what is there."""

from __future__ import annotations

import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.system.site import Site
from tests.system.trees import committed, on_disk
from tests.system.warm import FAR_END, Ended, Warm

SLOTS = ("slot0", "slot1")
A_LONG_TIME = 120  # seconds; whatever takes longer hangs
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
# Of a release, as a target runs it: fails as the file for this target says, if there is one.
TARGET_HOOK = """#!/bin/sh
name=${{GIT_DEPLOY_PATH#{targets}/}}
faults={faults}/{phase}-${{name%%/*}}
[ ! -e "$faults" ] || . "$faults"
"""


@dataclass(frozen=True)
class Typed:
    """One command; `events` and `error` are the lines of its `--json`. `killed`: by us."""

    arguments: tuple[str, ...]
    ended: Ended
    killed: bool
    events: tuple[dict[str, Any], ...] = ()

    @property
    def action(self) -> str:
        return next(word for word in self.arguments if not word.startswith("-"))

    @property
    def error(self) -> dict[str, Any]:
        return next((one for one in self.events if one.get("event") == "error"), {})

    @property
    def next_steps(self) -> list[str]:
        return list(self.error.get("next", ()))

    @property
    def named(self) -> set[str]:
        """The targets that it says it went on without."""
        found = [one["targets"] for one in self.events if one.get("event") == "left-behind"]
        return {name for names in found for name in names}


@dataclass
class Play:
    """`made` are the commits and `work` the words that must not be lost; `tampered` the trees that
    were changed behind our back, by target and release.
    """

    site: Site
    warm: Warm
    random: random.Random
    story: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    work: list[str] = field(default_factory=list)
    tampered: set[tuple[str, str]] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    faults: int = 0
    last: Typed | None = None

    @classmethod
    def begin(cls, root: Path, warm: Warm, seed: int) -> Play:
        chance = random.Random(seed)
        site = Site.build(root / "site", targets=chance.choice([1, 3, 3, 4]))
        play = cls(site, warm, chance)
        play.faults_of_targets.mkdir()
        for phase in ("prepare", "live"):
            path = site.repo / "deploy" / "target" / f"{phase}.10-fault"
            path.parent.mkdir(parents=True, exist_ok=True)
            places = {"targets": site.root / "targets", "faults": play.faults_of_targets}
            path.write_text(TARGET_HOOK.format(**places, phase=phase))
            path.chmod(0o755)
        site.commit({})
        site.push()
        if chance.random() < 0.3:
            site.add_submodule("ext/cite", {"cite.php": "1\n"})
        if chance.random() < 0.25:
            site.sync_hook().write_text((EXAMPLES / "minimal.sync").read_text())
        site.config("remote.origin.receivepack", FAR_END)
        site.config("deploy.timeout", "4")
        site.config("deploy.max-failed", chance.choice(["0", "0", "1", "50%"]))
        site.config("deploy.batch", chance.choice(["1", "2", "100%"]))
        if chance.random() < 0.3:
            site.config("deploy.canary", "web1")
        return play

    @property
    def faults_of_targets(self) -> Path:
        return self.site.root / "faults"

    @property
    def targets(self) -> list[str]:
        """Those that are configured."""
        lines = self.site.git("config", "--get-all", "deploy.target").splitlines()
        return [line.partition("=")[0] for line in lines]

    @property
    def aside(self) -> Path:
        """Where targets are that are away."""
        return self.site.root / "away"

    def type(self, *arguments: str, may_be_killed: bool = False) -> Typed:
        """`git deploy ARGUMENTS`, killed at any moment if it may be."""
        action = next(word for word in arguments if not word.startswith("-"))
        usual = self.seconds.get(action, 1.0)
        after = self.random.uniform(0, 1.3 * usual) if may_be_killed else A_LONG_TIME
        everything = self.random.random() < 0.7
        ended = self.warm.run(arguments, self.site.repo, kill_after=after, everything=everything)
        self.steps += 1
        if ended.code == 0:
            self.seconds[action] = ended.seconds
        else:
            self.faults += ended.code is None
        self.story.append(_told(arguments, ended))
        assert may_be_killed or ended.code is not None, "it hangs"
        events = _documents(ended.out) if "--json" in arguments else ()
        self.last = Typed(arguments, ended, ended.code is None or ended.code < 0, events)
        return self.last

    def follow(self, step: str) -> Typed | None:
        """Type what a message advised; None if that is nothing to type."""
        line = step.partition("   #")[0].partition("  #")[0].strip()
        if line.startswith("git deploy "):
            words = shlex.split(line)[2:]
            if "TAG" in words:
                words[words.index("TAG")] = self.random.choice(self.releases() or ["TAG"])
            return self.type(*words, "--json")
        if line.startswith(("mv ", "git reset", "git push", "git -C", "chmod ", "mkdir ", "rm ")):
            if line.startswith("git reset"):  # whoever types that wants to lose commits
                self.made.clear()
            done = subprocess.run(
                line, shell=True, cwd=self.site.repo, capture_output=True, check=False
            )
            self.story.append(f"$ {line}: {done.returncode} {done.stderr.decode()}")
            return Typed(("sh", line), Ended(done.returncode, 0, "", done.stderr.decode()), False)
        return None

    def releases(self) -> list[str]:
        listed = self.site.git("tag", "--list", "--sort=-creatordate").split()
        return [tag for tag in listed if not tag.endswith("_reverted")]

    def commit(self, *, push: bool) -> None:
        """Change, add and remove some files."""
        number = len(self.made)
        files = {"index.php": f"version {number}\n" * 50, f"page{number % 5}.php": f"{number}\n"}
        (self.site.repo / f"page{(number + 2) % 5}.php").unlink(missing_ok=True)
        try:
            self.made.append(self.site.commit(files))
            if push:
                self.site.git("push", "--quiet", "origin", "HEAD:main")
        except AssertionError as error:  # of git: a lock, a remote that is away or ahead
            self.story.append(f"commit: {error}")
        else:
            self.story.append(f"commit {self.made[-1][:12]}{', pushed' if push else ''}")

    # What is there.

    def live(self) -> dict[tuple[str, str], str]:
        """The release that is live, "" for none, by target and slot; also of those away."""
        found = {}
        for target in sorted((self.site.root / "targets").iterdir()):
            for slot in SLOTS:
                found[target.name, slot] = self.site.live(target.name, slot)
        return found

    def desired(self) -> dict[str, str]:
        """What each slot should have, as the file says; None where it is damaged."""
        try:
            document = json.loads((self.site.state_directory / "desired.json").read_text())
            return {name: one["release"] for name, one in document["slots"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def why_not_whole(self, target: str, slot: str) -> str:
        """What is wrong with the live tree of a slot; "" if it is its release, exactly."""
        place = self.site.slot(target, slot)
        if not place.is_dir():
            return f"{place} leads to nothing"
        found = on_disk(place.resolve())
        try:
            _, text = found.pop(".deploy")
        except KeyError:
            return f"{place} has no .deploy"
        source = text.decode().split("\n")[0].removeprefix("commit: ")
        wanted = committed(self.site.repo, source)
        differ = [p for p in {*found, *wanted} if found.get(p) != wanted.get(p)]
        return f"{place} is not {source}: {sorted(differ)[:5]}" if differ else ""


def _told(arguments: Sequence[str], ended: Ended) -> str:
    how = f"killed after {ended.seconds:.3f} s" if ended.code is None else f"exit {ended.code}"
    lines = [line for line in ended.out.splitlines() if '"event": "error"' in line]
    return "\n".join([f"git deploy {' '.join(arguments)}: {how}", *lines, ended.err[-2500:]])


def _documents(text: str) -> tuple[dict[str, Any], ...]:
    try:
        whole = json.loads(text)
        return (whole,) if isinstance(whole, dict) else ()
    except ValueError:
        pass
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # cut by a kill
            continue
    return tuple(one for one in found if isinstance(one, dict))


def with_our_programs() -> str:
    """A PATH in which sync hooks find the Python that has Sartoris."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"
