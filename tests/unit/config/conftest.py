"""A repository whose configuration files a test writes itself, and nobody else's are read."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sartoris.config import Config, ConfigError, read_config
from sartoris.git.command import Git


@dataclass(frozen=True)
class Site:
    """`own` is the repository's file, `user` the user's, `site` is for `deploy.config-file`."""

    top: Path
    user: Path
    site: Path

    @property
    def own(self) -> Path:
        return self.top / ".git" / "config"

    @property
    def git(self) -> Git:
        isolated = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self.user),
            "GIT_CONFIG_COUNT": "0",
        }
        return Git(self.top, environment=isolated)

    def add(self, text: str, *, file: Path | None = None) -> None:
        with (file or self.own).open("a") as config:
            config.write(f"\n{text}\n")

    def deploy(self, *lines: str, file: Path | None = None) -> None:
        """Add `[deploy]` with these lines."""
        self.add("\n".join(["[deploy]", *lines]), file=file)

    def use_site_file(self) -> None:
        self.deploy(f"config-file = {self.site}", file=self.user)

    def load(self, git: Git | None = None) -> Config:
        return read_config(git or self.git, git_dir=self.top / ".git", top=self.top).plain

    def refusal(self) -> ConfigError:
        """The error with which the configuration is refused."""
        with pytest.raises(ConfigError) as caught:
            self.load()
        return caught.value


@pytest.fixture
def site(tmp_path: Path) -> Site:
    top = tmp_path / "mediawiki"
    subprocess.run(["git", "init", "-q", "--template=", top], check=True)
    user, shared = tmp_path / "user.ini", tmp_path / "site.ini"
    user.touch()
    shared.touch()
    return Site(top, user, shared)
