"""What somebody probably meant who typed an action that there is not, an option too early, or a
name of something else.
"""

from __future__ import annotations

import click

from sartoris.display import streams
from sartoris.rollout.site import Site, no_prefix

# Words of other tools and of every day, and the command that does it here.
_OTHER_WORDS = {
    **dict.fromkeys(("undo", "restore", "previous", "downgrade"), "rollback"),
    **dict.fromkeys(("list", "ls", "releases", "tags", "versions"), "show"),
    **dict.fromkeys(("deploy", "go", "rollout", "release-it"), "ship"),
    **dict.fromkeys(("push", "publish", "switch"), "sync"),
    **dict.fromkeys(("pull", "update", "lock", "new"), "start"),
    **dict.fromkeys(("cancel", "stop", "quit", "unlock", "reset"), "abort"),
    **dict.fromkeys(("retry", "again", "continue", "resume"), "resync"),
    **dict.fromkeys(("stat", "state", "info", "who"), "status"),
    **dict.fromkeys(("live", "targets", "servers", "hosts", "fleet"), "report"),
    **dict.fromkeys(("logs", "journal", "events"), "history"),
    **dict.fromkeys(("verify", "audit"), "report --verify"),
    **dict.fromkeys(("catch-up", "repair", "heal"), "converge"),
    **dict.fromkeys(("test", "diagnose"), "doctor"),
    **dict.fromkeys(("dry-run", "plan", "preview"), "sync --dry-run"),
    **dict.fromkeys(("reload", "restart"), "service {word}"),
    **dict.fromkeys(("configure", "settings", "setup", "init"), "help configuration"),
    **dict.fromkeys(("man", "manual", "docs", "usage"), "help"),
    "version": "--version",
}

# What only some actions have, and people type before them: a plan before all else.
_EARLY = ("--dry-run", "--yes", "-y")


def hint(word: str, actions: list[str]) -> str:
    """To stand behind `There is no action WORD.`"""
    from difflib import get_close_matches

    lower = word.lower()
    other = _OTHER_WORDS.get(lower, "").format(word=lower)
    close = get_close_matches(lower, actions, n=1)
    found = other or (close[0] if close else "")
    return f"Did you mean {found}?" if found else "git deploy -h lists them."


def behind_the_action(words: list[str], options: list[click.Parameter]) -> list[str]:
    """The words, with those of `_EARLY` that stand before the action put behind it.

    `options` are those of `git deploy` itself: what follows one with a value is no action.
    """
    with_value = {
        name
        for one in options
        if isinstance(one, click.Option) and not one.is_flag and not one.count
        for name in one.opts
    }
    before: list[str] = []
    early: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            return [*before, word, *early, *rest]
        if word in _EARLY:
            early.append(word)
            continue
        before.append(word)
        if word in with_value:
            before += [value for value in (next(rest, None),) if value is not None]
    return [*before, *early]


def say_what_else(site: Site, prefix: str | None) -> None:
    """Say of a typed prefix without a tag that it is the name of a target or a branch."""
    also = no_prefix(site, prefix) if prefix else ""
    if also:
        streams.say(f"there is no tag of {prefix} here{also}")
