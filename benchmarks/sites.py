"""A site to deploy: an origin of made-up files, submodules, and changes to them.

The same seed makes the same site, so that two runs of the benchmark measure the same work.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.programs import git, git_text

WORDS = [
    *("function", "return", "array", "title", "user", "page", "request", "context", "config"),
    *("foreach", "message", "revision", "database", "select", "where", "cache", "link", "output"),
    *("parser", "hook", "special", "namespace", "section", "value"),
]
SUBMODULE_FILES = 10
EDITED_LINES = 3


@dataclass(frozen=True)
class Size:
    """How large a site is, and how large each of its changes.

    Each change edits the same files, or, if `scattered`, others every time. That matters to a tree
    that is brought forward by several releases at once.
    """

    files: int = 8000
    changed: int = 200
    scattered: bool = False
    submodules: int = 0
    moved: int = 5

    @property
    def name(self) -> str:
        submodules = f", {self.submodules} submodules" if self.submodules else ""
        moved = f", {self.moved} submodules moved" if self.submodules else ""
        which = f"{self.changed} files{', others every time' if self.scattered else ''}"
        return f"{self.files:,} files{submodules}; change: {which}{moved}"


@dataclass
class Site:
    """An origin at `place`/origin.git; `advance` pushes one more change to its branch `main`."""

    place: Path
    size: Size
    random: random.Random = field(default_factory=lambda: random.Random(20261123))
    lines: dict[str, list[str]] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.place / "origin.git"

    def create(self) -> None:
        for module in self._modules():
            _new_repository(module)
            names = [f"{module.stem}/file{number}.php" for number in range(SUBMODULE_FILES)]
            _commit(module, self._contents(names), first=True)
        _new_repository(self.origin)
        files = {**self._contents(self._names()), **self._gitmodules()}
        _commit(self.origin, files, links=self._links(self._modules()), first=True)

    def advance(self) -> None:
        """One more commit: `changed` files, and `moved` submodules with a new commit each."""
        moved = self.random.sample(
            list(self._modules()), min(self.size.moved, self.size.submodules)
        )
        for module in moved:
            name = f"{module.stem}/file{self.random.randrange(SUBMODULE_FILES)}.php"
            _commit(module, self._contents([name]))
        _commit(self.origin, self._contents(self._chosen()), links=self._links(moved))

    def _chosen(self) -> Sequence[str]:
        names = list(self._names())
        if self.size.scattered:
            return self.random.sample(names, self.size.changed)
        return names[:: self.size.files // self.size.changed][: self.size.changed]

    def _names(self) -> Iterator[str]:
        for number in range(self.size.files):
            yield f"includes/part{number % 20}/group{number // 20 % 20}/Class{number}.php"

    def _modules(self) -> Iterator[Path]:
        for number in range(self.size.submodules):
            yield self.place / "modules" / f"Extension{number}.git"

    def _contents(self, names: Iterable[str]) -> dict[str, bytes]:
        return {name: self._content(name) for name in names}

    def _content(self, name: str) -> bytes:
        """A new file of 0.4 to 9 kB that compresses as source code does, or the old one, edited."""
        lines = self.lines.get(name)
        if lines is None:
            length = int(min(240, max(10, self.random.lognormvariate(4, 0.8))))
            lines = self.lines[name] = [self._line() for _ in range(length)]
        for _ in range(EDITED_LINES):
            lines[self.random.randrange(len(lines))] = self._line()
        return "".join(lines).encode()

    def _line(self) -> str:
        words = self.random.choices(WORDS, k=5)
        return f"\t{' '.join(words)} {self.random.randrange(1000)};\n"

    def _gitmodules(self) -> dict[str, bytes]:
        if not self.size.submodules:
            return {}
        sections = (
            f'[submodule "{_path_of(module)}"]\n\tpath = {_path_of(module)}\n\turl = {module}\n'
            for module in self._modules()
        )
        return {".gitmodules": "".join(sections).encode()}

    def _links(self, modules: Iterable[Path]) -> dict[str, str]:
        return {_path_of(module): git_text(module, "rev-parse", "main") for module in modules}


def _path_of(module: Path) -> str:
    return f"extensions/{module.stem}"


def _new_repository(path: Path) -> None:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")


def _commit(
    repository: Path,
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    first: bool = False,
) -> None:
    """Add a commit to `main` as a push would: one more pack."""
    parent = b"" if first else b"from refs/heads/main^0\n"
    stream = [b"commit refs/heads/main\n", b"committer A Deployer <deployer@example.org> now\n"]
    stream += [b"data 6\nchange\n", parent]
    for name, content in files.items():
        stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content))
    for name, commit in (links or {}).items():
        stream.append(b"M 160000 %s %s\n" % (commit.encode(), name.encode()))
    settings = ("-c", "fastimport.unpackLimit=0")
    git(
        repository, *settings, "fast-import", "--quiet", "--date-format=now", stdin=b"".join(stream)
    )


def targets_of(place: Path, count: int) -> Sequence[tuple[str, Path]]:
    """Names and roots of `count` local targets in `place`."""
    return [(f"web{number}", place / f"web{number}") for number in range(1, count + 1)]
