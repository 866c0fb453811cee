"""Several users of one machine, each with a umask and a home of their own.

They need no account here: what they type runs in a process that has given root away. That has to
be begun by root, and has every module in memory already, which these users may not read.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sartoris.cli import boundary
from sartoris.cli.main import main
from tests.system.site import Ran, Site

GROUP, NO_GROUP = 64010, 64020


def need_root() -> None:
    """Skips the test without root, except on the machine that must have it."""
    if os.geteuid() != 0:
        reason = "only root can act for several users"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)


@contextlib.contextmanager
def a_place_for_all() -> Iterator[Path]:
    """A directory that every user can reach; pytest's own are for one."""
    directory = Path(tempfile.mkdtemp(prefix="sartoris-people-", dir="/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@dataclass(frozen=True)
class Person:
    name: str
    number: int
    group: int
    umask: int
    home: Path

    @classmethod
    def with_home(cls, name: str, number: int, group: int, umask: int, homes: Path) -> Person:
        home = homes / name
        home.mkdir(mode=0o700, parents=True)
        settings = f"[user]\n\tname = {name}\n\temail = {name}@example.org\n"
        (home / ".gitconfig").write_text(f'{settings}[protocol "file"]\n\tallow = always\n')
        for each in (home, home / ".gitconfig"):
            os.chown(each, number, group)
        return cls(name, number, group, umask, home)

    def deploy(self, site: Site, *words: str) -> Ran:
        """Type `git deploy WORDS` in the working repository."""
        return self._in_a_process(lambda: _typed(site.repo, words))

    def shell(self, site: Site, line: str) -> Ran:
        """Type a line in the working repository."""
        return self._in_a_process(lambda: _run(site.repo, line))

    def trusts(self, site: Site, *directories: Path) -> None:
        for directory in directories:
            step = f"git config --global --add safe.directory {directory}"
            assert self.shell(site, step).code == 0

    def _in_a_process(self, task: Callable[[], Ran]) -> Ran:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 125
            try:
                self._become()
                ran = task()
                code = ran.code
                os.write(writing, f"{ran.out}\0{ran.err}".encode(errors="replace"))
            except BaseException as error:  # noqa: BLE001 - the parent asserts
                os.write(writing, f"\0{error!r}".encode())
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            out, _, err = answer.read().decode().partition("\0")
        return Ran(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), out, err)

    def _become(self) -> None:
        os.umask(self.umask)
        os.setgroups([])
        os.setresgid(self.group, self.group, self.group)
        os.setresuid(self.number, self.number, self.number)
        for name in [name for name in os.environ if name.startswith(("GIT_", "SUDO_"))]:
            del os.environ[name]
        os.environ.update(HOME=str(self.home), LOGNAME=self.name, USER=self.name, LC_ALL="C")


def _typed(directory: Path, words: tuple[str, ...]) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    os.chdir(directory)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = boundary.guarded("git-deploy", lambda: main(words))
    return Ran(code, out.getvalue(), err.getvalue())


def _run(directory: Path, line: str) -> Ran:
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=directory, capture_output=True, text=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)
