"""Whether an object store is damaged: what the file system, and git, say of the store itself.

Asked when a step has failed, never of the step: git refuses for many reasons, and most of them are
still there when everything has been fetched anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sartoris.agent.errors import GitFailed
from sartoris.agent.files import lexists, owner_of
from sartoris.agent.store import Store

_REF = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})\n")
# The store's own settings only: those of the machine are not its damage.
_BARE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def damage(store: Store) -> str:
    """What is damaged, for a person; "" when the store is sound."""
    return damaged_file(store) or _damaged_for_git(store)


def damaged_file(store: Store) -> str:
    """As `damage`, as far as it shows without reading the objects."""
    for path, why in _unusable(store.path):
        return f"{path.relative_to(store.path.parent)} {why}"
    return ""


def _unusable(store: Path) -> Iterator[tuple[Path, str]]:
    """What is not what it should be, and why."""
    # Most of it is made only when there is something to put into it.
    needed = (store, store / "objects", store / "refs", store / "HEAD")
    yield from ((path, "is missing") for path in needed if not lexists(path))
    packs = store / "objects" / "pack"
    refs = [store / "refs" / kind for kind in ("tags", "submodules", "internal")]
    for directory in (*needed[:-1], packs.parent / "info", packs, *refs):
        if lexists(directory) and not directory.is_dir():
            yield directory, "is not a directory"
        elif lexists(directory) and not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            yield directory, f"is not ours to use, but {owner_of(directory)}'s"
    single = [store / name for name in ("HEAD", "config", "packed-refs", "shallow")]
    named = [ref for kind in refs for ref in kind.glob("*") if ref.suffix != ".lock"]
    for file in (*single, *packs.glob("*.idx"), *packs.glob("*.pack"), *named):
        if lexists(file) and not (file.is_file() and os.access(file, os.R_OK)):
            yield file, "is not a file that can be read"
    yield from ((ref, "does not name a commit") for ref in named if not _names_commit(ref))


def _names_commit(ref: Path) -> bool:
    return _REF.fullmatch(ref.read_bytes()) is not None


def _damaged_for_git(store: Store) -> str:
    indexes = sorted(str(one) for one in (store.path / "objects" / "pack").glob("*.idx"))
    questions = [
        ("config", "--list"),
        ("for-each-ref",),
        ("rev-list", "--objects", "--all", "--quiet"),
        *(("verify-pack", "--", index) for index in indexes),
    ]
    for question in questions:
        try:
            store.git(*question, more=_BARE)
        except GitFailed as failure:
            return failure.in_words()
    return ""
