"""The deploy file, `.deploy`: what is deployed here, for people and for the site's own scripts.

The format is git-deploy's: `key: value` lines, an empty line, the message. New keys go before the
empty line.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sartoris.errors import Refused

if TYPE_CHECKING:
    from sartoris.rollout.records import Records
    from sartoris.rollout.session import Session
    from sartoris.rollout.site import Site
    from sartoris.rollout.state import RolloutState


@dataclass(frozen=True, kw_only=True)
class DeployFile:
    commit: str
    tag: str
    host: str
    user: str
    message: str
    at: float

    def text(self) -> str:
        date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.at))
        return (
            f"commit: {self.commit}\n"
            f"tag: {self.tag}\n"
            f"deploy-date: {date}\n"
            f"deployed-from: {self.host}\n"
            f"deployed-by: {self.user}\n"
            f"\n{self.message.rstrip()}\n\n"
        )


def tag_deployed(site: Site, prefix: str, commit: str) -> str:
    """The tag in the deploy file here, if it is of `prefix` and on `commit`; "" otherwise."""
    try:
        with (site.repository.top / site.deploy_file).open(errors="surrogateescape") as file:
            first, second = file.readline().rstrip("\n"), file.readline().rstrip("\n")
    except OSError:
        return ""
    tag = second.removeprefix("tag: ")
    is_ours = first == f"commit: {commit}" and tag.startswith(f"{prefix}-")
    return tag if is_ours and site.repository.commit_of(f"refs/tags/{tag}") == commit else ""


def current_text(site: Site, records: Records) -> str:
    """The deploy file here, while it is about what is checked out and no rollout is in progress.

    Raises `Refused`.
    """
    path = site.repository.top / site.deploy_file
    if records.lock.holder() is not None:
        raise Refused(
            f"a rollout is in progress, so {site.deploy_file} may not be true any more",
            next_steps=["git deploy status"],
        )
    if not path.is_file():
        raise Refused(f"{site.deploy_file} does not exist: nothing was deployed from here yet")
    text = path.read_text(errors="surrogateescape")
    if text.split("\n", 1)[0] != f"commit: {site.repository.head()}":
        raise Refused(f"{site.deploy_file} is about another commit than HEAD")
    return text


def deploy_text(site: Site, state: RolloutState) -> str:
    return DeployFile(
        commit=state.source,
        tag=state.rollout_tag,
        host=site.host,
        user=site.user,
        message=state.message,
        at=state.tagged_at,
    ).text()


def write_deploy_file(session: Session, state: RolloutState | None = None) -> None:
    """Write it here, about the session's state or another one."""
    name = session.site.deploy_file
    text = deploy_text(session.site, state or session.state)
    if not session.effects.write_deploy_file(name, text):
        session.events.warn(
            f"{name} is not written here: the repository tracks it, or its directory is missing"
        )
