"""What a deployer may say about one command, whichever way it was typed."""

from __future__ import annotations

from typing import NamedTuple

from sartoris.config import CountOrPercent
from sartoris.shell import command


class Options(NamedTuple):
    """`prefix` None: as configured. `remote` False: nothing that needs the network is done.

    `remote_branch` None: the one that the branch here follows. `message` is the rollout's, "" for
    the default. `force` takes over another person's lock and goes past checks that ask "are you
    sure". `date_format`, `deploy_file` and `mail_to` override deploy.date-fmt, deploy.deploy-file
    and deploy.announce-mail. `show_most` is how many commits and files are named before "and N
    more". `new_prefix`: the prefix is meant, although it was never used. `max_failed`
    None: as configured. `without` are targets that this one command leaves out.
    """

    prefix: str | None = None
    force: bool = False
    remote: bool = True
    remote_site: str = "origin"
    remote_branch: str | None = None
    message: str = ""
    check_clean: bool = True
    skip_hooks: bool = False
    adopt: bool = False
    leave: bool = False
    date_format: str | None = None
    deploy_file: str | None = None
    mail_to: str | None = None
    dry_run: bool = False
    show_most: int = 10
    new_prefix: bool = False
    max_failed: CountOrPercent | None = None
    without: tuple[str, ...] = ()

    @property
    def typed_again(self) -> tuple[str, ...]:
        """What was said of how targets are treated, to be typed with the next command, too."""
        adopt = ("--adopt",) if self.adopt else ()
        leave = ("--leave",) if self.leave else ()
        return (*adopt, *leave, *(command("--without", name) for name in self.without))

    @property
    def uses_remote(self) -> bool:
        return self.remote and self.remote_site != "none"
