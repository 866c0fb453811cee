"""The configuration of one repository, with types: what the rest of the program reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sartoris.config.caches import CacheServer
from sartoris.config.problems import ConfigError, Problem
from sartoris.config.targets import Host, Target
from sartoris.config.values import (
    BadValue,
    CountOrPercent,
    check_name,
    check_prefix,
    check_target_path,
)
from sartoris.config.zones import Relay, Zone
from sartoris.formatting import quoted
from sartoris.shell import command

_UNSAFE = r"[^A-Za-z0-9._+@=-]"


# Nobody compares or prints one, and every method that is not made saves time at every start.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Config:
    """One attribute for each key of docs/configuration.md, dashes as underscores.

    `repo_name` is the repository's name as detected. `unknown` are the full names of keys in our
    section that are not ours; the site's hooks may read them. `slot` is the slot whose section
    counts here, "" for none; `slots` are all that have one.
    """

    repo_name: str
    unknown: tuple[str, ...]
    slot: str
    slots: tuple[str, ...]

    tag_prefix: str | None
    branch: str | None
    date_fmt: str
    deploy_file: str
    restrict_umask: int | None
    can_make_tags: bool
    block_file: Path | None
    block_reason: str | None
    lock_dir_root: Path | None
    git_timeout: int

    transport: str
    target: tuple[Target | Host, ...]
    targets_command: tuple[str, ...] | None
    ssh: tuple[str, ...]
    target_user: str | None
    targets: str | None
    salt_config: Path
    path: str | None
    publish_dir: Path | None
    url: str | None
    pack_url: str | None
    relay: tuple[Relay, ...]
    zone: tuple[Zone, ...]
    forks: int
    timeout: int

    switch: Literal["atomic", "in-place"]
    submodules: Literal["compose", "update", "none"]
    filters: Literal["refuse", "raw"]
    keep_releases: int
    shared: tuple[str, ...]
    link_out: tuple[str, ...]
    service: str | None
    service_action: Literal["reload", "restart"] | None

    max_failed: CountOrPercent
    canary: tuple[str, ...]
    batch: CountOrPercent

    varnish: tuple[CacheServer, ...]
    varnish_secret: Path
    varnish_ban: str

    hook_dir: Path | None
    hook_timeout: int
    message_on_sync_hook_fail_whale: str | None
    support_email: str | None

    announce_mail: str | None
    send_mail_on: frozenset[str]
    mail_tool: str
    log_directory: Path | None
    log_timing_data: bool

    config_file: Path | None
    repo_name_detection: Literal["dot-git-parent-dir"]

    @property
    def fleet_key(self) -> object:
        """Equal for configurations that reach the same targets in the same way."""
        return (
            *(self.transport, self.target, self.targets_command, self.targets, self.ssh),
            *(self.target_user, self.salt_config, self.forks),
        )

    def release_path(self, prefix: str) -> str:
        """Where the slot of `prefix` is on a target. Raises `ConfigError`."""
        if self.path is None:
            step = command("git", "config", "deploy.path", f"/srv/{self.repo_name}-{{prefix}}")
            line = "deploy.path is not set: where is the release to live on the targets?"
            raise ConfigError([Problem(line, (step,))])
        try:
            check_prefix(prefix)
        except BadValue as error:
            raise ConfigError([Problem(f"the prefix {quoted(prefix)} {error}")]) from error
        filled = self.path.replace("{prefix}", prefix).replace("{repo}", self.repo_name)
        try:
            return check_target_path(filled)
        except BadValue as error:
            line = f"deploy.path = {quoted(self.path)} becomes {quoted(filled)}, which {error}"
            raise ConfigError([Problem(line)]) from error

    def ban(self, prefix: str, release: str) -> str:
        """What caches are told to ban when `release` is live in the slot of `prefix`."""
        filled = {"prefix": prefix, "repo": self.repo_name, "release": release}
        ban = self.varnish_ban
        for name, value in filled.items():
            ban = ban.replace(f"{{{name}}}", value)
        return ban

    def slot_name(self, prefix: str) -> str:
        """The slot's name: the prefix where each has its own path, else the path's last part."""
        last = self.release_path(prefix).rpartition("/")[2]
        if self.slot:
            return self.slot
        if self.path is not None and "{prefix}" in self.path:
            return prefix
        return _safe_name(last)


def _safe_name(text: str) -> str:
    """`text` as a safe name; one that had to change keeps apart from others by a checksum."""
    try:
        return check_name(text)
    except BadValue:
        import zlib

        checksum = zlib.crc32(text.encode(errors="surrogateescape"))
        return f"slot-{re.sub(_UNSAFE, '_', text).replace('..', '_.')}-{checksum:08x}"
