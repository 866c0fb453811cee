"""Deployers, a fleet and a machine on a bad day: commands in any order, killed anywhere."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sartoris.config.values import CountOrPercent
from sartoris.rollout.state import StateLost
from sartoris.rollout.transitions import TABLE, situation
from tests.unit.actions.life import Life
from tests.unit.actions.memory import Target
from tests.unit.actions.promises import (
    SLOTS,
    Before,
    check,
    check_accounts,
    check_agreement,
    require_live,
)
from tests.unit.actions.typing_commands import ACTIONS, QUESTIONS, Typed, enter, follow
from tests.unit.actions.world import World

PEOPLE = ("Some Deployer <deployer@example.org>", "Another One <another@example.org>")
NAMES = ("web1", "web2", "web3")
# Longer than the longest command, in steps: about half of those that get a number are killed.
LONG = 130
ENOUGH = 12  # commands to get from anywhere to an end

LIMITS = st.sampled_from([CountOrPercent(0), CountOrPercent(1), CountOrPercent(50, percent=True)])
CANARIES = st.sampled_from([(), ("web2",)])
BATCHES = st.sampled_from([CountOrPercent(100, percent=True), CountOrPercent(1), CountOrPercent(2)])
WRONGS = st.sampled_from(
    ["fetch", "switch", "away", "fetch", "switch", "service", "withdraw", "away", "late", "lies"]
)
EFFECTS = st.sampled_from(
    ["pre-start", "post-pull", "pre-sync", "post-tag", "post-sync", "publish", "push-tags", "go-to"]
)
LIVES = st.one_of(st.none(), st.none(), st.integers(0, LONG))
FORCES = st.sampled_from([False, False, False, True])
CHOICES = st.integers(0, 39)
SLOTS_TYPED = st.sampled_from(["slot0", "slot0", "slot0", "slot1"])
RECORDS = st.sampled_from(["rollout.json", "rollout.json", "lock", "desired.json", "journal"])
DAMAGES = st.sampled_from(["removed", "empty", "cut", "garbage", "types", "directory", "link"])
SYNC_HOOKS = st.sampled_from(["succeeds", "fails", "gone"])
COMMANDS = sorted([*ACTIONS, "revert"])
Fault = tuple[str, str]
FAULTS = st.lists(st.tuples(st.sampled_from(NAMES), WRONGS), min_size=1, max_size=3)


def fast_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class AnyOrder(RuleBasedStateMachine):
    """One world, in which each rule is one thing that somebody does, or that happens."""

    @initialize(max_failed=LIMITS, canary=CANARIES, batch=BATCHES, deployed=st.booleans())
    def begin(
        self,
        max_failed: CountOrPercent,
        canary: tuple[str, ...],
        batch: CountOrPercent,
        deployed: bool,
    ) -> None:
        place = tempfile.mkdtemp(prefix="sartoris-any-order-", dir=fast_directory())
        settings = {
            "max_failed": max_failed,
            "canary": canary,
            "batch": batch,
            "hook_dir": Path(place) / "hooks",
        }
        (Path(place) / "hooks").mkdir()
        self.world = World(Path(place), NAMES, settings, keeps_journal_open=True)
        self.retired: dict[str, Target] = {}
        if deployed:
            self._typed("start")
            self._typed("sync")
            self.world.repository.commit()

    @rule(number=CHOICES, force=FORCES, steps=LIVES)
    def somebody_goes_on(self, number: int, force: bool, steps: int | None) -> None:
        """With one of the commands that may be used where the rollout stands."""
        here = TABLE[situation(self.world.state)]
        names = sorted({*here.leads_to, *(here.with_force if force else ())} & {*COMMANDS})
        self._typed(names[number % len(names)], force=force, steps=steps, at=number)

    @rule(
        name=st.sampled_from(COMMANDS),
        other=st.booleans(),
        force=FORCES,
        steps=LIVES,
        prefix=SLOTS_TYPED,
        at=CHOICES,
    )
    def somebody_types(
        self, name: str, other: bool, force: bool, steps: int | None, prefix: str, at: int
    ) -> None:
        """Whatever it is, and whoever has the lock."""
        self.world.repository.who = PEOPLE[other]
        self._typed(name, force=force, steps=steps, prefix=prefix, at=at)

    @rule(steps=st.integers(0, LONG), second=st.integers(0, LONG), choose=CHOICES)
    def it_is_killed_twice(self, steps: int, second: int, choose: int) -> None:
        """A command, and then the one that is to bring its rollout to an end."""
        if self.world.state is None:
            self.world.repository.commit()
            self._typed("start")
        self._typed("sync" if choose % 3 else "abort", steps=steps)
        try:
            advised = self.world.status().next_steps
        except StateLost as lost:
            advised = lost.next_steps
        useful = [step for step in advised if is_useful(step)]
        if useful:
            take_one(self.world, useful, choose, life=Life(second))

    @rule(name=RECORDS, how=DAMAGES, at=CHOICES)
    def a_record_is_damaged(self, name: str, how: str, at: int) -> None:
        """By a disk, a restore, or a hand. Of the journal, only that it was moved away."""
        records = self.world.records
        path = records.lock.path if name == "lock" else records.directory / name
        if name == "journal":
            self.world.lose_journal()
        elif path.is_file():
            damage(path, how, at)

    @rule(name=st.sampled_from([*NAMES, "web4"]))
    def a_target_comes_or_goes(self, name: str) -> None:
        """A new one has nothing; one that comes back has what it had."""
        targets = self.world.targets
        if name in targets and len(targets) > 1:
            self.retired[name] = targets.pop(name)
        else:
            self.world.newcomers.add(name)
            targets[name] = self.retired.pop(name, targets.get(name, Target(name)))

    @rule(what=SYNC_HOOKS)
    def the_site_has_a_sync_hook(self, what: str) -> None:
        path = self.world.place / "hooks" / "sync" / "slot0.sync"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if what != "gone":
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
        self.world.broken -= {"sync-hook"}
        self.world.broken |= {"sync-hook"} if what == "fails" else set()

    @rule(faults=FAULTS, bring=st.booleans(), steps=LIVES)
    def a_sync_goes_wrong(self, faults: list[Fault], bring: bool, steps: int | None) -> None:
        """In a rollout that is open already, or in a new one."""
        self.world.repository.commit()
        self._typed("start")
        self._break(faults)
        self._typed("sync", steps=steps)
        if bring:
            self.world.heal()
            self._typed("resync", steps=steps)

    @rule(faults=FAULTS, upstream=st.booleans())
    def time_goes_by(self, faults: list[Fault], upstream: bool) -> None:
        """Something is committed, some things break."""
        repository = self.world.repository
        if upstream:
            repository.commit_upstream()
        else:
            repository.commit()
        self._break(faults)

    @rule(name=st.sampled_from(NAMES), all_of_it=st.booleans())
    def something_is_mended(self, name: str, all_of_it: bool) -> None:
        if all_of_it:
            self.world.heal()
        if name in self.world.targets:
            self.world.targets[name].heal()

    @rule(what=EFFECTS)
    def the_site_breaks(self, what: str) -> None:
        self.world.broken = {what}

    def _break(self, faults: list[Fault]) -> None:
        for name, what in faults:
            target = self.world.targets.get(name)
            if target is None:
                continue
            if what in ("away", "late", "lies"):
                setattr(target, what, True)
            else:
                target.wrong.add(what)

    def _typed(
        self,
        name: str,
        *,
        force: bool = False,
        steps: int | None = None,
        at: int = 0,
        prefix: str | None = None,
    ) -> Typed:
        # What is wanted already is what `git deploy revert` refuses.
        wanted = {one.release for one in map(self.world.desired_of, SLOTS) if one is not None}
        releases = [r for r in self.world.published if r not in wanted]
        if name == "revert" and not releases:
            name = "converge"
        release = releases[at % len(releases)] if name == "revert" else ""
        slot = release.partition("-")[0] or prefix or "slot0"
        options = {"prefix": prefix} if prefix and name != "revert" else {}
        before = Before.of(self.world, slot)
        life = Life(steps)
        typed = enter(self.world, name, release=release, life=life, force=force, **options)
        check(self.world, before, typed)
        return typed

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with contextlib.closing(self.world):
            self.world.heal()
            come_to_an_end(self.world)


def damage(path: Path, how: str, at: int) -> None:
    whole = path.read_text(errors="replace")
    path.unlink()
    match how:
        case "empty":
            path.touch()
        case "cut":
            path.write_text(whole[: len(whole) * at // 40])
        case "garbage":
            path.write_bytes(bytes(range(256)))
        case "types":
            document = json.loads(whole) if whole.startswith("{") else {}
            name = sorted(document)[at % len(document)] if document else "x"
            path.write_text(json.dumps({**document, name: [7]}))
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to("/nowhere/at-all")


def come_to_an_end(world: World, choose: int = 0) -> None:
    """Following what `status` and the messages advise ends the rollout, and then all targets have
    what they should. `choose`: which of the steps is taken.
    """
    for _ in range(ENOUGH):
        try:
            now = world.status()
        except StateLost as lost:
            follow_errors(world, lost.next_steps, choose)
            continue
        if now.kind == "none":
            break
        assert now.holder is not None
        if now.holder.is_known:
            world.repository.who = now.holder.who
        follow_errors(world, now.next_steps, choose)
    assert world.status().kind == "none", "no way to an end"
    for slot in SLOTS:
        check_accounts(world, slot)
        check_agreement(world, slot)
    enter(world, "converge")
    for slot in SLOTS:
        should = world.desired_of(slot)
        if should is not None:
            require_live(world, should.release, slot=slot)
        elif not world.forgets:
            live = world.live(slot)
            assert set(live.values()) <= {""}, f"nothing should be live in {slot}: {live}"


def follow_errors(world: World, steps: tuple[str, ...], choose: int) -> None:
    """One of the steps; where it fails, one of its own, until there is nothing more to type."""
    typed = take_one(world, steps, choose)
    for _ in range(ENOUGH):
        if typed.error is None or not any(is_useful(step) for step in typed.error.next_steps):
            return
        typed = take_one(world, typed.error.next_steps, choose)


def take_one(world: World, steps: Sequence[str], choose: int, *, life: Life | None = None) -> Typed:
    useful = [step for step in steps if is_useful(step)]
    assert useful, f"no step leads on: {steps}"
    step = useful[choose % len(useful)]
    if " TAG" in step and not world.published:
        step = "git deploy abort"
    step = step.replace(" TAG", f" {next(iter(world.published), '')}")
    words = step.split()
    slot = words[3].partition("-")[0] if words[2] == "revert" else "slot0"
    before = Before.of(world, slot)
    typed = follow(world, step, life=life)
    check(world, before, typed)
    return typed


def is_useful(step: str) -> bool:
    return step.split()[1] != "log" and step.split()[2] not in QUESTIONS
