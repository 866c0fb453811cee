"""What of our environment and of people's settings git may hear, as a table, and why.

A variable that is not in the table is not git's, and stays. docs/environment.md says the same in
sentences; a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from sartoris.errors import Refused


class Verdict(StrEnum):
    """What becomes of a variable or a setting."""

    KEPT = "kept"
    KEPT_FOR_FILES = "kept where it names a file"
    CLEARED = "cleared"
    REFUSED = "refused where it names another repository"
    PINNED = "set to what a rollout needs"


class Rule(NamedTuple):
    """`names` of variables; one that ends in `*` stands for all that begin so."""

    names: tuple[str, ...]
    verdict: Verdict
    reason: str


VARIABLES = (
    Rule(
        ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"),
        Verdict.REFUSED,
        "a rollout is of the repository that you stand in: `git --git-dir=A deploy`, typed in B,"
        " must not deploy B",
    ),
    Rule(
        (
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_GRAFT_FILE",
            "GIT_IMPLICIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_INTERNAL_*",
            "GIT_NO_REPLACE_OBJECTS",
            "GIT_OBJECT_DIRECTORY",
            "GIT_PREFIX",
            "GIT_QUARANTINE_PATH",
            "GIT_REPLACE_REF_BASE",
            "GIT_SHALLOW_FILE",
        ),
        Verdict.CLEARED,
        "git sets them for its own hooks; in another repository, or after the hook, they lead to"
        " the wrong index or to objects that are gone",
    ),
    Rule(
        ("GIT_NAMESPACE", "GIT_CONFIG", "GIT_ATTR_SOURCE", "GIT_DEFAULT_*"),
        Verdict.CLEARED,
        "they make git see other refs, settings or attributes than the repository has, or make new"
        " repositories of another kind",
    ),
    Rule(
        ("GIT_*_PATHSPECS",),
        Verdict.CLEARED,
        "what we ask of a path is asked of that very path",
    ),
    Rule(
        ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE", "GIT_REFLOG_ACTION"),
        Verdict.CLEARED,
        "a tag says when it was made, and the reflog by what; git sets these for its own hooks",
    ),
    Rule(
        ("GIT_NO_LAZY_FETCH", "GIT_PAGER_IN_USE", "GIT_TEST_*", "GIT_PRINT_SHA1_ELLIPSIS"),
        Verdict.CLEARED,
        "they change what git answers to a program",
    ),
    Rule(
        ("GIT_CEILING_DIRECTORIES",),
        Verdict.CLEARED,
        "it counts once, when the repository of the current directory is looked for",
    ),
    Rule(
        ("GIT_TRACE*",),
        Verdict.KEPT_FOR_FILES,
        "on standard error a trace would push the reason of a failure out of its message",
    ),
    Rule(
        (
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_KEY_*",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_CONFIG_PARAMETERS",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_VALUE_*",
        ),
        Verdict.KEPT,
        "settings that were meant: `git -c KEY=VALUE deploy` arrives in them",
    ),
    Rule(
        ("GIT_AUTHOR_*", "GIT_COMMITTER_*"),
        Verdict.KEPT,
        "who you are",
    ),
    Rule(
        (
            "GIT_ALLOW_PROTOCOL",
            "GIT_ASKPASS",
            "GIT_CURL_*",
            "GIT_HTTP_*",
            "GIT_PROTOCOL*",
            "GIT_PROXY_*",
            "GIT_SSH*",
            "GIT_SSL_*",
            "GIT_TERMINAL_PROMPT",
            "GIT_USER_AGENT",
        ),
        Verdict.KEPT,
        "how your remote is reached",
    ),
    Rule(
        (
            "GIT_DIFF_OPTS",
            "GIT_EDITOR",
            "GIT_EXTERNAL_DIFF",
            "GIT_MERGE_AUTOEDIT",
            "GIT_PAGER",
            "GIT_SEQUENCE_EDITOR",
        ),
        Verdict.KEPT,
        "`git deploy log` and `diff` are for you to read; nothing else opens a pager or an editor,"
        " or reads a patch",
    ),
    Rule(
        (
            "GIT_ADVICE",
            "GIT_ATTR_NOSYSTEM",
            "GIT_DISCOVERY_ACROSS_FILESYSTEM",
            "GIT_EXEC_PATH",
            "GIT_FLUSH",
            "GIT_INDEX_VERSION",
            "GIT_MERGE_VERBOSITY",
            "GIT_OPTIONAL_LOCKS",
            "GIT_PROGRESS_DELAY",
            "GIT_REDIRECT_*",
            "GIT_REF_PARANOIA",
            "GIT_TEMPLATE_DIR",
            "GIT_TEXTDOMAINDIR",
        ),
        Verdict.KEPT,
        "they change nothing that a rollout reads",
    ),
    Rule(
        ("LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "COLUMNS", "HOME", "XDG_CONFIG_HOME"),
        Verdict.KEPT,
        "git's messages are shown and never read by us; dates and names are asked for in forms that"
        " do not depend on them",
    ),
)

# What a rollout needs of git's settings, whoever types and whatever their files say. `git -c` of
# the person is weaker, too.
PINNED: Mapping[str, tuple[str, str]] = {
    "push.followTags": ("false", "only a rollout's own tags are pushed"),
    "log.showSignature": ("false", "it mixes the words of gpg with the subjects of commits"),
    "i18n.logOutputEncoding": ("UTF-8", "subjects of commits are text in one encoding"),
    "color.ui": ("false", "what is read by a program has no colours"),
    "color.diff": ("false", "as color.ui"),
    "core.quotePath": ("true", "names that are no text come as bytes, or quoted, never raw"),
    "merge.autoStash": ("false", "what is not committed stays where it is, or stops the merge"),
    "status.relativePaths": ("false", "paths are those of the top of the repository"),
}


def verdict_on(name: str, value: str) -> Verdict:
    """What becomes of one variable; what is not git's is kept."""
    from fnmatch import fnmatchcase

    for rule in VARIABLES:
        if any(fnmatchcase(name, pattern) for pattern in rule.names):
            if rule.verdict is Verdict.KEPT_FOR_FILES:
                return Verdict.KEPT if value.startswith("/") else Verdict.CLEARED
            return rule.verdict
    return Verdict.KEPT


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what would make git look at another repository than the one it is in,
    or answer in another way. For git, and for hooks and commands that may call it.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or verdict_on(name, value) is Verdict.KEPT
    }


def pinned(environment: Mapping[str, str]) -> dict[str, str]:
    """The variable by which git hears of `PINNED`, behind what `git -c` has put into it.

    Not as arguments, so that a command in a message is one that people can read.
    """
    said = environment.get("GIT_CONFIG_PARAMETERS", "")
    ours = (f"'{key.lower()}={value}'" for key, (value, _) in PINNED.items())
    return {"GIT_CONFIG_PARAMETERS": " ".join(filter(None, (said, *ours)))}


class AnotherRepository(Refused):
    """The environment names another repository than the one that we are in."""


def require_same_repository(
    environment: Mapping[str, str], *, here: Path, git_dir: Path, common: Path, top: Path
) -> None:
    """Raises `AnotherRepository` when variables name another repository, or another work tree.

    `git_dir`, `common` and `top` are of the one that the directory `here` is in.
    """
    found = {"GIT_DIR": git_dir, "GIT_COMMON_DIR": common, "GIT_WORK_TREE": top}
    for name, ours in found.items():
        named = environment.get(name, "")
        # A bare repository's hook is in it, and has `.`; after `cd` to a work tree that is nothing.
        if not named or (named == "." and name == "GIT_DIR" and not (here / "HEAD").is_file()):
            continue
        if _same(here / named, ours):
            continue
        words = {"GIT_WORK_TREE": "work tree"}.get(name, "repository")
        raise AnotherRepository(
            f"{name} (or an option of `git` in front of `deploy`) names the {words} {named}, and"
            f" this directory is in {ours}: which one is meant is for you to say",
            next_steps=[
                f"unset {' '.join(one for one in found if environment.get(one))}   # for {top}",
                "git -C DIRECTORY deploy ...   # for the work tree DIRECTORY",
            ],
        )


def _same(named: Path, ours: Path) -> bool:
    """Whether they are one directory; a `.git` that is a file leads to it."""
    from sartoris.git.submodules import gitdir_file

    if named.is_file():
        named = gitdir_file(named) or named
    return os.path.realpath(named) == os.path.realpath(ours)
