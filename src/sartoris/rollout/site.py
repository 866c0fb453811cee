"""The site: the repository, its configuration and what was typed. It never changes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sartoris.config import Config, Configured, CountOrPercent, read_config
from sartoris.errors import NoPrefix, WrongUsage
from sartoris.git.repository import Repository
from sartoris.rollout.options import Options

if TYPE_CHECKING:
    from sartoris.orders import Order
    from sartoris.transports.source import Source


@dataclass(frozen=True)
class Slot:
    """A place on the targets that holds one live release. `path` is where; "" without a fleet."""

    name: str
    prefix: str
    path: str = ""


@dataclass(frozen=True, eq=False)
class Site:
    """One working repository, as one person's command finds it.

    `config` is that of the slot that the command is about; `configured` has those of the others.
    """

    repository: Repository
    config: Config
    options: Options
    configured: Configured

    @classmethod
    def at(cls, directory: Path, options: Options) -> Site:
        """The site of the repository that `directory` is in.

        Raises `NotARepository`, `AnotherRepository`, `ConfigError`.
        """
        return cls.of(Repository.meant(directory), options)

    @classmethod
    def of(cls, repository: Repository, options: Options) -> Site:
        """Raises `ConfigError`."""
        configured = read_config(repository.git, git_dir=repository.git_dir, top=repository.top)
        config = configured.of(options.prefix)
        return cls(repository.limited(config.git_timeout), config, options, configured)

    def in_slot(self, prefix: str) -> Site:
        """The same, with what is configured for the slot of a prefix."""
        config = self.configured.of(prefix)
        return self if config is self.config else replace(self, config=config)

    @property
    def directory(self) -> Path:
        """Sartoris's own directory in the repository: lock, state, journal, publish repository."""
        return self.repository.git_dir / "deploy"

    @property
    def publish_path(self) -> Path:
        return self.config.publish_dir or self.own_publish_path

    @property
    def own_publish_path(self) -> Path:
        """Where the publish repository is unless the configuration says otherwise."""
        return self.directory / "publish.git"

    @property
    def source(self) -> Source:
        """How objects reach the targets."""
        from sartoris.transports.configured import source_of

        return source_of(self.config, self.publish_path)

    @property
    def _told_url(self) -> str:
        """As orders say it. An order is no place for a secret, not even on the way out of a rollout
        that was begun with one: who has the release already needs no url.
        """
        from sartoris.git.urls import has_secret

        return "" if has_secret(self.source.url) else self.source.url

    @property
    def deploy_file(self) -> str:
        return self.options.deploy_file or self.config.deploy_file

    def changes(self) -> list[str]:
        """What keeps the work tree from being clean. The deploy file is ours, and never does, even
        where a .gitignore of the repository takes it in again.
        """
        return [one for one in self.repository.changes() if one != f"?? {self.deploy_file}"]

    @property
    def max_failed(self) -> CountOrPercent:
        """How many targets may fail."""
        typed = self.options.max_failed
        return self.config.max_failed if typed is None else typed

    @property
    def date_format(self) -> str:
        return self.options.date_format or self.config.date_fmt

    @property
    def has_fleet(self) -> bool:
        """Whether the slot has targets; without, the site synchronises by a hook or by hand."""
        from sartoris.transports.configured import has_targets

        return has_targets(self.config)

    @property
    def has_any_fleet(self) -> bool:
        """Whether any of its slots has targets."""
        from sartoris.transports.configured import has_targets

        configured = self.configured
        return any(has_targets(one) for one in (configured.plain, *configured.of_slots.values()))

    @property
    def user(self) -> str:
        """Who is logged in; the person behind sudo where there is one."""
        return login()

    @property
    def host(self) -> str:
        return os.uname().nodename

    @property
    def prefix(self) -> str:
        """The prefix that was typed, for which the name of a slot may stand, or is configured.

        Raises `NoPrefix`, `WrongUsage`.
        """
        if self.config.slot and self.config.tag_prefix:
            return self.config.tag_prefix
        typed = self.options.prefix
        prefix = typed or self.config.tag_prefix
        if not prefix and self.config.slots:
            raise NoPrefix(
                f"no prefix: which of the slots is meant ({', '.join(self.config.slots)})?",
                next_steps=["git deploy slot list"],
            )
        if not prefix:
            raise NoPrefix(
                "no prefix: neither the command nor deploy.tag-prefix says what is being deployed",
                next_steps=["git config deploy.tag-prefix slot0   # or a name of your own"],
            )
        if typed:
            _require_good_prefix(self, typed)
        return prefix

    def remote_branch(self, branch: str) -> str:
        """The remote's branch for a local one, as `git pull` finds it: the one that was typed, or
        that the local one follows, or the one of its name.
        """
        typed = self.options.remote_branch
        return typed or self.repository.upstream(self.options.remote_site, branch) or branch

    def slot(self, prefix: str) -> Slot:
        """The slot of a prefix. Raises `ConfigError` where there is a fleet and no path for it."""
        site = self.in_slot(prefix)
        if not site.has_fleet:
            return Slot(prefix, prefix)
        return Slot(site.config.slot_name(prefix), prefix, site.config.release_path(prefix))

    def order(self, slot: Slot) -> Order:
        """What all orders to the slot have in common; as it is, a question for its status."""
        from sartoris.orders import Order

        site = self.in_slot(slot.prefix)
        config = site.config
        return Order(
            action="status",
            repository=config.repo_name,
            slot=slot.name,
            path=slot.path,
            url=site._told_url,
            switch=config.switch,
            submodules=config.submodules,
            shared=tuple(path.removesuffix("/") for path in config.shared),
            shared_directories=tuple(
                path.removesuffix("/") for path in config.shared if path.endswith("/")
            ),
            keep=config.keep_releases,
            timeout=config.timeout,
            deploy_file=self.deploy_file,
            adopt=self.options.adopt,
            leave=self.options.leave,
            # Without an action for it, a switch leaves the service alone.
            service=(config.service or "") if config.service_action else "",
            service_action=config.service_action or "",
        )


def no_prefix(site: Site, typed: str, *, expected: str = "a prefix") -> str:
    """What else has the name that was typed where `expected` stands: ends a refusal, or ""."""
    repository = site.repository
    if repository.tag_names(f"{typed}-[0-9]*"):
        return ""
    if typed in {target.name for target in site.config.target}:
        return f".\n{typed} is a target, and what stands here is {expected}: all targets get it"
    is_here = typed == repository.branch()
    if is_here or repository.commit_of(f"refs/heads/{typed}"):
        how = "it is checked out already" if is_here else f"`{_checkout(typed)}` chooses it"
        return f".\n{typed} is a branch, and what stands here is {expected}: {how}"
    return ""


def _checkout(branch: str) -> str:
    from sartoris.shell import command

    return command("git", "checkout", branch)


def login() -> str:
    """Who is logged in; the person behind sudo where there is one.

    In a container an id need not have a name: then it stands for itself.
    """
    import getpass

    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # before Python 3.13, and since
        return f"uid {os.getuid()}"


def _require_good_prefix(site: Site, prefix: str) -> None:
    from sartoris.config import BadValue, check_prefix
    from sartoris.formatting import quoted

    try:
        check_prefix(prefix)
    except BadValue as error:
        also = no_prefix(site, prefix)
        raise WrongUsage(f"the prefix {quoted(prefix)} {error}{also}") from error
