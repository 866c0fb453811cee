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
WRONGS = st.sampled_from(
    ["fetch", "switch", "away", "fetch", "switch", "service", "withdraw", "away", "late", "lies"]
)
EFFECTS = st.sampled_from(
    ["pre-start", "post-pull", "pre-sync", "post-tag", "post-sync", "publish", "push-tags", "go-to"]
)
LIVES = st.one_of(st.none(), st.none(), st.integers(0, LONG))
FORCES = st.sampled_from([False, False, False, True])
CHOICES = st.integers(0, 39)
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
        settings = {"max_failed": max_failed, "canary": canary, "batch": batch}
        self.world = World(Path(place), NAMES, settings, keeps_journal_open=True)
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

    @rule(name=st.sampled_from(COMMANDS), other=st.booleans(), force=FORCES, steps=LIVES)
    def somebody_types(self, name: str, other: bool, force: bool, steps: int | None) -> None:
        """Whatever it is, and whoever has the lock."""
        self.world.repository.who = PEOPLE[other]
        self._typed(name, force=force, steps=steps)

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
        self.world.targets[name].heal()

    @rule(what=EFFECTS)
    def the_site_breaks(self, what: str) -> None:
        self.world.broken = {what}

    def _break(self, faults: list[Fault]) -> None:
        for name, what in faults:
            target = self.world.targets[name]
            if what in ("away", "late", "lies"):
                setattr(target, what, True)
            else:
                target.wrong.add(what)

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
    useful = [
        step for step in steps if step.split()[1] != "log" and step.split()[2] not in QUESTIONS
    ]
    assert useful, f"no step leads on: {steps}"
    before = Before.of(world)
    typed = follow(world, useful[choose % len(useful)])
    check(world, before, typed)
    return typed
