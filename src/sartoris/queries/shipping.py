"""What will ship: commits, files, and the commits inside submodules that moved."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.events import WillShip
from sartoris.formatting import plural
from sartoris.git.repository import Repository
from sartoris.git.submodules import Submodules


@dataclass(frozen=True)
class Shipment:
    """From what is live to what would be. `base` "" means that nothing is live yet."""

    base: str
    head: str

    def describe(self, repository: Repository, *, most: int) -> WillShip:
        """Counts of everything, and the first `most` commits and files by name."""
        if self.base == self.head:
            return WillShip(base=self.base, head=self.head)
        if not self.base or repository.commit_of(self.base) is None:
            return self._everything(repository)
        commits = self._commits(repository, self.base, self.head, most)
        files = self._files(repository)
        return WillShip(
            base=self.base,
            head=self.head,
            commits=tuple(commits),
            commit_count=int(
                repository.git.text("rev-list", "--count", f"{self.base}..{self.head}")
            ),
            files=tuple(files[:most]),
            file_count=len(files),
            submodules=tuple(self._submodules(repository, most)),
            gone=self._gone(repository),
            gone_commits=tuple(self._commits(repository, self.head, self.base, most)),
        )

    def _everything(self, repository: Repository) -> WillShip:
        files = repository.git.run("ls-tree", "-r", "-z", "--name-only", self.head).records
        moved = Submodules(repository.git).paths(self.head)
        return WillShip(
            base="",
            head=self.head,
            file_count=len(files),
            submodules=tuple(f"{path} at {commit[:12]}" for path, commit in moved),
        )

    def _commits(self, repository: Repository, base: str, head: str, most: int) -> list[str]:
        return repository.git.lines(
            "log",
            "--no-decorate",
            f"--max-count={most}",
            "--format=%h %s (%an)",
            f"{base}..{head}",
            "--",
        )

    def _files(self, repository: Repository) -> list[str]:
        fields = repository.git.run(
            "diff", "--no-renames", "--name-status", "-z", self.base, self.head
        ).records
        return [f"{kind} {name}" for kind, name in zip(fields[::2], fields[1::2], strict=True)]

    def _gone(self, repository: Repository) -> int:
        """Commits that are live and would no longer be: more than 0 after a reset."""
        return int(repository.git.text("rev-list", "--count", f"{self.head}..{self.base}"))

    def _submodules(self, repository: Repository, most: int) -> list[str]:
        submodules = Submodules(repository.git)
        before, after = dict(submodules.paths(self.base)), dict(submodules.paths(self.head))
        lines = [f"{path} removed" for path in before if path not in after]
        for path, commit in after.items():
            if path not in before:
                lines.append(f"{path} added at {commit[:12]}")
            elif before[path] != commit:
                lines += self._moved(submodules, path, before[path], commit, most)
        return lines

    def _moved(self, submodules: Submodules, path: str, old: str, new: str, most: int) -> list[str]:
        heading = f"{path} {old[:12]}..{new[:12]}"
        subjects = submodules.log(path, old, new)
        if subjects is None:
            return [f"{heading} (its commits are not here, so what they change is not known)"]
        gone = [] if subjects else submodules.log(path, new, old) or []
        if gone:
            return [f"{heading} goes back, behind {plural(len(gone), 'commit')}"]
        more = [f"  and {len(subjects) - most} more"] if len(subjects) > most else []
        return [heading, *(f"  {subject}" for subject in subjects[:most]), *more]
