"""What to revert to: chosen once, on the deployment server, for the whole fleet."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.errors import Refused
from sartoris.queries.listing import Listed, Selection, listing
from sartoris.rollout import checks
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.way import way_of


class NoSuchRelease(Refused):
    """What was asked for names no release of this prefix."""


@dataclass(frozen=True)
class Choice:
    """`tag` was chosen, `source` is its commit, `release` the name under which targets hold it."""

    tag: str
    release: str
    source: str


def choices(d: Deployment, *, count: int) -> list[Listed]:
    """The tags that a revert offers, newest first, in the order of their numbers from 1."""
    return listing(d, Selection(everything=True, count=count))


def choose(d: Deployment, wanted: str, *, count: int = 0) -> Choice:
    """What a tag, or a number of the list, stands for.

    The tag of an earlier revert stands for what it reverted to, and a start tag for the release of
    the same commit. Raises `NoSuchRelease`, `NothingNew`.
    """
    tag = _numbered(d, int(wanted), count) if wanted.isdecimal() else wanted
    d.prefix = _prefix_of(d, tag)
    choice = _resolve(d, tag)
    _refuse_what_is_live(d, choice)
    return choice


def _numbered(d: Deployment, number: int, count: int) -> str:
    offered = choices(d, count=count)
    if not 1 <= number <= len(offered):
        raise NoSuchRelease(
            f"there is no number {number} in the list: it goes from 1 to {len(offered)}",
            next_steps=["git deploy revert   # shows the list"],
        )
    return offered[number - 1].name


def _resolve(d: Deployment, tag: str) -> Choice:
    record = d.journal.rollout_of_tag(tag)
    release = record.release if record and record.release else tag
    published = d.publish.find(release) if d.has_fleet else None
    source = published.source if published else d.repository.commit_of(f"refs/tags/{release}")
    if source is None or not release.startswith(f"{d.prefix}-"):
        raise NoSuchRelease(
            f"{tag!r} is not a release of {d.prefix}", next_steps=["git deploy show"]
        )
    if published is None:
        shipped = d.journal.rollout_of_source(source, d.prefix)
        release = shipped.release if shipped and shipped.release else release
    return Choice(tag, release, source)


def _prefix_of(d: Deployment, tag: str) -> str:
    """The prefix whose slot the tag was deployed to; the configured one for any other tag."""
    deployed = [slot.prefix for slot in d.desired.slots().values()]
    found = [prefix for prefix in deployed if tag.startswith(f"{prefix}-")]
    return max(found, key=len) if found else d.prefix


def _refuse_what_is_live(d: Deployment, choice: Choice) -> None:
    if d.options.force:
        return
    desired = d.desired.of(d.slot) if d.has_fleet else None
    if desired and desired.release == choice.release:
        raise checks.NothingNew(
            f"{choice.release} is what the fleet should have already",
            next_steps=["git deploy report", "git deploy show", "git deploy converge"],
        )
    if choice.source == d.repository.head() and way_of(d) != "fleet":
        raise checks.NothingNew(
            f"{choice.tag} is what is checked out already, so there is nothing to revert",
            next_steps=["git deploy show", f"git deploy --force revert {choice.tag}"],
        )
