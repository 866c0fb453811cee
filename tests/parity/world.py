"""A small site without a fleet, as git-deploy's users have it, and what can be seen of it.

The same repository is made for each program, byte for byte: commits have fixed dates, paths in the
configuration are relative. So a commit has the same id in both, and is shown by its subject.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PHASES = (
    "pre-start", "post-start", "pre-pull", "post-pull", "post-tree-update", "pre-sync", "post-tag",
    "post-sync", "post-finish", "post-abort", "post-reset", "log",
)  # fmt: skip

_CONFIG = """\
[user]
\tname = Ann
\temail = ann@example.org
[init]
\tdefaultBranch = main
[deploy]
\ttag-prefix = slot0
\thook-dir = ../hooks
\tlog-directory = ../log
\trepo-name-detection = dot-git-parent-dir
"""

# Writes one line for each call, with what a hook is told. Only what the shell itself can do.
_RECORDER = """\
#!/bin/sh
echo "${0##*/apps/}|$GIT_DEPLOY_ACTION|$GIT_DEPLOY_PHASE|$GIT_DEPLOY_PREFIX|\
$GIT_DEPLOY_HOOK_PREFIX|${GIT_DEPLOY_START_TAG--}|${GIT_DEPLOY_ROLLOUT_TAG--}|\
${GIT_DEPLOY_LOG_LEVEL-}|${GIT_DEPLOY_LOG_ANNOUNCE-}|${DEPLOY_ROLLOUT_TAG-}|$PWD" >> ../calls
"""

_SYNC_RECORDER = """\
#!/bin/sh
echo "sync ${0##*/} of $DEPLOY_ROLLOUT_PREFIX: $DEPLOY_ROLLBACK_TAG to $DEPLOY_ROLLOUT_TAG,\
 file $DEPLOY_DEPLOY_FILE" >> ../calls
"""

_DATE = r"[0-9]{8}-[0-9]{6}"
_TAG = re.compile(rf"([A-Za-z][\w.]*)-({_DATE})(_[A-Z](?![a-z]))?")
_COMMIT = re.compile(r"\b[0-9a-f]{12}\.\.|\b[0-9a-f]{40}\b")


class World:
    """`root` holds `origin.git`, the working repository `repo`, `hooks`, and `calls`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repo = root / "repo"
        self.environment: dict[str, str] = {
            "USER": "ann",
            "LOGNAME": "ann",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": str(root / "gitconfig"),
            "GIT_AUTHOR_DATE": "1234567890 +0000",
            "GIT_COMMITTER_DATE": "1234567890 +0000",
        }
        self._labels: dict[str, str] = {}
        self._subjects: dict[str, str] = {}

    @classmethod
    def make(cls, root: Path) -> World:
        """The site as it is when nothing was ever deployed."""
        world = cls(root)
        for name in ("log", "hooks/sync", "hooks/apps/common", "hooks/apps/slot0"):
            (root / name).mkdir(parents=True)
        (root / "gitconfig").write_text(_CONFIG)
        world.git("init", "--quiet", "--bare", "origin.git", at=root)
        world.git("init", "--quiet", "repo", at=root)
        world.git("remote", "add", "origin", "../origin.git")
        world.commit("one", {"index.html": "one\n", ".gitignore": "/.deploy\n"})
        world.git("push", "--quiet", "--set-upstream", "origin", "main")
        for phase in PHASES:
            world.record(f"common/{phase}.10")
        for phase in ("pre-sync", "post-sync"):
            world.record(f"slot0/{phase}.20")
        return world

    def copy(self, root: Path) -> World:
        shutil.copytree(self.root, root, symlinks=True)
        return World(root)

    # What people and colleagues do.

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=at or self.repo,
            env={**os.environ, **self.environment},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"git {arguments}: {done.stderr.decode(errors='replace')}"
        return os.fsdecode(done.stdout).rstrip("\n")

    def commit(self, subject: str, files: Mapping[str, str] | None = None) -> None:
        for name, text in (files or {"index.html": f"{subject}\n"}).items():
            (self.repo / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def push(self) -> None:
        self.git("push", "--quiet", "origin", "HEAD")

    def ship(self, subject: str) -> None:
        """Commit and push."""
        self.commit(subject)
        self.push()

    def colleague(self, subject: str, name: str = "colleague.html") -> None:
        """Somebody else pushes a commit."""
        clone = self.root / "colleague"
        if not clone.exists():
            self.git("clone", "--quiet", "origin.git", str(clone), at=self.root)
        self.git("pull", "--quiet", at=clone)
        (clone / name).write_text(f"{subject}\n")
        self.git("add", "--all", at=clone)
        self.git("commit", "--quiet", "--message", subject, at=clone)
        self.git("push", "--quiet", "origin", "HEAD", at=clone)

    def config(self, key: str, value: str) -> None:
        self.git("config", f"deploy.{key}", value)

    def write(self, name: str, text: str) -> None:
        """A file of the site, such as one that blocks deploys."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # Hooks.

    def record(self, name: str) -> None:
        """A hook, `common/pre-sync.10`, that writes down how it was called."""
        self._hook(f"apps/{name}", _RECORDER)

    def failing(self, name: str, code: int = 3) -> None:
        """As `record`, and it fails."""
        self._hook(f"apps/{name}", f"{_RECORDER}exit {code}\n")

    def sync_hook(self, code: int = 0, prefix: str = "slot0") -> None:
        """The site's own sync, which writes down how it was called."""
        self._hook(f"sync/{prefix}.sync", f"{_SYNC_RECORDER}exit {code}\n")

    def _hook(self, name: str, script: str) -> None:
        path = self.root / "hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    # What can be seen.

    def tags(self, at: Path | None = None) -> list[str]:
        """`slot0-1 one` for each tag: dates in order as numbers, and the commit's subject."""
        form = "%(refname:lstrip=2) %(if)%(*objectname)%(then)%(*subject)%(else)%(subject)%(end)"
        lines = self.git("for-each-ref", f"--format={form}", "refs/tags", at=at).splitlines()
        return [self.named(line) for line in sorted(lines, key=_by_date)]

    def tags_at_origin(self) -> list[str]:
        return self.tags(self.root / "origin.git")

    def head(self) -> str:
        """Subject and branch of what is checked out, and whether there are changes."""
        subject = self.git("log", "-1", "--format=%s")
        lines = self.git("status", "--porcelain=v2", "--branch").splitlines()
        branch = next(x.split()[2] for x in lines if x.startswith("# branch.head"))
        dirty = any(not line.startswith("#") for line in lines)
        return f"{subject} on {branch}{' (not clean)' if dirty else ''}"

    def deploy_file(self, name: str = ".deploy") -> str:
        """What the deploy file says before its message."""
        path = self.repo / name
        if not path.is_file():
            return "none"
        return ", ".join(self.named(path.read_text().partition("\n\n")[0]).splitlines())

    def deploy_message(self) -> str:
        """The message at the end of the deploy file."""
        return self.named((self.repo / ".deploy").read_text().partition("\n\n")[2]).rstrip("\n")

    def calls(self) -> tuple[str, ...]:
        """The calls of hooks since the last time, in order."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return tuple(self.named(self._call(line)) for line in lines)

    def _call(self, line: str) -> str:
        if line.startswith("sync "):
            return line
        name, action, phase, prefix, hook_prefix, start, rollout, level, loud, tag, cwd = (
            line.split("|")
        )
        words = [name, action, f"start={start}", f"rollout={rollout}"]
        if level or loud:
            words.append(f"{level}/{loud}")
        if tag:
            words.append(f"sync-tag={tag}")
        directory, _, file = name.partition("/")
        if (directory, file.partition(".")[0]) != (hook_prefix, phase):
            words.append(f"phase={phase} hook-prefix={hook_prefix}")
        if prefix != "slot0":
            words.append(f"prefix={prefix}")
        if Path(cwd) != self.repo:
            words.append(f"cwd={cwd}")
        return " ".join(words)

    def named(self, text: str) -> str:
        """`text` with tags by number and commits by subject, whenever and wherever it was."""
        text = re.sub(r"(?m)^(deploy-date: )20..-..-.. ..:..:..$", r"\1DATE", text)
        text = re.sub(r"(?m)^(deployed-from: ).*$", r"\1HOST", text)
        text = text.replace(str(self.root), "ROOT")
        text = _COMMIT.sub(self._subject, text)
        for found in sorted({(m[2] + (m[3] or ""), m[0]) for m in _TAG.finditer(text)}):
            self._labels.setdefault(found[1], f"{found[1].partition('-')[0]}-{self._next()}")
        return _TAG.sub(lambda m: self._labels[m[0]], text)

    def _next(self) -> int:
        return len(self._labels) + 1

    def _subject(self, match: re.Match[str]) -> str:
        commit = match[0].removesuffix("..")
        if commit not in self._subjects:
            asked = subprocess.run(
                ["git", "log", "-1", "--format=%s", commit],
                cwd=self.repo,
                capture_output=True,
                check=False,
            )
            self._subjects[commit] = os.fsdecode(asked.stdout).strip() or commit
        return f"<{self._subjects[commit]}>{'..' if match[0].endswith('..') else ''}"


def _by_date(line: str) -> tuple[str, str]:
    found = _TAG.search(line)
    return (found[2] + (found[3] or ""), line) if found else ("", line)
