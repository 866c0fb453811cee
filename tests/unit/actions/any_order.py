"""Deployers, a fleet and a machine on a bad day: commands in any order, killed anywhere."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sartoris.config.values import CountOrPercent
from sartoris.rollout.transitions import TABLE, situation
from tests.unit.actions.life import Life
from tests.unit.actions.promises import Before, check, check_accounts, check_agreement, require_live
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
WRONGS = st.sampled_from(["fetch", "switch", "service", "withdraw", "away", "late", "lies"])
EFFECTS = st.sampled_from(
    ["pre-start", "post-pull", "pre-sync", "post-tag", "post-sync", "publish", "push-tags", "go-to"]
)
LIVES = st.one_of(st.none(), st.none(), st.integers(0, LONG))
# Where people type what may be typed, mostly.
CHOICES = st.integers(0, 39)


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
        settings = {"max_failed": max_failed, "canary": canary, "batch": batch}
        self.world = World(Path(place), NAMES, settings, keeps_journal_open=True)
        if deployed:
            self._typed("start")
            self._typed("sync")
            self.world.repository.commit()

    @rule(number=CHOICES, person=st.sampled_from([0, 0, 0, 1]), force=CHOICES, steps=LIVES)
    def somebody_types(self, number: int, person: int, force: int, steps: int | None) -> None:
        allowed = sorted({*TABLE[situation(self.world.state)].leads_to} & {*ACTIONS, "revert"})
        names = allowed if number < 32 and allowed else sorted([*ACTIONS, "revert"])
        name = names[number % len(names)]
        self.world.repository.who = PEOPLE[person]
        self._typed(name, force=force > 35 or (person == 1 and force > 15), steps=steps, at=force)

    @rule(upstream=st.booleans())
    def somebody_commits(self, upstream: bool) -> None:
        repository = self.world.repository
        if upstream:
            repository.commit_upstream()
        else:
            repository.commit()

    @rule(name=st.sampled_from(NAMES), what=WRONGS)
    def a_target_breaks(self, name: str, what: str) -> None:
        target = self.world.targets[name]
        if what in ("away", "late", "lies"):
            setattr(target, what, True)
        else:
            target.wrong.add(what)

    @rule(name=st.sampled_from(NAMES))
    def a_target_heals(self, name: str) -> None:
        self.world.targets[name].heal()

    @rule(what=EFFECTS)
    def something_breaks(self, what: str) -> None:
        self.world.broken = {what}

    @rule()
    def all_is_well(self) -> None:
        self.world.heal()

    def _typed(
        self, name: str, *, force: bool = False, steps: int | None = None, at: int = 0
    ) -> Typed:
        desired = self.world.desired  # which `git deploy revert` refuses
        releases = [r for r in self.world.published if desired is None or desired.release != r]
        if name == "revert" and not releases:
            name = "converge"
        release = releases[at % len(releases)] if name == "revert" else ""
        before = Before.of(self.world)
        typed = enter(self.world, name, release=release, life=Life(steps), force=force)
        check(self.world, before, typed)
        return typed

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with contextlib.closing(self.world):
            self.world.heal()
            come_to_an_end(self.world)


def come_to_an_end(world: World, choose: int = 0) -> None:
    """Following what `status` and the messages advise ends the rollout, and then all targets have
    what they should. `choose`: which of the steps is taken.
    """
    for _ in range(ENOUGH):
        now = world.status()
        if now.kind == "none":
            break
        assert now.holder is not None
        world.repository.who = now.holder.who
        typed = take_one(world, now.next_steps, choose)
        while typed.error is not None:
            typed = take_one(world, typed.error.next_steps, choose)
    assert world.status().kind == "none", "no way to an end"
    check_accounts(world)
    check_agreement(world)
    enter(world, "converge")
    if world.desired is not None:
        require_live(world, world.desired.release)
    else:
        assert set(world.live().values()) <= {""}, f"nothing should be live: {world.live()}"


def take_one(world: World, steps: tuple[str, ...], choose: int) -> Typed:
    useful = [step for step in steps if step.split()[2] not in QUESTIONS]
    assert useful, f"no step leads on: {steps}"
    before = Before.of(world)
    typed = follow(world, useful[choose % len(useful)])
    check(world, before, typed)
    return typed
