"""The working repository: where the deployer stands, commits, and types `git deploy`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from sartoris import atomic
from sartoris.errors import GitFailed, Refused
from sartoris.git.command import Git, ten_minutes
from sartoris.git.environment import require_same_repository
from sartoris.git.hidden import hidden_files, left_alone
from sartoris.git.keeping import Kept, mend_index, save_changes
from sartoris.git.pushing import push

# What is inside a submodule is not ours to touch on the way, whatever `submodule.recurse` says:
# work in it would be lost, or it would be looked for at the remote.
_ALONE = "--no-recurse-submodules"
# What is there in the middle of something that can leave conflicts, and how to give it up.
_GIVING_UP = {
    "rebase-merge": "git rebase --abort",
    "rebase-apply/rebasing": "git rebase --abort",
    "rebase-apply": "git am --abort",
    "CHERRY_PICK_HEAD": "git cherry-pick --abort",
    "REVERT_HEAD": "git revert --abort",
    "MERGE_HEAD": "git merge --abort",
}


class NotARepository(Refused):
    """The current directory is not in a work tree that git works in."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message, next_steps=[next_step])


class Repository:
    """A work tree. `top` is its root, `git_dir` the repository that all its work trees share."""

    def __init__(self, git: Git, top: Path, git_dir: Path) -> None:
        self.git = git
        self.top = top
        self.git_dir = git_dir
        self._followed: dict[str, tuple[str, str]] = {}
        self._identity: str | None = None

    @classmethod
    def at(cls, directory: Path, limit: Callable[[], float] = ten_minutes) -> Repository:
        """The repository that `directory` is in. Raises `NotARepository`.

        `limit` is asked how many seconds a command may take that talks to a remote.
        """
        return cls._found(Git(directory), limit)

    @classmethod
    def meant(cls, directory: Path) -> Repository:
        """The repository of somebody who stands in `directory`, if that is the one that they mean.

        Raises `NotARepository`, and `AnotherRepository` when the environment names another one.
        """
        ceiling = os.environ.get("GIT_CEILING_DIRECTORIES", "")
        git = Git(directory, environment={"GIT_CEILING_DIRECTORIES": ceiling})
        found = cls._found(git, ten_minutes)
        if any(os.environ.get(name) for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE")):
            require_same_repository(
                os.environ,
                here=directory,
                git_dir=Path(found.git.text("rev-parse", "--absolute-git-dir")),
                common=found.git_dir,
                top=found.top,
            )
        return found

    @classmethod
    def _found(cls, git: Git, limit: Callable[[], float]) -> Repository:
        asked = git.run(
            "rev-parse",
            "--path-format=absolute",
            "--git-common-dir",
            "--show-toplevel",
            check=False,
        )
        # A path may contain a newline; the common directory of a work tree ends before its top.
        text = asked.text
        if not asked.ok or "\n/" not in text:
            from sartoris.git.believed import why_not

            raise NotARepository(*why_not(git.directory, asked.tail()))
        git_dir, _, top = text.partition("\n/")
        return cls(Git(Path("/" + top), limit=limit), Path("/" + top), Path(git_dir))

    def limited(self, seconds: float) -> Repository:
        """The same, with a limit for each command that talks to a remote; 0 for none."""
        return Repository(Git(self.top, limit=lambda: seconds), self.top, self.git_dir)

    def head(self) -> str:
        """The full id of the commit that is checked out; "" before the first commit."""
        return self.commit_of("HEAD") or ""

    def branch(self) -> str:
        """The branch that is checked out; "" when the head is detached."""
        # In full: --short says heads/main where a tag, too, is called main.
        ref = self.git.run("symbolic-ref", "--quiet", "HEAD", check=False).text
        return ref.removeprefix("refs/heads/")

    def commit_of(self, name: str) -> str | None:
        """The full id of the commit that `name` leads to; None if there is none."""
        found = self.git.run(
            "rev-parse",
            "--quiet",
            "--verify",
            "--end-of-options",
            f"{name}^{{commit}}",
            check=False,
        )
        return found.text if found.ok else None

    def changes(self, *, ignored_submodules: bool = False) -> list[str]:
        """What keeps the tree from being clean, as `XY path`, untracked files included.

        With `ignored_submodules` also changes in submodules that are configured to be ignored.
        """
        # A question leaves nothing behind when it is killed: without optional locks, no index.lock.
        status = ("status", "--porcelain=v1", "-z", "--untracked-files=normal")
        more = ("--ignore-submodules=none",) if ignored_submodules else ()
        return self.git.run("--no-optional-locks", *status, *more).records

    def identity(self) -> str | None:
        """The committer as `Name <email>`; None if name or email is not set by the user."""
        if self._identity is None:
            asked = self.git.run(
                "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT", check=False
            )
            self._identity = asked.text.rpartition(">")[0] + ">" if asked.ok else None
        return self._identity

    def has_remote(self, site: str) -> bool:
        return self.git.succeeds("remote", "get-url", "--", site)

    def fetch(self, site: str, branch: str) -> str:
        """Fetch one branch, no tags; the commit at its tip. Raises `GitFailed`.

        Tags are left out because a repository that deploys has tens of thousands of them, and
        maintenance because somebody waits for the rollout; other git commands see to it.
        """
        from sartoris.git.fetch_few_refs import NarrowRepository, is_worth_it

        options = ("--quiet", "--no-tags", "--no-auto-maintenance", _ALONE)
        if is_worth_it(self.git, self.git_dir):
            known = [self.head(), self.tracking_commit(site, branch)]
            narrow = NarrowRepository(
                self.git_dir / "deploy" / "narrow.git", self.git, self.git_dir
            )
            return narrow.fetch(options, site, branch, list(filter(None, known)))
        self.git.reach("fetch", *options, "--", site, f"refs/heads/{branch}", remote=site)
        return self.git.text("rev-parse", "--verify", "FETCH_HEAD^{commit}")

    def upstream(self, site: str, branch: str) -> str:
        """The branch of the remote that `branch` is set to follow; "" where it follows none there.

        From the configuration: `@{upstream}` needs a remote-tracking ref, and there may be none.
        """
        if branch not in self._followed:
            self._followed[branch] = self._what_follows(branch) if branch else ("", "")
        remote, merge = self._followed[branch]
        follows = remote == site and merge.startswith("refs/heads/")
        return merge.removeprefix("refs/heads/") if follows else ""

    def _what_follows(self, branch: str) -> tuple[str, str]:
        """The remote and the ref there that a branch is set to follow, "" for none."""
        keys = rf"^branch\.{re.escape(branch)}\.(remote|merge)$"
        found = self.git.run("config", "-z", "--get-regexp", keys, check=False).records
        values = {
            key.rpartition(".")[2]: value
            for key, _, value in (one.partition("\n") for one in found)
        }
        return values.get("remote", ""), values.get("merge", "")

    def tracking_commit(self, site: str, branch: str) -> str | None:
        """What the remote's branch was when it was last fetched from or pushed to."""
        return self.commit_of(f"refs/remotes/{site}/{branch}")

    def contains(self, commit: str, ancestor: str) -> bool:
        return commit == ancestor or self.git.succeeds(
            "merge-base", "--is-ancestor", ancestor, commit
        )

    def between(self, base: str, head: str) -> list[tuple[str, str]]:
        """The commits of `head` that are not in `base`, newest first: each with a line about it."""
        asked = ("log", "--no-decorate", "-z", "--format=%H %h %s (%an)", f"{base}..{head}", "--")
        records = (record.partition(" ") for record in self.git.run(*asked).records)
        return [(commit, line) for commit, _, line in records]

    def fast_forward(self, commit: str) -> None:
        self.git.run("merge", "--quiet", "--ff-only", commit)

    def merge(self, commit: str) -> None:
        """Merge, with git's own message. Raises `GitFailed` on a conflict, which is left there."""
        self.git.run("merge", "--quiet", "--no-edit", "--ff", commit)

    def abort_merge(self) -> None:
        """Leave a merge that did not come to its end; nothing when there is none.

        A git that was killed may have left conflicts without having written down that it merges.
        """
        if self.commit_of("MERGE_HEAD"):
            self.git.run("merge", "--abort")
        elif self.unmerged():
            self.git.run("reset", "--quiet", _ALONE, "--merge")

    def push_head(self, site: str, branch: str) -> None:
        """Push what is checked out to a branch of the remote. Raises `GitFailed`, `HalfPushed`."""
        options = (*self._no_mirror(site), "push", "--quiet", "--no-follow-tags")
        push(self.git, site, options, {f"refs/heads/{branch}": "HEAD"})

    def reset(self, commit: str) -> None:
        """Bring branch, index and tracked files to `commit`; untracked files stay.

        So do changes that are hidden from git in files that are the same there. Raises `GitFailed`
        where one is in the way.
        """
        with left_alone(self.git, hidden_files(self.git, self.top)):
            self.git.run("reset", "--quiet", _ALONE, "--hard", commit)

    def step_back(self, commit: str) -> None:
        """As `reset`, but uncommitted changes stay. Raises `GitFailed` where they cannot."""
        self.git.run("reset", "--quiet", _ALONE, "--keep", commit)

    def stand_on(self, branch: str) -> None:
        """Make `branch` the one that is checked out; index and files stay as they are."""
        self.git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def save_changes(self, directory: str, *, before: Sequence[str]) -> Kept:
        """Keep uncommitted changes as a stash commit under a ref in `directory`.

        These are changes to tracked files, and untracked files in the places of files that one of
        the commits `before` has; these files are in the index then, so that a reset removes them.
        With files that are hidden from git, where a reset to the first of `before` changes them:
        git looks at them from then on. An index that git cannot read has to be mended first.
        """
        return save_changes(self, directory, before)

    def mend_index(self) -> Path | None:
        """Have an index that git can read; where the damaged one is now, None if all was well."""
        return mend_index(self.git)

    def keep_commit(self, directory: str, commit: str) -> str:
        """Have the commit, and all before it, under a ref in `directory`; the ref."""
        ref = f"{directory}/{commit[:12]}"
        self.git.run("update-ref", ref, commit)
        return ref

    def refs(self, directory: str) -> list[str]:
        """The names of the refs in a directory of them, the newest commits first."""
        return self.git.lines(
            "for-each-ref", "--sort=-committerdate", "--format=%(refname)", directory
        )

    def with_index(self, index: Path) -> Repository:
        """The same work tree with another index."""
        git = self.git.with_environment({"GIT_INDEX_FILE": str(index)})
        return Repository(git, self.top, self.git_dir)

    def unmerged(self) -> list[str]:
        """The paths that a merge has left with conflicts; none where git cannot read its index."""
        entries = self.git.run("ls-files", "--unmerged", "-z", check=False).records
        return list(dict.fromkeys(entry.partition("\t")[2] for entry in entries))

    def how_to_leave_a_merge(self) -> str:
        """The command that gives up what has left conflicts here."""
        for name, abort in _GIVING_UP.items():
            path = self.git.text("rev-parse", "--path-format=absolute", "--git-path", name)
            if Path(path).exists():
                return abort
        return "git reset --merge"

    def repositories_in_the_way(self, commit: str) -> list[str]:
        """Directories with a repository of their own in the places of files of the commit.

        git knows nothing of what is in them, and would remove them with all that is there.
        """
        found = self.in_the_way(commit)
        return [path.rstrip("/") for path in found if path.endswith("/")]

    def in_the_way(self, commit: str) -> list[str]:
        """What is untracked, ignored too, in the places of files that `commit` has.

        A repository ends in a slash; the place of a submodule is the right one for it.
        """
        # What to ignore of submodules is said here, or git would ask .gitmodules.
        options = (
            "--cached",
            "--raw",
            "--no-abbrev",
            "--diff-filter=D",
            "--ignore-submodules=none",
            "-z",
        )
        records = self.git.run("diff-index", *options, commit, "--").records
        submodules = {p for facts, p in _pairs(records) if facts.startswith(":160000 ")}
        wanted = set(records[1::2])
        if not wanted:
            return []
        above = {str(parent) for path in wanted - submodules for parent in PurePath(path).parents}
        return [
            path
            for path in self.git.run("ls-files", "--others", "-z").records
            if path.rstrip("/") in above
            or path.rstrip("/") in wanted - submodules
            or path in submodules
            or wanted & {str(parent) for parent in PurePath(path).parents}
        ]

    def has_tag(self, tag: str) -> bool:
        return self.git.succeeds("rev-parse", "--quiet", "--verify", f"refs/tags/{tag}")

    def create_tag(self, tag: str, commit: str, message: str) -> None:
        """Make an annotated tag. Making it again on the same commit is no error."""
        if self.commit_of(f"refs/tags/{tag}") == commit:
            return
        # A line that begins with # is a line as any other: nobody edits the message.
        options = ("--annotate", "--cleanup=whitespace", "--file=-")
        try:
            self.git.run("tag", *options, "--", tag, commit, stdin=os.fsencode(message))
        except GitFailed as error:
            signed = self.git.run("config", "--type=bool", "tag.gpgSign", check=False).text
            raise _not_signed(error) if signed == "true" else error from error

    def delete_tag(self, tag: str) -> None:
        self.git.run("tag", "--delete", "--", tag, check=False)

    def push_tags(self, site: str, tags: list[str]) -> None:
        """Push tags, to each URL of the remote all or none. Raises `GitFailed`, `HalfPushed`."""
        options = ("--quiet", "--no-verify", "--atomic", "--no-follow-tags", _ALONE)
        refs = {f"refs/tags/{tag}": f"refs/tags/{tag}" for tag in tags}
        push(self.git, site, (*self._no_mirror(site), "push", *options), refs)

    def _no_mirror(self, site: str) -> tuple[str, ...]:
        """A remote that is a mirror takes nothing but everything, unless it is told otherwise."""
        key = f"remote.{site}.mirror"
        mirror = self.git.run("config", "--type=bool", key, check=False).text == "true"
        return ("-c", f"{key}=false") if mirror else ()

    def write_untracked(self, name: str, text: str) -> bool:
        """Write a file into the work tree that never makes it dirty; whether it was written.

        Not where the repository tracks a file of that name, and not through a symbolic link, into a
        directory that is not there or into a submodule.
        """
        path = self.top / name
        parent = self.top.resolve() / path.parent.relative_to(self.top)
        if not parent.is_dir() or path.parent.resolve() != parent or self.is_tracked(name):
            return False
        if self._is_in_another(path.parent):
            return False
        self._exclude(name)
        atomic.write_text(path, text)
        return True

    def tag_names(self, pattern: str) -> list[str]:
        """The names of the tags that match, in no particular order."""
        return self.git.lines(
            "for-each-ref", "--format=%(refname:lstrip=2)", f"refs/tags/{pattern}"
        )

    def tags(self) -> dict[str, str]:
        """All tags with the commits that they lead to, in no particular order. One process.

        Packed tags carry their commit, so that of tens of thousands none has to be looked into.
        """
        found: dict[str, str] = {}
        listed = self.git.run("show-ref", "--dereference", "--tags", check=False).lines
        for line in listed:  # of an annotated tag first the tag, then, with ^{}, its commit
            at, _, ref = line.partition(" ")
            found[ref.removeprefix("refs/tags/").removesuffix("^{}")] = at
        return found

    def tag_dates(self) -> dict[str, str]:
        """When each tag was made, in local time as YYYYMMDDHHMMSS; "" where nothing says it.

        Looks into every tag, so that tens of thousands take seconds.
        """
        form = "%(creatordate:format-local:%Y%m%d%H%M%S) %(refname:lstrip=2)"
        lines = self.git.lines("for-each-ref", f"--format={form}", "refs/tags")
        return {name: date for date, _, name in (line.partition(" ") for line in lines)}

    def branches(self) -> list[tuple[str, str]]:
        """Local and remote branches with their commits, by name."""
        lines = self.git.lines(
            "for-each-ref",
            "--format=%(refname:lstrip=2) %(objectname)",
            "refs/heads",
            "refs/remotes",
        )
        pairs = [line.rpartition(" ") for line in lines]
        return [(branch, commit) for branch, _, commit in pairs]

    def is_tracked(self, name: str) -> bool:
        return bool(self.git.run("--literal-pathspecs", "ls-files", "-z", "--", name).stdout)

    def _is_in_another(self, directory: Path) -> bool:
        inside = directory.relative_to(self.top)
        between = [inside, *inside.parents][:-1] if inside.parts else []
        return any((self.top / one / ".git").exists() for one in between)

    def _exclude(self, name: str) -> None:
        """Keep `name` out of `git status`, for this clone only."""
        exclude = self.git_dir / "info" / "exclude"
        line = f"/{_literally(name)}"
        present = exclude.read_text(errors="surrogateescape") if exclude.exists() else ""
        if line not in present.split("\n"):
            exclude.parent.mkdir(exist_ok=True)
            newline = "" if not present or present.endswith("\n") else "\n"
            with exclude.open("a") as file:
                file.write(f"{newline}{line}\n")


def _not_signed(error: GitFailed) -> GitFailed:
    return GitFailed(
        error.arguments,
        error.git_exit_code,
        error.output,
        happened=f"failed with exit code {error.git_exit_code}; tag.gpgSign wants tags to be"
        " signed",
        next_steps=[
            "git tag -s -m test test-of-signing && git tag -d test-of-signing   # can you sign?",
            "git config tag.gpgSign false   # for tags that are not signed, in this repository",
        ],
    )


def _literally(name: str) -> str:
    """A pattern of gitignore(5) that matches this path only; a space at its end counts, too."""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", name)
    return re.sub(r" +$", lambda spaces: "\\ " * len(spaces[0]), escaped)


def _pairs(fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The facts and the path of each change in a raw diff."""
    return zip(fields[::2], fields[1::2], strict=True)
