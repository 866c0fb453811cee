"""Who types a command."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from sartoris.errors import WrongSetup
from sartoris.git.repository import Repository
from sartoris.rollout.lock import Holder
from sartoris.rollout.site import Site


@dataclass(frozen=True)
class Person:
    """`user` is the login (the person behind sudo), `who` `Name <mail>` as git knows it."""

    user: str
    who: str
    host: str
    repository: str

    @classmethod
    def of(cls, site: Site) -> Person:
        """Raises `WrongSetup` without a name and a mail address."""
        who = require_identity(site.repository)
        return cls(site.user, who, site.host, str(site.repository.git_dir))

    def holding(self, action: str, *, session: str = "", why: str = "") -> Holder:
        """This person as the holder of the lock, in a new session if none is named."""
        return Holder(
            session=session or os.urandom(16).hex(),
            user=self.user,
            who=self.who,
            host=self.host,
            process=os.getpid(),
            since=time.time(),
            action=action,
            why=why,
            repository=self.repository,
        )


def require_identity(repository: Repository) -> str:
    """`Name <mail>` as git knows it. Raises `WrongSetup`."""
    who = repository.identity()
    if who is None:
        raise WrongSetup(
            "git does not know your name and mail address, which go into every rollout tag",
            next_steps=[
                "git config --global user.name 'Your Name'",
                "git config --global user.email 'you@example.com'",
            ],
        )
    return who
