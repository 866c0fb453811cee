"""A publish repository made by plumbing, and a target that is a directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sartoris.agent.outcome import perform
from sartoris.orders import Order

LIVE = "/srv/app/php-slot0"


class Entry(NamedTuple):
    """One file of a release: its content (or a link's text) and git's mode for it."""

    content: bytes
    mode: str = "100644"


def program(text: str) -> Entry:
    return Entry(f"#!/bin/sh\n{text}\n".encode(), "100755")


def link(text: str) -> Entry:
    return Entry(text.encode(), "120000")


Files = Mapping[str, "str | Entry"]


def entries(files: Files) -> dict[str, Entry]:
    return {
        path: one if isinstance(one, Entry) else Entry(os.fsencode(one))
        for path, one in files.items()
    }


@dataclass(frozen=True)
class Publisher:
    """The bare repository that targets fetch from."""

    path: Path

    def release(self, tag: str, files: Files) -> str:
        """Publish a release with exactly these files under a tag; its commit."""
        stream = bytearray(f"commit refs/tags/{tag}\n".encode())
        stream += b"committer A <a@example.org> 1700000000 +0000\ndata 1\nx\ndeleteall\n"
        for path, entry in entries(files).items():
            quoted = b"".join(b"\\%03o" % byte for byte in os.fsencode(path))
            stream += b'M %s inline "%s"\n' % (entry.mode.encode(), quoted)
            stream += b"data %d\n%s\n" % (len(entry.content), entry.content)
        self.git("fast-import", "--quiet", "--force", stdin=bytes(stream))
        return self.git("rev-parse", f"refs/tags/{tag}^{{commit}}")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        command = ["git", f"--git-dir={self.path}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=True)
        return os.fsdecode(done.stdout).strip()


@dataclass(frozen=True)
class Target:
    """A directory that stands for a target's `/`, with one slot."""

    root: Path
    publisher: Publisher
    path: str = LIVE
    slot: str = "slot0"

    @property
    def live(self) -> Path:
        return Path(f"{self.root}{self.path}")

    @property
    def own(self) -> Path:
        return self.live.parent / ".sartoris"

    @property
    def store(self) -> Path:
        return self.own / "site.git"

    def order(self, action: Any, tag: str = "", commit: str = "", **more: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "action": action,
            "repository": "site",
            "slot": self.slot,
            "path": self.path,
            "release": tag,
            "commit": commit,
            "url": str(self.publisher.path),
            "timeout": 30,
        }
        return Order(**{**fields, **more}).to_json()

    def ask(self, action: str, tag: str = "", commit: str = "", **more: Any) -> dict[str, Any]:
        """The outcome of an order, whatever it is."""
        return perform(self.order(action, tag, commit, **more), str(self.root))

    def deploy(self, tag: str, commit: str, **more: Any) -> dict[str, Any]:
        """Fetch and switch, which must succeed."""
        fetched = self.ask("fetch", tag, commit, **more)
        assert fetched["ok"], fetched
        switched = self.ask("switch", tag, commit, **more)
        assert switched["ok"], switched
        return switched

    def release(self, tag: str, files: Files, **more: Any) -> str:
        """Publish and deploy; the commit."""
        commit = self.publisher.release(tag, files)
        self.deploy(tag, commit, **more)
        return commit


def tree(directory: Path) -> dict[str, Entry]:
    """What is in a directory, as the entries of a release; empty directories too."""
    found: dict[str, Entry] = {}
    for where, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(where) / name
            shown = str(path.relative_to(directory))
            if path.is_symlink():
                found[shown] = Entry(os.fsencode(path.readlink()), "120000")
            elif path.is_file():
                executable = path.stat().st_mode & 0o100
                found[shown] = Entry(path.read_bytes(), "100755" if executable else "100644")
            elif not any(path.iterdir()):
                found[shown] = Entry(b"", "empty directory")
    return found


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    path = tmp_path / "publish.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return Publisher(path)


@pytest.fixture
def target(tmp_path: Path, publisher: Publisher) -> Target:
    root = tmp_path / "web1"
    root.mkdir()
    return Target(root, publisher)
