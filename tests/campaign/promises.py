"""What must be true after each command, whatever was typed and whatever had gone wrong."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.campaign.play import SLOTS, Play, Typed

REFUSED = (1, 2, 17, 19)
LOOKS = ("status", "report", "doctor", "history", "show", "check", "log", "diff", "modified")
BEGINS = ("start", "hotfix", "push-hotfix", "manual-sync", "release", "tag")
BRINGS = ("sync", "resync", "revert")
CODES = (0, *REFUSED, 3, 69, 71, 72, 73, 74)


@dataclass(frozen=True)
class Before:
    """What was there before a command. `told`: its rollout may have told targets to switch."""

    live: dict[tuple[str, str], str]
    desired: dict[str, str]
    told: bool

    @classmethod
    def of(cls, play: Play) -> Before:
        rollout = play.site.state_directory / "rollout.json"
        text = rollout.read_text(errors="replace") if rollout.is_file() else ""
        began = any(word in text for word in ('"switching"', '"synced"', '"is_after_half": true'))
        return cls(play.live(), play.desired(), began)


def check(play: Play, before: Before, typed: Typed) -> None:
    """Everything that one command has to keep."""
    live = play.live()
    _check_trees(play, live)
    if typed.killed:
        return
    code, err = typed.ended.code, typed.ended.err
    assert code in CODES, f"exit {code}"
    assert "bug in Sartoris" not in err, err
    assert "Traceback" not in err, err
    if typed.action in (*LOOKS, *BEGINS) or code in REFUSED:
        assert live == before.live, f"{before.live}\n{live}"
        if typed.action not in BEGINS and typed.action != "sync":
            assert not before.desired or play.desired() == before.desired
    if code == 0:
        _check_success(play, before, typed)
    message = str(typed.error.get("message", ""))
    if "Nothing has switched, anywhere" in message:
        assert live == before.live, message


def _check_success(play: Play, before: Before, typed: Typed) -> None:
    desired = play.desired()
    if typed.action in BRINGS:
        changed = {
            one["slot"] for one in typed.events if one.get("slot") and one["slot"] in desired
        }
        for slot in changed:
            if any(one.get("event") == "step-started" for one in typed.events):
                require_live(play, slot, desired[slot], without=typed.named)
    elif typed.action == "converge" and len(typed.arguments) == 2:
        for slot, release in desired.items():
            require_live(play, slot, release)
    elif typed.action == "abort" and before.told:
        for slot in {one["slot"] for one in typed.events if one.get("slot")}:
            require_live(play, slot, desired.get(slot, ""))


def require_live(play: Play, slot: str, release: str, without: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Every configured target has it, and nothing else."""
    live = play.live()
    for target in play.targets:
        if target in without:
            continue
        has = live.get((target, slot), "")
        assert has == release, f"{target} has {has!r} in {slot}, and should have {release!r}"
        why = play.why_not_whole(target, slot) if release else ""
        assert not why or (target, release) in play.tampered, why


def _check_trees(play: Play, live: dict[tuple[str, str], str]) -> None:
    for (target, slot), release in live.items():
        if not release or (target, release) in play.tampered:
            continue
        if play.site.slot(target, slot).is_dir():
            why = play.why_not_whole(target, slot)
            assert not why, why


def check_accounts(play: Play) -> None:
    """`report` names every target, and takes nobody for current who is not."""
    report = play.type("report", "--json")
    if report.next_steps:  # a damaged journal is moved away first
        play.follow(report.next_steps[0])
        report = play.type("report", "--json")
    assert report.ended.code == 0, report.ended.err
    (document,) = report.events
    live = play.live()
    for slot in document["slots"]:
        named = {one["target"]: one for one in slot["targets"]}
        assert set(named) == set(play.targets)
        release = slot["desired"]["release"] if slot["desired"] else ""
        for name, one in named.items():
            if one["condition"] == "current":
                assert live[name, slot["slot"]] == release, one
                assert not release or play.site.slot(name, slot["slot"]).is_dir(), one


def check_nothing_is_lost(play: Play) -> None:
    """Commits are in some branch, tag or other ref, here or at the remote; words are somewhere."""
    site = play.site
    for commit in play.made:
        assert _git(play, "for-each-ref", "--contains", commit), f"commit {commit} is in no ref"
    for entry in play.work:
        word, _, name = entry.partition(" ")
        here = site.repo / name
        if here.is_file() and word in here.read_text():
            continue
        refs = _git(play, "for-each-ref", "--format=%(refname)").split()
        stashed = [ref for ref in refs if _git(play, "grep", "-l", word, ref)]
        untracked = [ref for ref in refs if _git(play, "grep", "-l", word, f"{ref}^3")]
        aside = subprocess.run(
            ["grep", "-rl", word, str(site.state_directory / "aside"), str(site.repo)],
            capture_output=True,
            check=False,
        )
        assert stashed or untracked or aside.stdout, f"{entry} is lost"


def _git(play: Play, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=play.site.repo, capture_output=True, check=False)
    return done.stdout.decode(errors="replace")


__all__ = ["SLOTS", "Before", "check", "check_accounts", "check_nothing_is_lost", "require_live"]
