"""The pages of the documentation, where they are installed or in the source tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sartoris

_PACKAGE = Path(sartoris.__file__).parent
_SOURCE = _PACKAGE.parents[1]
_ENTRY = re.compile(r"- \[([\w-]+)\.md\]\(\1\.md\): (.*)")


class Topic(NamedTuple):
    """A page, what it is about, and for whom it is, as the index has it."""

    name: str
    about: str
    readers: str


def directory() -> Path:
    """Where the pages are: in the package, or beside it where that is the source tree."""
    inside = _PACKAGE / "docs"
    return inside if inside.is_dir() else _SOURCE / "docs"


def topics() -> list[Topic]:
    """All pages of the index, docs/README.md, in its order."""
    return list(_entries((directory() / "README.md").read_text(encoding="utf-8")))


def _entries(index: str) -> Iterator[Topic]:
    readers = ""
    for line in index.splitlines():
        if line.startswith("For "):
            readers = line
        elif found := _ENTRY.fullmatch(line):
            about = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[2])
            yield Topic(found[1], about.replace("`", ""), readers)


def page(name: str) -> str:
    """The text of a topic."""
    return (directory() / f"{name}.md").read_text(encoding="utf-8")


def manual_page() -> Path | None:
    """The file of git-deploy(1), wherever `git-deploy` was linked from; None if there is none.

    man looks for it beside the directories in PATH, and so misses it where those have a link only.
    """
    from importlib import metadata

    inside_source = _SOURCE / "share" / "man" / "man1" / "git-deploy.1"
    if inside_source.exists():
        return inside_source
    try:
        installed = metadata.distribution("sartoris").files or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(one.locate())) for one in installed if one.name == "git-deploy.1")
    return next((path.resolve() for path in found if path.exists()), None)
