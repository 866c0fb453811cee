"""Submodules of a working repository: what is recorded, what is checked out, what moved.

A submodule's repository is found through its place in the work tree, by reading files: with a
hundred submodules, a git process for each would cost more than everything else in a sync.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from sartoris.git.command import Git
from sartoris.git.objects import changed_gitlinks, outline

# Whatever `submodule.NAME.update` and `submodule.active` say, a release is complete: the path and
# --checkout reach those that a plain update passes over. Inside others there is no path to give.
_UPDATE = ("submodule", "update", "--init", "--recursive", "--checkout")
UPDATE_COMMAND = " ".join(("git", *_UPDATE, "."))


class Submodules:
    """The submodules of the repository that `git` works in; its directory is the work tree's top.

    Paths are text with undecodable bytes escaped (`os.fsdecode`), relative to that top.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._top = git.directory.absolute()

    def paths(self, commit: str) -> list[tuple[str, str]]:
        """The gitlinks of a commit, not of its submodules: (path, recorded commit)."""
        return _gitlinks(self._git, commit)

    def out_of_date(self) -> list[str]:
        """Submodules that are not checked out, or whose HEAD is not the recorded commit.

        Recorded is what HEAD records, and for submodules inside a submodule what that one's commit
        records. Submodules inside one that is itself out of date are not looked at.
        """
        return self._out_of_date(self._git, inside="")

    def checked_out(self) -> Iterator[tuple[str, Path]]:
        """Those that are checked out, at any depth, with their repositories."""
        yield from self._checked_out(self._git, inside="")

    def parts(self) -> Iterator[tuple[str, Submodules]]:
        """Those that are checked out, each with its own submodules."""
        for path, _ in self.paths("HEAD"):
            repository = git_directory(self._top, path)
            if repository is not None:
                yield path, Submodules(Git(self._top / path, git_dir=repository))

    def changed(self) -> list[str]:
        """Submodules, at any depth, with uncommitted changes or untracked files.

        One whose checkout was killed is among them, although its HEAD may be the recorded commit.
        """
        return self._changed(self._git, inside="")

    def recorded(self, commit: str, path: str) -> str | None:
        """What `commit`, and the commits it records on the way to `path`, record for that one.

        None where there is no such submodule, or a commit is not there to be read.
        """
        for link, at in known_gitlinks(self._git, commit):
            if link == path:
                return at
            if path.startswith(f"{link}/"):
                return Submodules(Git(self._top / link)).recorded(at, path.removeprefix(f"{link}/"))
        return None

    def gone(self, old: str, new: str) -> list[str]:
        """Submodules, at any depth, that `old` has and `new` has not, and that are checked out;
        those too in whose place `new` has another one.

        git leaves their files where they are. Nothing is said of what is inside one that is gone.
        """
        return self._gone(self._git, old, new, inside="")

    def remove(self, path: str) -> bool:
        """Remove what is checked out of a submodule; its repository stays. Whether that was done.

        Only if that repository, and those inside, are where git puts those of submodules, and no
        file in the place is of the repository around it. Files that it ignores are removed, too.
        """
        place = self._top / path
        if not is_in_modules(self._git, place) or _holds_repository(place):
            return False
        asked = ("--literal-pathspecs", "ls-files", "--stage", "-z", "--", place.name)
        there = Git(place.parent).run(*asked)
        if any(not entry.startswith("160000 ") for entry in there.records):
            return False
        remove_place(self._top, path)
        return True

    def not_allowed(self) -> str:
        """The URL of a submodule that is on this machine, if git takes none from there; else "".

        By itself git does not, since 2.38.1.
        """
        allowed = ("config", "--get", "protocol.file.allow")
        if self._git.run(*allowed, check=False).text == "always" or _protocols_are_named():
            return ""
        urls = ("config", "-z", "--get-regexp", r"^submodule\..*\.url$")
        values = (one.partition("\n")[2] for one in self._git.run(*urls, check=False).records)
        return next((url for url in values if url.startswith(("/", "./", "../", "file://"))), "")

    def update(self, fetch: bool, *, force: bool = False) -> None:
        """Check out the recorded commit of every submodule, at any depth.

        With `fetch` False nothing is fetched into a repository that is already here; a missing
        one is still cloned. With `force` uncommitted changes are lost. What `.gitmodules` does not
        know stays as it is. Raises `GitFailed`.
        """
        options = [] if fetch else ["--no-fetch"]
        options += ["--force"] if force else []
        unknown, git = set(self.unknown()), self._git
        if not unknown:
            git.reach(*_UPDATE, *options, "--", ".")
        elif known := [path for path, _ in self.paths("HEAD") if path not in unknown]:
            git.reach("--literal-pathspecs", *_UPDATE, *options, "--", *known)

    def unknown(self) -> list[str]:
        """The gitlinks of HEAD that `.gitmodules` does not know: git cannot tell where they are
        from, and refuses to update any submodule because of one.
        """
        links = [path for path, _ in self.paths("HEAD")]
        asked = ("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
        listed = self._git.run(*asked, check=False).records if links else []
        known = {record.partition("\n")[2] for record in listed}
        return [path for path in links if path not in known]

    def unknown_and_empty(self) -> list[str]:
        """Those of them that nobody has put there by hand, either."""
        return [path for path in self.unknown() if git_directory(self._top, path) is None]

    def log(self, path: str, old: str, new: str) -> list[str] | None:
        """The subjects of the commits in `new` and not in `old`, newest first.

        None when that cannot be known here: the submodule is not checked out, or lacks a commit.
        """
        repository = git_directory(self._top, path)
        if repository is None:
            return None
        git = Git(self._top, git_dir=repository)
        subjects = git.run("log", "--format=%s", f"{old}..{new}", "--", check=False)
        return subjects.lines if subjects.ok else None

    def _gone(self, git: Git, old: str, new: str, inside: str) -> list[str]:
        found: list[str] = []
        for link, commit in changed_gitlinks(git, old, new):
            path = f"{inside}{os.fsdecode(link.path)}"
            if git_directory(self._top, path) is None:
                continue
            if commit and not self._is_another(git, old, new, os.fsdecode(link.path)):
                found += self._gone(Git(self._top / path), link.commit, commit, f"{path}/")
            else:
                found.append(path)
        return found

    def _checked_out(self, git: Git, inside: str) -> Iterator[tuple[str, Path]]:
        for name, _ in _gitlinks(git, "HEAD"):
            path = f"{inside}{name}"
            repository = git_directory(self._top, path)
            if repository is None:
                continue
            yield path, repository
            if (self._top / path / ".gitmodules").is_file():
                yield from self._checked_out(Git(self._top / path, git_dir=repository), f"{path}/")

    def _is_another(self, git: Git, old: str, new: str, path: str) -> bool:
        """Whether `new` has another submodule at the path than is checked out there."""
        from sartoris.git.submodule_urls import names_by_path

        before, now = names_by_path(git, old).get(path), names_by_path(git, new).get(path)
        if before is None or now is None or before == now:
            return False
        its_own = git.text("rev-parse", "--path-format=absolute", "--git-path", f"modules/{now}")
        repository = gitdir_file(git.directory / path / ".git")
        return repository is not None and repository.resolve() != Path(its_own).resolve()

    def _changed(self, git: Git, inside: str) -> list[str]:
        found: list[str] = []
        touched = _changes(git, "--ignore-submodules=none")
        for name, _ in _gitlinks(git, "HEAD") if touched else []:
            path = f"{inside}{name}"
            if name not in touched or git_directory(self._top, path) is None:
                continue
            submodule = Git(self._top / path)
            found += [path] if _changes(submodule, "--ignore-submodules=all") else []
            found += self._changed(submodule, f"{path}/")
        return found

    def _out_of_date(self, git: Git, inside: str) -> list[str]:
        stale: list[str] = []
        for name, recorded in _gitlinks(git, "HEAD"):
            path = f"{inside}{name}"
            repository = git_directory(self._top, path)
            if repository is None or head_commit(repository) != recorded:
                stale.append(path)
            # `git submodule update` does nothing without this file, so there is nothing to find.
            elif (self._top / path / ".gitmodules").is_file():
                stale += self._out_of_date(Git(self._top / path, git_dir=repository), f"{path}/")
        return stale


def _protocols_are_named() -> bool:
    """Whether the environment says which protocols git may use, for submodules too."""
    return "file" in os.environ.get("GIT_ALLOW_PROTOCOL", "").split(":")


def git_directory(top: Path, path: str) -> Path | None:
    """The git directory of the submodule checked out at `path` below `top`; None if there is none.

    The path is followed through directories only: one with `..` or a symbolic link in it could
    lead out of the work tree, and has no submodule.
    """
    place = top
    for part in path.split("/"):
        place = place / part
        if part in ("", ".", "..") or not _is_directory(place):
            return None
    dot_git = place / ".git"
    found = dot_git if _is_directory(dot_git) else gitdir_file(dot_git)
    if found is None or not (found / "HEAD").is_file() or not object_directory(found).is_dir():
        return None
    return found


def is_in_modules(git: Git, place: Path) -> bool:
    """Whether the repository of a submodule is in git's own directory for them.

    Not in the submodule itself, as old versions of git had it, and nobody's own repository.
    """
    repository = gitdir_file(place / ".git")
    modules = Path(git.text("rev-parse", "--path-format=absolute", "--git-path", "modules"))
    return repository is not None and repository.resolve().is_relative_to(modules.resolve())


def _holds_repository(place: Path) -> bool:
    return any(".git" in directories for _, directories, _ in os.walk(place))


def remove_place(top: Path, path: str) -> None:
    """Remove the directory at `path` below `top`, and those above it that are empty then."""
    shutil.rmtree(top / path)
    for parent in (top / path).parents:
        if parent == top or any(parent.iterdir()):
            break
        parent.rmdir()


def object_directory(git_dir: Path) -> Path:
    """Where the objects of a git directory are, which for a linked work tree is another one's."""
    return _common_directory(git_dir) / "objects"


def head_commit(git_dir: Path) -> str | None:
    """The commit that HEAD names, read from the files; None when there is none."""
    common = _common_directory(git_dir)
    if (common / "reftable").is_dir():
        head = Git(git_dir, git_dir=git_dir).run("rev-parse", "--verify", "HEAD", check=False)
        return head.text if head.ok else None
    value = _read(git_dir / "HEAD")
    for _ in range(5):  # as deep as git itself follows one name to another
        if value is None or not value.startswith(b"ref: "):
            break
        name = value[len(b"ref: ") :]
        value = _read(common / os.fsdecode(name)) or _packed_ref(common, name)
    return value.decode("ascii", "replace") if value else None


def _changes(git: Git, *options: str) -> set[str]:
    """The paths that `git status` lists."""
    status = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
    return {record[3:] for record in git.run("--no-optional-locks", *status, *options).records}


def known_gitlinks(git: Git, commit: str) -> list[tuple[str, str]]:
    """The gitlinks of a commit as (path, commit); none where that commit is not there."""
    known = git.succeeds("cat-file", "-e", f"{commit}^{{commit}}")
    return _gitlinks(git, commit) if known else []


def _gitlinks(git: Git, commit: str) -> list[tuple[str, str]]:
    return [(os.fsdecode(link.path), link.commit) for link in outline(git, commit).gitlinks]


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def gitdir_file(path: Path) -> Path | None:
    """The repository that a `.git` file names; None where there is no such file."""
    if path.is_symlink():
        return None
    content = _read(path)
    if content is None or not content.startswith(b"gitdir: "):
        return None
    return path.parent / os.fsdecode(content[len(b"gitdir: ") :])


def _common_directory(git_dir: Path) -> Path:
    named = _read(git_dir / "commondir")
    return git_dir if named is None else git_dir / os.fsdecode(named)


def _packed_ref(common: Path, name: bytes) -> bytes | None:
    lines = (_read(common / "packed-refs") or b"").split(b"\n")
    return next((line.split(b" ")[0] for line in lines if line.endswith(b" " + name)), None)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes().rstrip(b"\r\n")
    except OSError:
        return None
