"""Packs: what a target lacks of a release, as one file that is made once for all of them.

Targets of a fleet hold the same releases, so that they lack the same objects. `X.packs` beside the
publish repository `X.git` has a file `SHA256.pack` for each pair of a release that targets hold and
one that they are to get, and `NEW-OLD.json` that says which it is. Whatever is there may be
lost: it is made again. Who gets a pack trusts its hash, not its way.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sartoris import atomic
from sartoris.errors import SartorisError
from sartoris.git.command import Git
from sartoris.git.objects import held_objects, read_objects, write_thin_pack

VERSION = 1  # of the files that say which pack is what
_EVERYTHING = "all"  # in names, where the target holds nothing
# Releases of which packs are kept: those that are rolled out now, and a few to go back to.
KEPT = 5


@dataclass(frozen=True)
class Pack:
    """What brings a release to whoever holds the release commit `base`, "" for nothing at all."""

    path: Path
    base: str
    sha256: str
    size: int


class Carried(NamedTuple):
    """The commits that carry the histories of the submodules of a new release and of its base."""

    new: str = ""
    old: str = ""


class Packs:
    """The packs beside the publish repository at `repository`. Threads may ask at once."""

    def __init__(self, repository: Path) -> None:
        repository = repository.absolute()
        self._repository = repository
        self.directory = repository.with_name(f"{repository.name.removesuffix('.git')}.packs")
        self._git = Git(repository, git_dir=repository, environment={"GIT_NO_REPLACE_OBJECTS": "1"})
        self._here: dict[str, bool] = {}
        self._made: dict[tuple[str, str], Pack | None] = {}
        self._guard = threading.Lock()
        self._making: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def to(self, commit: str, held: Sequence[str]) -> Pack | None:
        """What brings the release `commit` to who holds the release commits `held`, newest first.

        It is made if it is not there. None where it cannot be made, for whatever reason.
        """
        with self._guard:
            pair = commit, self._base(held)
            making = self._making[pair]
        with making:
            made = self._made.get(pair)
            if pair not in self._made or (made and not made.path.exists()):
                self._made[pair] = made = self._have(*pair)
            return made

    def made_for(self, commit: str) -> list[Pack]:
        """Those that are there already, for whatever is held. Raises nothing."""
        found = []
        with suppress(OSError):
            for note in sorted(self.directory.glob(f"{commit}-*.json")):
                base = note.stem.partition("-")[2]
                pack, _ = self._noted(note.stem, "" if base == _EVERYTHING else base)
                if pack and pack.path.exists():
                    found.append(pack)
        return found

    def commits(self, releases: Iterable[str]) -> dict[str, str]:
        """The commits of those of the releases that are published. Raises nothing."""
        names = list(releases)
        try:
            found = read_objects(self._git, [f"refs/tags/{name}^{{commit}}" for name in names])
        except (SartorisError, OSError):
            return {}
        return {name: one.id for name, one in zip(names, found, strict=True) if one}

    def prune(self) -> None:
        """Remove the packs of all but the last few releases. Raises nothing.

        Whoever still wants one of them has it made again.
        """
        with suppress(OSError):
            self._prune()

    def _base(self, held: Sequence[str]) -> str:
        """The first of them that the publish repository has."""
        unknown = [commit for commit in held if commit not in self._here]
        if unknown:
            try:
                here = held_objects(self._git, unknown)
            except (SartorisError, OSError):
                return ""
            self._here.update({commit: commit in here for commit in unknown})
        return next((commit for commit in held if self._here[commit]), "")

    def _have(self, commit: str, base: str) -> Pack | None:
        name = f"{commit}-{base or _EVERYTHING}"
        try:
            self._make_directory()
            with self._alone(name):
                carried = self._submodules_of(commit, base)
                return self._remembered(name, base, carried) or self._make(
                    name, commit, base, carried
                )
        except (SartorisError, OSError):
            return None

    def _submodules_of(self, commit: str, base: str) -> Carried:
        """What carries the histories of the submodules of both releases.

        Where one of them ends early (a shallow clone), what brings them has to say so, and that is
        git: then they are not in the pack.
        """
        if (self._repository / "shallow").exists():
            return Carried()
        form = "--format=%(objectname) %(refname)"
        listed = self._git.lines("for-each-ref", form, "refs/tags", "refs/submodules")
        refs = {name: id_ for id_, _, name in (line.partition(" ") for line in listed)}
        found: dict[str, str] = {}
        for name, id_ in refs.items():
            carrier = refs.get(name.replace("refs/tags/", "refs/submodules/", 1))
            if name.startswith("refs/tags/") and carrier:
                found[id_] = carrier
        return Carried(found.get(commit, ""), found.get(base, ""))

    def _make_directory(self) -> None:
        with suppress(FileExistsError):
            self.directory.mkdir()
            shutil.copymode(self._repository, self.directory)  # its group's, or others' to read

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """No other process makes the pack of this name meanwhile."""
        with (self.directory / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remembered(self, name: str, base: str, carried: Carried) -> Pack | None:
        pack, has = self._noted(name, base)
        if pack is None or has != list(carried):
            return None
        # Once for a process: what a disk has spoiled would be sent to everybody, and refused.
        with suppress(OSError):
            if _digest(pack.path) == pack.sha256:
                os.utime(self.directory / f"{name}.json")  # it is in use
                return pack
        return None

    def _noted(self, name: str, base: str) -> tuple[Pack | None, Any]:
        """What a note says, if it is one, and which commits carry the submodules that are in it."""
        try:
            said = atomic.read_json(self.directory / f"{name}.json") or {}
        except ValueError:
            return None, None
        sha256, size = said.get("sha256"), said.get("size")
        if not isinstance(sha256, str) or not isinstance(size, int):
            return None, None
        pack = Pack(self.directory / f"{sha256}.pack", base, sha256, size)
        return pack, said.get("submodules", ["", ""])

    def _make(self, name: str, commit: str, base: str, carried: Carried) -> Pack:
        new = self.directory / f".{name}.new"
        new.unlink(missing_ok=True)  # of a process that was killed
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(new, flags, 0o666), "w+b") as file:
                wanted, held = (commit, carried.new), (base, carried.old)
                write_thin_pack(self._git, filter(None, wanted), filter(None, held), file)
                os.fsync(file.fileno())
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            pack = Pack(self.directory / f"{sha256}.pack", base, sha256, size)
            new.replace(pack.path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        said = {"version": VERSION, "from": base, "to": commit, "sha256": sha256, "size": size}
        atomic.write_json(self.directory / f"{name}.json", {**said, "submodules": list(carried)})
        return pack

    def _prune(self) -> None:
        files = sorted(
            self.directory.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True
        )
        releases = list(dict.fromkeys(file.name.partition("-")[0] for file in files))[:KEPT]
        kept: set[str] = set()
        everything = 0
        for file in files:
            release, _, base = file.stem.partition("-")
            everything += base == _EVERYTHING
            # They are large, and a target that holds nothing gets the newest release.
            if release in releases and not (base == _EVERYTHING and everything > 1):
                kept.add(f"{(atomic.read_json(file) or {}).get('sha256')}.pack")
                continue
            file.unlink(missing_ok=True)
            (self.directory / f".{file.stem}.lock").unlink(missing_ok=True)
        for pack in self.directory.glob("*.pack"):
            if pack.name not in kept:
                pack.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
