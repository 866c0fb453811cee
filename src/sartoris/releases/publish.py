"""The publish repository: the bare repository from which targets fetch releases.

It holds the commits of releases with all their objects and none of the history before them:
composed ones or, where submodules are not composed, with the source's own tree. For real submodules
on the targets `refs/submodules/TAG` brings their commits. Objects are written first and
the tag last, so a release that can be seen is complete. Whoever calls anything here that writes
holds the rollout's lock: writers are one at a time, readers any number.

Beside what git keeps, the directory `sartoris` in it holds `composed`, what was composed from what,
and while something is composed a small repository `new-*`, whose objects may yet be thrown away.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sartoris import atomic
from sartoris.errors import Refused
from sartoris.git.command import Git
from sartoris.git.objects import (
    COMPRESS,
    added_objects,
    empty_tree,
    held_objects,
    read_objects,
    write_commit,
    write_pack,
)
from sartoris.git.partial import bring_missing, is_partial
from sartoris.releases.compose import Composed, Composer, Part, composed_commit, source_of, tree_of
from sartoris.releases.links import Link, links
from sartoris.releases.packs import Packs
from sartoris.releases.quarantine import Quarantine
from sartoris.releases.soundness import damage
from sartoris.releases.submodule_refs import SubmoduleRefs, pack_bundle, write_bundle

# Each release adds a pack, and a fetch opens them all.
PACK_LIMIT = 50
# Enough for the submodules of a large site in several slots, small enough to read in a few ms.
REMEMBERED = 5000
# The release published last: most of the next one is in it.
LAST = "refs/sartoris/last"
# The bundle published last: it has what the histories of submodules were then.
LAST_BUNDLE = "refs/sartoris/last-submodules"
SETTINGS = {
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
    # Composed trees that no release has for the moment are still the next one's starting point.
    "gc.pruneExpire": "never",
    "transfer.hideRefs": "refs/sartoris",
    # Deltas are looked for once, when a pack is written, and not again for each target: that was
    # half the work of a fetch, and what they would save is small where targets are near.
    "pack.window": "0",
    "uploadpack.allowFilter": "true",
}


Submodules = Literal["compose", "update", "none"]


@dataclass(frozen=True)
class Release:
    """A release as published. `source` and `commit` are full ids of the source and its own commit.

    `size` is how many bytes a target needs at most to fetch it.
    """

    tag: str
    source: str
    commit: str
    size: int


class NoPlace(Refused):
    """Something else stands where the publish repository belongs."""


class PublishRepository:
    """The publish repository at `path`, with the releases of the working repository `source`.

    The directory of `source` is the top of its work tree. `submodules` says what becomes of them in
    the releases published from now on.
    """

    def __init__(self, path: Path, source: Git, submodules: Submodules = "compose") -> None:
        path = path.absolute()
        self._submodules = submodules
        self._path = path
        self._source = source
        self._objects = path / "objects"
        self._work = path / "sartoris"
        self._git = Git(path, git_dir=path, environment={"GIT_NO_REPLACE_OBJECTS": "1"})
        self._cache = ComposeCache(self._work / "composed")

    def prepare(self) -> None:
        """Create the repository if it is not there, and clear up after a crash or many releases.

        Raises `Refused` when something else is in its place.
        """
        if not (self._path / "HEAD").is_file():
            self._create()
        self._make_work()
        self._clear_leftovers()
        Packs(self._path).prune()
        if len(list((self._objects / "pack").glob("*.pack"))) > PACK_LIMIT:
            # Joins small packs and leaves large ones alone, so it stays cheap; drops no object.
            self._git.run("repack", "--quiet", COMPRESS, "--geometric=2", "-d")
            self._git.run("pack-refs", "--all")

    def compose(self, source_commit: str) -> str:
        """Make a release's commit from a source commit, given by its full id; return the new id.

        Afterwards all its objects are here, but no ref names it. Raises `SubmoduleNotCheckedOut`,
        `SubmoduleCommitMissing`, `ObjectsMissing` or `Refused`, and then nothing has changed.
        """
        if is_partial(self._source_repository):
            bring_missing(self._source, source_commit)
        if self._submodules == "update":
            self._bundle(source_commit)
        return self._compose(source_commit) if self._composes else self._plain(source_commit)

    def links(self, commit: str) -> list[Link]:
        """The symbolic links of a release that was composed here."""
        return links(self._git, commit)

    @property
    def _composes(self) -> bool:
        return self._submodules == "compose"

    def _compose(self, source_commit: str) -> str:
        before = self._cache.commits([source_commit]).get(source_commit)
        if before and held_objects(self._git, [before]):
            return before
        with self._quarantine() as quarantine:
            composer = Composer(self._source.directory, quarantine, self._composed_before)
            composed = composer.compose(source_commit)
            self._take_in(composed.commit, composed.tree, quarantine.git)
        self._cache.add(composed)
        return composed.commit

    def _plain(self, source_commit: str) -> str:
        """A commit with the source's own tree, and without its parents."""
        with self._quarantine() as quarantine:
            source = read_objects(quarantine.git, [f"{source_commit}^{{commit}}"])[0]
            if source is None:
                raise Refused(f"{source_commit} is not a commit of {self._source.directory}")
            tree = tree_of(source.content)
            content = composed_commit(source.id, source.content, tree)
            commit = write_commit(quarantine.git, content)
            if not held_objects(self._git, [commit]):
                self._take_in(commit, tree, quarantine.git)
        return commit

    def _bundle(self, source_commit: str) -> str:
        """Have the submodules' commits here; the id of their bundle, "" when there are none."""
        with self._quarantine() as quarantine:
            commits = SubmoduleRefs(self._source.directory, quarantine).commits(source_commit)
            if not commits:
                return ""
            bundle = write_bundle(quarantine.git, commits, like=source_commit)
            if not held_objects(self._git, [bundle]):
                self._take_in_histories(bundle, commits, quarantine)
        return bundle

    def _take_in_histories(
        self, bundle: str, commits: Sequence[str], quarantine: Quarantine
    ) -> None:
        held = held_objects(self._git, commits)
        last = self._resolve(LAST_BUNDLE)
        known = [*held, last] if last else list(held)
        pack_bundle(quarantine.git, bundle, known, self._objects / "pack")
        _flush(self._objects / "pack")
        # A shallow submodule: its history ends there, for the targets too.
        ends = held_objects(self._git, quarantine.shallow())
        if ends:
            text = "".join(f"{commit}\n" for commit in sorted(ends))
            atomic.write_text(self._path / "shallow", text)

    def publish(self, tag: str, source_commit: str) -> Release:
        """Make the release `tag` from a commit, given by its full id.

        Doing so again changes nothing. Raises what `compose` raises, and `Refused` when the tag is
        another commit's release or cannot be a tag.
        """
        found = self.find(tag)
        if found is not None and found.source == source_commit:
            self._complete(found)
            return found
        if found is not None:
            raise Refused(f"{tag} is published already, for {found.source} and not {source_commit}")
        if not self._git.succeeds("check-ref-format", _ref(tag)):
            raise Refused(f"{tag!r} cannot be the name of a tag")
        bundled = self._bundled(tag, source_commit)
        commit = self._compose(source_commit) if self._composes else self._plain(source_commit)
        with suppress(FileNotFoundError, NotADirectoryError):  # left by an update that was killed
            (self._path / f"{_ref(tag)}.lock").unlink()
        updates = f"create {_ref(tag)} {commit}\nupdate {LAST} {commit}\n"
        self._git.run("update-ref", "--stdin", stdin=os.fsencode(bundled + updates))
        return Release(tag, source_commit, commit, self._size())

    def _bundled(self, tag: str, source_commit: str) -> str:
        """What `git update-ref --stdin` has to do for the submodules of a release."""
        bundle = self._bundle(source_commit) if self._submodules == "update" else ""
        return (
            f"update {_bundle_ref(tag)} {bundle}\nupdate {LAST_BUNDLE} {bundle}\n" if bundle else ""
        )

    def _complete(self, release: Release) -> None:
        """Carry the submodules of a release that was published when they were left out.

        Raises `Refused` when it has real ones, which targets would now leave empty.
        """
        has_bundle = self._resolve(_bundle_ref(release.tag)) is not None
        if self._submodules == "update" and not has_bundle:
            bundled = self._bundled(release.tag, release.source)
            self._git.run("update-ref", "--stdin", stdin=os.fsencode(bundled))
        elif self._submodules != "update" and has_bundle:
            raise Refused(
                f"{release.tag} was published with deploy.submodules = update, which is now"
                f" {self._submodules}: targets would leave its submodules empty",
                next_steps=["git config deploy.submodules update"],
            )

    def find(self, tag: str) -> Release | None:
        """The release `tag`, if it is published."""
        commit = self._resolve(_ref(tag))
        found = read_objects(self._git, [commit])[0] if commit else None
        source = source_of(found.content) if found else None
        if found is None or source is None:
            return None
        return Release(tag, source, found.id, self._size())

    def make_anew(self) -> Path:
        """Put the repository aside, and make an empty one in its place; where the old one is now.

        What a site has set up there for those who fetch stays, as far as it can be read.
        """
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.rename(aside)
        self.prepare()
        shutil.copymode(aside, self._path)
        for name in ("hooks", "git-daemon-export-ok", "description"):
            if (aside / name).is_dir():
                shutil.copytree(aside / name, self._path / name, dirs_exist_ok=True)
            elif (aside / name).is_file():
                shutil.copy2(aside / name, self._path / name)
        ours = (self._path / "config").read_bytes()
        if self._source.succeeds("config", "--file", str(aside / "config"), "--get", "core.bare"):
            shutil.copy2(aside / "config", self._path / "config")
        if damage(self._path):  # by that very file
            (self._path / "config").write_bytes(ours)
        return aside

    def _create(self) -> None:
        if self._path.exists() and (not self._path.is_dir() or any(self._path.iterdir())):
            raise NoPlace(
                f"the publish repository {self._path} is not a git repository, and not empty",
                next_steps=["git config deploy.publish-dir DIRECTORY"],
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        hash_name = self._source.text("rev-parse", "--show-object-format")
        beside = f".{self._path.name}.new-"
        for leftover in self._path.parent.glob(f"{beside}*"):
            shutil.rmtree(leftover)
        # Named only when it is whole: half a repository would be there for ever after a crash.
        new = Path(tempfile.mkdtemp(prefix=beside, dir=self._path.parent)) / "git"
        init = (
            "init",
            "--quiet",
            "--bare",
            "--template=",
            f"--object-format={hash_name}",
            str(new),
        )
        self._source.run(*init)
        for key, value in SETTINGS.items():
            Git(new, git_dir=new).run("config", key, value)
        new.rename(self._path)
        new.parent.rmdir()

    def _make_work(self) -> None:
        """Have our own directory. What is in it can be lost, so what is damaged there goes."""
        if not self._work.is_dir():
            self._work.unlink(missing_ok=True)
            self._work.mkdir()
        self._cache.clear_the_way()

    def _clear_leftovers(self) -> None:
        for directory in self._work.glob("new-*"):
            shutil.rmtree(directory)
        for pattern in ("tmp_*", ".tmp-*"):
            for file in (self._objects / "pack").glob(pattern):
                file.unlink(missing_ok=True)
        for lock in (f"{LAST}.lock", "packed-refs.lock"):
            (self._path / lock).unlink(missing_ok=True)

    @property
    def _source_repository(self) -> Path:
        asked = ("rev-parse", "--path-format=absolute", "--git-common-dir")
        return Path(self._source.text(*asked))

    @contextmanager
    def _quarantine(self) -> Iterator[Quarantine]:
        where = ("rev-parse", "--path-format=absolute", "--git-path", "objects")
        source_objects = Path(self._source.text(*where))
        with tempfile.TemporaryDirectory(prefix="new-", dir=self._work) as directory:
            quarantine = Quarantine(self._git, Path(directory))
            quarantine.read_also([source_objects])
            quarantine.read_history([self._objects])
            yield quarantine

    def _take_in(self, commit: str, tree: str, everything: Git) -> None:
        """Copy what this repository does not have of a release's commit, as one pack."""
        last = self._resolve(LAST)
        old = last or empty_tree(tree)
        names = added_objects(everything, old, tree)
        names |= {tree: b"", commit: b""}
        # Another slot's releases may have what the last release does not.
        held = held_objects(self._git, names) if last else set()
        missing = [id_ for id_ in names if id_ not in held]
        if missing:
            write_pack(everything, missing, self._objects / "pack")
            _flush(self._objects / "pack")

    def _composed_before(self, commits: Sequence[str]) -> Mapping[str, Part]:
        parts = self._cache.parts(commits)
        held = held_objects(self._git, (part.tree for part in parts.values()))
        return {commit: part for commit, part in parts.items() if part.tree in held}

    def _resolve(self, ref: str) -> str | None:
        if not self._objects.is_dir():
            return None
        found = self._git.run("show-ref", "--verify", "--hash", ref, check=False)
        return found.text if found.ok else None

    def _size(self) -> int:
        return sum(
            (Path(directory) / name).lstat().st_size
            for directory, _, names in os.walk(self._objects)
            for name in names
        )


class ComposeCache:
    """What was composed from what, in a file that may be lost or old but never wrong.

    Each line is a kind, a commit, and what was composed from it: `release` for source commits, and
    `part` for commits of submodules, with the places of those inside, in hexadecimal. The newest
    lines are last. Without places, `commit` and `tree` are an earlier version's.
    """

    _LINE = re.compile(
        r"^(release|part) ([0-9a-f]{40,64}) ([0-9a-f]{40,64})((?: (?:[0-9a-f]{2})+)*)\n",
        re.MULTILINE,
    )

    def __init__(self, path: Path) -> None:
        self._path = path

    def commits(self, sources: Iterable[str]) -> dict[str, str]:
        return {source: one.tree for source, one in self._recall("release", sources).items()}

    def parts(self, submodule_commits: Iterable[str]) -> dict[str, Part]:
        return self._recall("part", submodule_commits)

    def add(self, composed: Composed) -> None:
        now = {("part", commit): part for commit, part in composed.submodules.items()}
        now["release", composed.source] = Part(composed.commit)
        older = {key: value for key, value in self._read().items() if key not in now}
        lines = [
            f"{' '.join((kind, key, one.tree, *(place.hex() for place in one.places)))}\n"
            for (kind, key), one in (older | now).items()
        ]
        atomic.write_text(self._path, "".join(lines[-REMEMBERED:]))

    def clear_the_way(self) -> None:
        """Remove what stands in the file's place and is none, as a disk that was repaired leaves
        it.
        """
        if self._path.is_dir():
            shutil.rmtree(self._path)

    def _recall(self, kind: str, commits: Iterable[str]) -> dict[str, Part]:
        known = self._read()
        return {commit: known[kind, commit] for commit in commits if (kind, commit) in known}

    def _read(self) -> dict[tuple[str, str], Part]:
        try:
            text = self._path.read_text("ascii", "replace")
        except FileNotFoundError:
            return {}
        return {
            (kind, key): Part(value, tuple(bytes.fromhex(place) for place in places.split()))
            for kind, key, value, places in self._LINE.findall(text)
        }


def _ref(tag: str) -> str:
    return f"refs/tags/{tag}"


def _bundle_ref(tag: str) -> str:
    return f"refs/submodules/{tag}"


def _flush(directory: Path) -> None:
    """Make the names of new files durable; git does so for what is in them."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
