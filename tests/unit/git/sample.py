"""Real repositories for tests, independent of the user's own git configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sartoris.git.command import Git

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Charles",
    "GIT_COMMITTER_EMAIL": "charles@example.org",
    "GIT_COMMITTER_DATE": "1700003600 -0500",
}


@dataclass(frozen=True)
class Sample:
    """A repository with a work tree at `path`."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Sample:
        path.mkdir(parents=True, exist_ok=True)
        Git(path, environment=ENVIRONMENT).run("init", "-q", "--template=", "-b", "main")
        return cls(path)

    @property
    def git(self) -> Git:
        return Git(self.path, environment=ENVIRONMENT)

    def write(self, **files: str) -> Sample:
        """Write files; a name with anything but a word in it goes through `write_file`."""
        for name, content in files.items():
            self.write_file(name, content)
        return self

    def write_file(self, name: str, content: str) -> Sample:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return self

    def commit(self, message: str = "Change something") -> str:
        """Commit all that is in the work tree; return the full id."""
        self.git.run("-c", "advice.addEmbeddedRepo=false", "add", "--all", "--force")
        self.git.run("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git.text("rev-parse", "HEAD")

    def submodule(self, path: str) -> Sample:
        """A repository inside this one's work tree, with one commit, not yet recorded here."""
        inside = Sample.create(self.path / path).write(file=f"in {path!r}\n")
        inside.commit()
        return inside

    def know_submodule(self, path: str) -> Sample:
        """Have it in `.gitmodules`, where its upstream cannot be reached; not yet committed."""
        text = f'[submodule "{path}"]\n\tpath = {path}\n\turl = nowhere\n'
        with (self.path / ".gitmodules").open("a") as file:
            file.write(text)
        return self

    def add_submodule(self, upstream: Sample, path: str) -> Sample:
        """A submodule with an upstream, added as a person would, not yet committed here."""
        name = f"module-{os.fsencode(path).hex()}"
        self.git.run("submodule", "--quiet", "add", "--name", name, "--", str(upstream.path), path)
        return Sample(self.path / path)

    def clone(self, path: Path, *options: str) -> Sample:
        self.git.run("clone", "-q", *options, str(self.path), str(path))
        return Sample(path)


def files_of(git: Git, commit: str) -> dict[bytes, bytes]:
    """Every file of a commit: its path to its mode, kind and id."""
    records = git.run("ls-tree", "-r", "-z", "--full-tree", commit).stdout.split(b"\0")[:-1]
    return {path: facts for facts, path in (record.split(b"\t", 1) for record in records)}


def files_with_submodules(
    repository: Sample, commit: str, inside: bytes = b""
) -> dict[bytes, bytes]:
    """What `files_of` should give for the composed commit, found the slow way."""
    union: dict[bytes, bytes] = {}
    for path, facts in files_of(repository.git, commit).items():
        if facts.startswith(b"160000 "):
            submodule = Sample(repository.path / os.fsdecode(path))
            recorded = facts.split(b" ")[2].decode()
            union |= files_with_submodules(submodule, recorded, inside + path + b"/")
        else:
            union[inside + path] = facts
    return union
