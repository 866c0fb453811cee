"""What to revert to: chosen once, on the deployment server, for the whole fleet."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.actions.deliveries import TO_FLEET, choose_delivery
from sartoris.errors import Refused
from sartoris.queries.listing import Listed, Selection, listing
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.effects import publish_repository
from sartoris.rollout.site import Site


class NoSuchRelease(Refused):
    """What was asked for names no release of this prefix."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`tag` of `prefix` was chosen, `source` is its commit, `release` the name under which targets
    hold it.
    """

    prefix: str
    tag: str
    release: str
    source: str


def choices(site: Site, *, count: int) -> list[Listed]:
    """The tags that a revert offers, newest first, in the order of their numbers from 1."""
    return listing(site, Selection(everything=True, count=count))


def choose(command: Command, wanted: str, *, count: int = 0) -> Choice:
    """What a tag, or a number of the list, stands for.

    The tag of an earlier revert stands for what it reverted to, and a start tag for the release of
    the same commit. Raises `NoSuchRelease`, `NothingNew`.
    """
    tag = _numbered(command.site, int(wanted), count) if wanted.isdecimal() else wanted
    choice = _resolve(command, _prefix_of(command, tag), tag)
    _refuse_what_is_live(command, choice)
    return choice


def _numbered(site: Site, number: int, count: int) -> str:
    offered = choices(site, count=count)
    if not 1 <= number <= len(offered):
        raise NoSuchRelease(
            f"there is no number {number} in the list: it goes from 1 to {len(offered)}",
            next_steps=["git deploy revert   # shows the list"],
        )
    return offered[number - 1].name


def _resolve(command: Command, prefix: str, tag: str) -> Choice:
    site, journal = command.site, command.journal
    record = journal.rollout_of_tag(tag)
    release = record.release if record and record.release else tag
    published = publish_repository(site).find(release) if site.has_fleet else None
    source = published.source if published else site.repository.commit_of(f"refs/tags/{release}")
    if source is None or not release.startswith(f"{prefix}-"):
        raise NoSuchRelease(f"{tag!r} is not a release of {prefix}", next_steps=["git deploy show"])
    if published is None:
        shipped = journal.rollout_of_source(source, prefix)
        release = shipped.release if shipped and shipped.release else release
    return Choice(prefix=prefix, tag=tag, release=release, source=source)


def _prefix_of(command: Command, tag: str) -> str:
    """The prefix whose slot the tag was deployed to; the configured one for any other tag."""
    deployed = [slot.prefix for slot in command.records.desired.slots().values()]
    found = [prefix for prefix in deployed if tag.startswith(f"{prefix}-")]
    return max(found, key=len) if found else command.site.prefix


def _refuse_what_is_live(command: Command, choice: Choice) -> None:
    site = command.site
    if site.options.force:
        return
    slot = site.slot(choice.prefix).name
    desired = command.records.desired.of(slot) if site.has_fleet else None
    if desired and desired.release == choice.release:
        raise checks.NothingNew(
            f"{choice.release} is what the fleet should have already",
            next_steps=["git deploy report", "git deploy show", "git deploy converge"],
        )
    is_ours = choose_delivery(command, choice.prefix) is TO_FLEET
    if choice.source == site.repository.head() and not is_ours:
        raise checks.NothingNew(
            f"{choice.tag} is what is checked out already, so there is nothing to revert",
            next_steps=["git deploy show", f"git deploy --force revert {choice.tag}"],
        )
