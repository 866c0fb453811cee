"""A site to deploy to: an origin, a working repository, targets; and how to type commands there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sartoris.cli import boundary
from sartoris.cli.main import main

PATH = "/srv/site/php-{prefix}"


@dataclass(frozen=True)
class Ran:
    """What a command did. `out` is for scripts, `err` for people."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@contextlib.contextmanager
def _typed(answers: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(answers)
    try:
        yield
    finally:
        sys.stdin = before


@dataclass
class Site:
    """`repo` is the working repository. Targets are `targets/NAME`, each a target's `/`."""

    root: Path

    @property
    def repo(self) -> Path:
        return self.root / "wiki"

    @property
    def origin(self) -> Path:
        return self.root / "origin" / "wiki.git"

    @property
    def state_directory(self) -> Path:
        return self.repo / ".git" / "deploy"

    @classmethod
    def build(cls, root: Path, targets: int = 3, files: Mapping[str, str] | None = None) -> Site:
        """A repository with one pushed commit, configured with prefix slot0 and some targets."""
        site = cls(root)
        site.origin.mkdir(parents=True)
        site.git("init", "--quiet", "--bare", at=site.origin)
        site.git("init", "--quiet", str(site.repo), at=root)
        site.commit({"index.php": "version 1\n", "lib/a.php": "a\n", **(files or {})}, "first")
        site.git("remote", "add", "origin", str(site.origin))
        site.git("push", "--quiet", "-u", "origin", "main")
        site.config("deploy.tag-prefix", "slot0")
        site.config("deploy.path", PATH)
        for number in range(1, targets + 1):
            site.add_target(f"web{number}")
        return site

    def add_target(self, name: str) -> Path:
        self.target(name).mkdir(parents=True)
        self.config("deploy.target", f"{name}={self.target(name)}")
        return self.target(name)

    def target(self, name: str) -> Path:
        return self.root / "targets" / name

    def slot(self, target: str, slot: str = "slot0") -> Path:
        """The slot's place on a target; a symbolic link once something is live."""
        return self.target(target) / "srv" / "site" / f"php-{slot}"

    def live(self, target: str, slot: str = "slot0") -> str:
        """The release that is live; "" for none."""
        link = self.slot(target, slot)
        return link.readlink().name if link.is_symlink() else ""

    def files(self, target: str, slot: str = "slot0") -> dict[str, str]:
        """The live files and what is in them, without the deploy file."""
        top = self.slot(target, slot)
        return {
            str(path.relative_to(top)): path.read_text(errors="surrogateescape")
            for path in sorted(top.rglob("*"))
            if path.is_file() and path.name != ".deploy"
        }

    def everywhere(self, slot: str = "slot0") -> set[str]:
        """What is live on the targets, each release once."""
        return {self.live(path.name, slot) for path in (self.root / "targets").iterdir()}

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=at or self.repo, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return os.fsdecode(done.stdout).rstrip("\n")

    def config(self, key: str, value: str) -> None:
        self.git("config", "--add", key, value)

    def set(self, key: str, value: str) -> None:
        """Replace a configuration value."""
        self.git("config", "--replace-all", key, value)

    def commit(self, files: Mapping[str, str], message: str = "a change") -> str:
        """Write files, commit them; the commit's id."""
        for name, text in files.items():
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def live_hook(self, script: str) -> None:
        """Give the repository a live hook for targets, a shell script; committed and pushed."""
        path = self.repo / "deploy" / "target" / "live.10-tell"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.commit({})
        self.push()

    def clone_again(self, *options: str) -> None:
        """Have another clone as the working repository, with the same configuration."""
        config = (self.repo / ".git" / "config").read_text()
        shutil.rmtree(self.repo)
        url = f"file://{self.origin}"
        self.git("clone", "--quiet", *options, url, str(self.repo), at=self.root)
        for line in config.partition("[deploy]")[2].splitlines()[1:]:
            key, _, value = line.strip().partition(" = ")
            self.config(f"deploy.{key}", value)

    def push(self) -> None:
        self.git("push", "--quiet", "origin", "HEAD")

    def add_submodule(self, path: str, files: Mapping[str, str], name: str = "ext") -> Path:
        """A submodule with an origin of its own, committed and pushed; the origin's work tree."""
        source = self.root / "origin" / name
        source.mkdir(parents=True)
        self.git("init", "--quiet", at=source)
        for file, text in files.items():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).write_text(text)
        self.git("add", "--all", at=source)
        self.git("commit", "--quiet", "-m", f"{name} begins", at=source)
        self.git("submodule", "--quiet", "add", "--name", name, "--", str(source), path)
        self.git("commit", "--quiet", "-m", f"add {path}")
        self.push()
        return source

    def deploy(self, *arguments: str, at: Path | None = None, answers: str = "") -> Ran:
        """Type `git deploy ARGUMENTS` in the working repository (in this process: it is fast).

        `answers` is what is typed when the command asks.
        """
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(at or self.repo),
            _typed(answers),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = boundary.guarded("git-deploy", lambda: main(arguments))
        return Ran(code, out.getvalue(), err.getvalue())

    def spawn(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Type `git deploy ARGUMENTS` as a process of its own, to be killed or raced."""
        program = "from sartoris.cli.main import git_deploy; git_deploy()"
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=self.repo,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def rollout(self, files: Mapping[str, str], message: str = "a change") -> str:
        """One whole rollout of a change, which must succeed; its tag."""
        self.ok("start")
        self.commit(files, message)
        self.push()
        self.ok("sync")
        return self.desired()

    def ok(self, *arguments: str) -> Ran:
        """Type a command that must succeed."""
        ran = self.deploy(*arguments)
        assert ran.code == 0, ran.err
        return ran

    def desired(self, prefix: str = "slot0") -> str:
        """The release that the slot should have; "" for none."""
        report = self.ok("report", prefix, "--json").document
        desired = report["slots"][0]["desired"]
        return desired["release"] if desired else ""

    def conditions(self, *arguments: str, prefix: str = "slot0") -> dict[str, str]:
        """What `report` says of each target, by name."""
        report = self.ok("report", prefix, "--json", *arguments).document
        return {one["target"]: one["condition"] for one in report["slots"][0]["targets"]}

    @property
    def holder(self) -> dict[str, Any] | None:
        """What is in the lock; None when it is free."""
        lock = self.state_directory / "lock"
        return json.loads(lock.read_text()) if lock.exists() else None

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def hook(self, name: str, script: str = "exit 0", prefix: str = "common") -> Path:
        """A hook, `post-tag.10-check` for example, that is a shell script."""
        directory = self.root / "hooks" / "apps" / prefix
        if not (self.root / "hooks").is_dir():
            self.config("deploy.hook-dir", str(self.root / "hooks"))
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def sync_hook(self, script: str = "exit 0", prefix: str = "slot0") -> Path:
        """The site's own sync for a prefix, a shell script."""
        if not (self.root / "hooks").is_dir():
            self.config("deploy.hook-dir", str(self.root / "hooks"))
        path = self.root / "hooks" / "sync" / f"{prefix}.sync"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def push_elsewhere(
        self,
        files: Mapping[str, str],
        branch: str = "main",
        message: str = "a colleague's change",
    ) -> str:
        """A colleague commits to the origin, from a clone of their own; the commit's id."""
        clone = self.root / "colleague"
        if not clone.is_dir():
            self.git("clone", "--quiet", str(self.origin), str(clone), at=self.root)
        self.git("fetch", "--quiet", "origin", at=clone)
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}", at=clone)
        for name, text in files.items():
            (clone / name).write_text(text)
        self.git("add", "--all", at=clone)
        self.git("commit", "--quiet", "-m", message, at=clone)
        self.git("push", "--quiet", "origin", branch, at=clone)
        return self.git("rev-parse", "HEAD", at=clone)

    @contextlib.contextmanager
    def typed_by(self, name: str) -> Iterator[None]:
        """Somebody else is at the keyboard while the body runs."""
        person = {
            "SUDO_USER": name.lower(),
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": f"{name.lower()}@example.org",
        }
        before = {key: os.environ.get(key) for key in person}
        os.environ.update(person)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Type `git deploy ARGUMENTS` as a process of its own, and wait for its end."""
        with self.spawn(*arguments, **environment) as process:
            out, err = process.communicate()
        return Ran(process.returncode, os.fsdecode(out), os.fsdecode(err))

    def break_target(self, name: str) -> None:
        """Put a file where the agent keeps its own things: every fetch and switch fails."""
        own = self.slot(name).parent / ".sartoris"
        own.parent.mkdir(parents=True, exist_ok=True)
        if own.exists():
            own.rename(own.with_name(".sartoris-away"))
        own.write_text("in the way")

    def mend_target(self, name: str) -> None:
        own = self.slot(name).parent / ".sartoris"
        own.unlink()
        away = own.with_name(".sartoris-away")
        if away.exists():
            away.rename(own)

    def tags(self) -> list[str]:
        return self.git("tag", "--list").split()

    def commit_of(self, name: str, at: Path | None = None) -> str:
        return self.git("rev-parse", "--verify", f"{name}^{{commit}}", at=at)

    def status(self) -> dict[str, Any]:
        """`git deploy status --json`; its exit code says the same."""
        document: dict[str, Any] = self.deploy("status", "--json").document
        return document

    @contextlib.contextmanager
    def no_network(self) -> Iterator[None]:
        """The origin is gone while the body runs."""
        away = self.origin.with_suffix(".away")
        self.origin.rename(away)
        try:
            yield
        finally:
            away.rename(self.origin)
