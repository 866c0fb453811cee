"""Real repositories and targets on a bad day: random commands and faults, all promises kept.

`make test` tells two short stories; `make torture` tells new ones. When they are (a tag has the
time in it) and how far a command has come when it is killed is not the same each time, so a seed
that failed may have to be told more than once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaign.faults import FAULTS, mend
from tests.campaign.play import Play, Typed, with_our_programs
from tests.campaign.promises import (
    LOOKS,
    Before,
    check,
    check_accounts,
    check_nothing_is_lost,
    require_live,
)
from tests.system.warm import Warm

FIRST = int(os.environ.get("SARTORIS_TORTURE_FIRST", "1"))
SEEDS = int(os.environ.get("SARTORIS_TORTURE_SEEDS", "2"))
LENGTH = 12  # things that happen in a story
ENOUGH = 14  # commands to get from anywhere to an end
LOG = os.environ.get("SARTORIS_TORTURE_LOG", "")  # gets a line for each: seed, commands, faults

ANYTHING = (
    *["start", "sync", "sync", "resync", "resync", "abort", "abort", "converge", "finish"],
    *["revert", "revert", "hotfix", "push-hotfix", "manual-sync", "start slot1", "sync slot1"],
    *["--force sync", "--force abort", "--force finish", "--force resync", "--force start"],
    *["report", "report --verify", "status", "doctor", "history", "show", "check"],
)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_all_promises_are_kept(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", with_our_programs())
    with Warm.up() as warm:
        play = Play.begin(tmp_path, warm, seed)
        try:
            deploy(play)
            for _ in range(LENGTH):
                go_on(play)
            come_to_an_end(play)
        except AssertionError as error:
            error.add_note("\n\n".join(play.story))
            raise
        finally:
            if LOG:
                with Path(LOG).open("a") as log:
                    log.write(f"{seed} {play.steps} {play.faults}\n")


def go_on(play: Play) -> None:
    """Things break, are mended, or somebody types something."""
    chance = play.random.random()
    if chance < 0.15:
        mend(play)
        play.story.append("mended")
    while play.random.random() < 0.5:
        fault = play.random.choice(FAULTS)
        try:
            play.story.append(f"FAULT {fault.__name__}: {fault(play)}")
            play.faults += 1
        except OSError as error:  # one fault may stand in the way of another
            play.story.append(f"no fault {fault.__name__}: {error}")
    last = play.last
    if last is not None and last.next_steps and play.random.random() < 0.4:
        play.story.append("AS ADVISED")
        take_one(play, last.next_steps)
    elif play.random.random() < 0.35:
        deploy(play)
    else:
        enter(play, *play.random.choice(ANYTHING).split())


def deploy(play: Play) -> None:
    """A rollout of something new, as far as it goes."""
    slot = ["slot1"] if play.random.random() < 0.15 else []
    enter(play, "start", *slot)
    play.commit(push=play.random.random() < 0.85)
    enter(play, "sync")


def enter(play: Play, *words: str, surely: bool = False) -> Typed:
    if words[0] == "revert":
        words = ("revert", play.random.choice(play.releases() or ["1"]))
    before = Before.of(play)
    may_die = not surely and words[0] not in LOOKS and play.random.random() < 0.3
    typed = play.type(*words, "--json", may_be_killed=may_die)
    check(play, before, typed)
    return typed


def come_to_an_end(play: Play) -> None:
    """With everything mended, what is advised leads to an end, and the next rollout to everyone."""
    mend(play)
    play.story.append("THE END BEGINS")
    follow_to_the_end(play)
    check_accounts(play)
    check_nothing_is_lost(play)
    typed = enter(play, "converge", surely=True)
    assert typed.ended.code == 0 or "nothing to converge" in typed.error["message"]
    for name in play.site.git("status", "--porcelain").splitlines():
        play.story.append(name)
    play.site.git("stash", "push", "--quiet", "--include-untracked")
    end = None
    for _ in range(4):
        enter(play, "start", surely=True)
        play.commit(push=False)
        play.site.git("fetch", "--quiet", "origin")
        play.site.git("merge", "--quiet", "--strategy=ours", "-m", "together", "origin/main")
        play.site.git("push", "--quiet", "origin", "HEAD:main")
        end = enter(play, "sync", surely=True)
        if end.ended.code == 0:
            break
        follow_to_the_end(play)
    assert end is not None
    assert end.ended.code == 0, "the next rollout does not get through"
    require_live(play, "slot0", play.desired()["slot0"])
    check_accounts(play)
    check_nothing_is_lost(play)


def follow_to_the_end(play: Play) -> None:
    for turn in range(ENOUGH):
        status = play.type("status", "--json")
        document = status.events[0] if status.events else {}
        if status.ended.code == 0:
            return
        steps = document.get("next") or status.next_steps
        assert steps, f"nothing is advised: {status}"
        # A conflict of two people's changes, for example, is settled by a person, or given up.
        take_one(play, list(steps) if turn < ENOUGH / 2 else ["git deploy abort"])
    raise AssertionError("no way to an end")


def take_one(play: Play, steps: list[str]) -> None:
    """One of the first steps that do something; its own advice where it fails."""
    for _ in range(5):
        useful = [one for one in steps if not is_a_question(one)]
        if not useful:
            return
        step = useful[0] if play.random.random() < 0.7 else play.random.choice(useful)
        before = Before.of(play)
        typed = play.follow(step)
        if typed is None:
            steps = [one for one in steps if one != step]
            continue
        if typed.action != "sh":
            check(play, before, typed)
        if typed.ended.code == 0 or not typed.next_steps:
            return
        steps = typed.next_steps


def is_a_question(step: str) -> bool:
    words = step.split()
    return words[:2] == ["git", "deploy"] and words[2] in (*LOOKS, "--version")
