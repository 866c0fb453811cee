"""The object store of a repository."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Optional, Union

from sartoris.agent.errors import ERRORS, Failure, GitFailed
from sartoris.agent.files import create_anew, is_for_a_group, lexists, remove
from sartoris.agent.locks import locked
from sartoris.agent.order import Order
from sartoris.agent.packs import BadPack, Bring, Came, received
from sartoris.agent.parsing import without_password
from sartoris.agent.place import Place
from sartoris.agent.programs import Programs, inherited_environment, last_lines
from sartoris.agent.records import Records, Release

_PACKS_BEFORE_MAINTENANCE = 50

_SETTINGS = {
    "core.attributesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.checkStat": "default",
    "core.eol": "lf",
    "core.excludesFile": "/dev/null",
    "core.fileMode": "true",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.ignoreStat": "false",
    "core.sparseCheckout": "false",
    "core.splitIndex": "false",
    "core.symlinks": "true",
    "core.trustCtime": "true",
    "core.untrackedCache": "false",
    "fetch.unpackLimit": "1",  # keep the pack: half the CPU of unpacking it
    "gc.auto": "0",
    "i18n.commitEncoding": "UTF-8",
    "init.defaultBranch": "none",
    "init.defaultRefFormat": "files",
    "maintenance.auto": "false",
    "protocol.version": "2",
}
_FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
    "--no-recurse-submodules",
)


_NO_STORE = Path(os.devnull)

# The commands of which all output is read.
_WHOLE = (
    "cat-file",
    "check-attr",
    "check-ignore",
    "config",
    "diff",
    "ls-files",
    "ls-remote",
    "ls-tree",
)


class Store:
    """The bare object store of a repository. Its refs are the tags of the releases held.

    `packs`, where there is something that brings them, is asked before the order's url. `came` says
    which way the objects of the order's release came.
    """

    def __init__(
        self, place: Place, order: Order, programs: Programs, packs: Optional[Bring] = None
    ) -> None:
        self.place, self.order, self.programs = place, order, programs
        self._packs = packs
        self.came = Came()
        self.path = place.store
        self.ref = f"refs/tags/{order.release}"

    def git(
        self,
        *arguments: str,
        store: Optional[Path] = None,
        tree: Optional[Path] = None,
        index: Optional[Path] = None,
        shallow: Optional[Path] = None,
        more: Optional[Mapping[str, str]] = None,
        stdin: Union[bytes, int] = b"",
    ) -> bytes:
        """Run git on the store, where given with a work tree and index. Raises GitFailed.

        `shallow` is a file with the commits whose trees a fetch says that it has, `more` are
        variables of its environment.
        """
        environment = {
            **inherited_environment(),
            **(more or {}),
            "GIT_DIR": os.fspath(store or self.path),
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }
        if shallow is not None:
            environment["GIT_SHALLOW_FILE"] = os.fspath(shallow)
        if tree is not None and index is not None:
            environment["GIT_WORK_TREE"], environment["GIT_INDEX_FILE"] = str(tree), str(index)
            # What a tree looks like depends on the release only, not on this machine's settings.
            environment["GIT_CONFIG_NOSYSTEM"], environment["GIT_CONFIG_GLOBAL"] = "1", "/dev/null"
        return self._run(arguments, tree or self.place.own, environment, stdin)

    def _run(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        stdin: Union[bytes, int],
    ) -> bytes:
        settings = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        if is_for_a_group(self.place.own):
            settings += ["-c", "core.sharedRepository=group"]
        command = ["git", *settings, *arguments]
        whole = arguments[0] in _WHOLE
        try:
            code, output, errors = self.programs.run(
                command,
                cwd=cwd,
                environment=environment,
                tail=sys.maxsize if whole else 1 << 16,
                stdin=stdin,
                errors=subprocess.PIPE,
            )
        except FileNotFoundError:
            if shutil.which("git") is None:
                raise Failure("git-missing", ERRORS["git-missing"].meaning) from None
            raise
        if code != 0:
            raise GitFailed(arguments[0], code, last_lines(errors or output))
        return output

    def commit_of_ref(self) -> str:
        """The commit that the release's ref names, "" when there is no such ref."""
        try:
            value = (self.path / self.ref).read_text(encoding="ascii", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if value == self.order.commit:
            return value
        with contextlib.suppress(GitFailed):  # an annotated tag, most likely
            found = self.git("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}")
            return found.decode("ascii").strip()
        return ""

    def bring(self) -> None:
        """Have the release's commit here, under its ref. Raises Failure, GitFailed."""
        if self.commit_of_ref() == self.order.commit:
            return
        # Only this slot writes this ref, and nobody else has the slot's lock.
        (self.path / f"{self.ref}.lock").unlink(missing_ok=True)
        if any(record.commit == self.order.commit for record in self._held()):
            self._write_ref()  # the same once more: the order says which commit it is, not the url
            return
        began = time.monotonic()
        if self._brought(began):
            return
        before = self._pack_sizes()
        self._fetch()
        self._verify_commit()
        size = sum(self._pack_sizes().values()) - sum(before.values())
        seconds = time.monotonic() - began
        url, refused = without_password(self.order.url), self.came.refused
        self.came = Came("fetch", url, max(size, 0), seconds, refused)

    def _brought(self, began: float) -> bool:
        """Whether the release came as a pack. Raises Failure when there is no other way."""
        try:
            came = self._take_pack(self.path, [one.commit for one in self._bases()])
        except BadPack as why:
            self.came = Came(refused=why.refused)
            if self.order.url:
                return False
            raise Failure("fetch-failed", str(why)) from why
        except GitFailed:
            if self.order.url:  # whatever is wrong here, the fetch says it
                return False
            raise
        self._write_ref()
        self.came = came._replace(seconds=time.monotonic() - began)
        return True

    def _take_pack(self, store: Path, held: Sequence[str]) -> Came:
        """Have in the store what is brought to who holds these commits.

        Raises BadPack, GitFailed.
        """
        if self._packs is None:
            raise BadPack("the order has no url, and the release is not here yet")
        brought = self._packs(held)
        if brought is None:
            raise BadPack("the order has no url, and there is no pack of the release")
        if brought.base and brought.base not in held:
            # Whatever else it is, it would leave holes.
            raise BadPack(f"the pack is for who holds {brought.base}, which is not held here")
        here = self.place.own / f".pack-{self.order.slot}"
        with received(brought, here, self.programs) as pack:
            self.git("index-pack", "--stdin", "--fix-thin", store=store, stdin=pack)
        # As git's own fetch does: what is built on may be damaged.
        base = ["--not", brought.base] if brought.base else []
        try:
            self.git("rev-list", "--objects", "--quiet", self.order.commit, *base, store=store)
        except GitFailed:
            if not self._has_commit(store):
                raise BadPack(f"the pack does not bring {self.order.commit}") from None
            raise
        return Came("pack", brought.came_from, brought.size, refused=brought.refused)

    def _has_commit(self, store: Path) -> bool:
        with contextlib.suppress(GitFailed):
            self.git("cat-file", "-e", f"{self.order.commit}^{{tree}}", store=store)
            return True
        return False

    def _bases(self) -> list[Release]:
        """What a pack may build on, newest first: a release that holds as much as the new one."""
        real = self.order.submodules == "update"
        held = self._held()[::-1]
        return [one for one in held if not real or one.submodules == "update"]

    def _pack_sizes(self) -> dict[str, int]:
        with contextlib.suppress(OSError), os.scandir(self.path / "objects" / "pack") as found:
            return {one.name: one.stat().st_size for one in found if one.name.endswith(".pack")}
        return {}

    def _write_ref(self) -> None:
        """As git does, by renaming its lock."""
        lock = self.path / f"{self.ref}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        create_anew(lock, f"{self.order.commit}\n".encode("ascii"))
        lock.replace(self.path / self.ref)

    def _fetch(self) -> None:
        """Fetch what the newest release of the repository that is held does not have.

        Releases have no common history, so git would send everything again. It looks into the trees
        of what the other side has only if that side is shallow: so we say that we are.
        """
        fetch = ("--", self.order.url, f"+{self.ref}:{self.ref}")
        newest = self._newest()
        if newest is None:
            self.git(*_FETCH, *fetch)
            return
        shallow = self.place.own / f".shallow-{self.order.slot}"
        create_anew(shallow, self._shallow() + f"{newest.commit}\n".encode("ascii"))
        try:
            tip = f"--negotiation-tip=refs/tags/{newest.release}"
            self.git(*_FETCH, tip, *fetch, shallow=shallow)
        finally:
            shallow.unlink(missing_ok=True)

    def fetch_histories(self, url: str, refspecs: Sequence[str]) -> None:
        """Fetch commits with their histories, as far as the other side has them."""
        newest = self._newest()
        ref = f"refs/submodules/{newest.release}" if newest else ""
        tip = [f"--negotiation-tip={ref}"] if ref and (self.path / ref).is_file() else []
        self.git(*_FETCH, "--update-shallow", *tip, "--", url, *refspecs)

    def _shallow(self) -> bytes:
        """The commits at which the histories of submodules end here, a line each."""
        try:
            return (self.path / "shallow").read_bytes()
        except FileNotFoundError:
            return b""

    def _newest(self) -> Optional[Release]:
        held = self._held()
        return held[-1] if held else None

    def _held(self) -> list[Release]:
        """The repository's releases whose commits are here, oldest first."""
        return [
            record
            for record in Records(self.place, self.order).releases()
            if record.repository == self.order.repository
            and (self.path / "refs" / "tags" / record.release).is_file()
        ]

    def _verify_commit(self) -> None:
        found = self.commit_of_ref()
        if found == self.order.commit:
            return
        (self.path / self.ref).unlink(missing_ok=True)
        message = f"{self.order.release} is {found or 'no commit'} in the publish repository, "
        raise Failure("wrong-commit", f"{message}the order says {self.order.commit}")

    def make(self) -> None:
        """Have a store, which may be empty. The rename makes a half-made one impossible."""
        if lexists(self.path):
            return
        with self._alone():
            if not lexists(self.path):
                self._new().rename(self.path)

    def _new(self) -> Path:
        new = self.path.with_name(f"{self.path.name}.new")
        if lexists(new):
            self.place.throw_away(new)
        kind = "sha256" if len(self.order.commit) == 64 else "sha1"
        options = ("--quiet", "--bare", "--template=", f"--object-format={kind}")
        self.git("init", *options, store=new)
        return new

    def unlock(self) -> None:
        """Remove what a git that was killed has left, and what stops every other one."""
        if any(self.path.glob("*.lock")):
            with self._alone():
                for lock in list(self.path.glob("*.lock")):
                    remove(lock)

    def rebuild(self, also: Iterable[str]) -> None:
        """Replace the store by one fetched anew: the release, and of `also` what the url has."""
        if not self.order.url:
            self._rebuild_from_pack()
            return
        kinds = ("tags", "submodules") if self.order.submodules == "update" else ("tags",)
        names = {self.order.release, *also}
        wanted = {f"refs/{kind}/{name}" for kind in kinds for name in names}
        with self._alone():
            refs = wanted & self.published(sorted(wanted))
            new = self._new()
            specs = [f"+{ref}:{ref}" for ref in sorted(refs)]
            self.git(*_FETCH, "--update-shallow", "--", self.order.url, *specs, store=new)
            if lexists(self.path):
                self.place.throw_away(self.path)
            new.rename(self.path)

    def _rebuild_from_pack(self) -> None:
        """With this release alone: what is brought knows no others."""
        with self._alone():
            new = self._new()
            try:
                self._take_pack(new, ())
            except BadPack as why:
                raise Failure("fetch-failed", str(why)) from why
            if lexists(self.path):
                self.place.throw_away(self.path)
            new.rename(self.path)
            self._write_ref()

    @property
    def has_a_way(self) -> bool:
        """Whether there is anywhere that objects can come from."""
        return bool(self.order.url) or self._packs is not None

    def published(self, refs: Sequence[str]) -> set[str]:
        """Which of the refs the order's url has. Raises GitFailed when it does not answer.

        Asked from outside of the store: where that is damaged, the url is not to blame.
        """
        ask = ("ls-remote", "--quiet", "--", self.order.url, *refs)
        answer = self.git(*ask, store=_NO_STORE).decode("latin-1")
        return {line.partition("\t")[2] for line in answer.split("\n")} & set(refs)

    def tidy(self, kept: set[str]) -> None:
        """Remove refs of releases that are gone, and what a killed git left; not while in use."""
        with locked(self.place.store_lock, fcntl.LOCK_EX, 0) as lock:
            if lock is None:
                return
            for kind in ("tags", "submodules", "internal"):
                for ref in (self.path / "refs" / kind).glob("*"):
                    if ref.name not in kept:
                        ref.unlink(missing_ok=True)
            for left in (self.path / "objects" / "pack").glob("tmp_*"):
                left.unlink(missing_ok=True)

    def maintain(self) -> None:
        """Start `git gc` when packs have piled up. It goes to the background: nobody waits."""
        packs = os.listdir(self.path / "objects" / "pack")  # noqa: PTH208 - two hundred Path objects
        if sum(name.endswith(".pack") for name in packs) <= _PACKS_BEFORE_MAINTENANCE:
            return
        settings = {
            **_SETTINGS,
            "gc.auto": "6700",
            "gc.autoPackLimit": str(_PACKS_BEFORE_MAINTENANCE),
            "gc.autoDetach": "true",
            # Refs stay files, which `commit_of_ref` and `tidy` read and remove without git.
            "gc.packRefs": "false",
            # Not "now": a fetch that runs meanwhile may just have come to need an object again.
            "gc.pruneExpire": "1.day.ago",
        }
        command = [*(() if shutil.which("nice") is None else ("nice", "-n", "19")), "git"]
        command += [part for item in settings.items() for part in ("-c", "=".join(item))]
        self.programs.run(
            [*command, "gc", "--auto", "--quiet"],
            cwd=self.path,
            environment={**inherited_environment(), "GIT_DIR": os.fspath(self.path)},
            hold_lock=False,
        )

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Nobody deletes refs, or replaces the store, while this lasts."""
        with locked(self.place.store_lock, fcntl.LOCK_SH, self.programs.left()) as lock:
            if lock is None:
                raise Failure("busy", f"the object store of {self.order.repository} is locked")
            yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self.place.store_lock, fcntl.LOCK_EX, self.programs.left()) as lock:
            if lock is None:
                raise Failure("busy", f"the object store of {self.order.repository} is in use")
            yield
