"""What to revert to: chosen once, on the deployment server, for the whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sartoris.actions.deliveries import TO_FLEET, choose_delivery
from sartoris.errors import Refused
from sartoris.queries.listing import Listed, Selection, listing
from sartoris.queries.past_releases import PastRelease, past_releases
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.effects import publish_repository
from sartoris.rollout.person import Person
from sartoris.rollout.site import Site, no_prefix
from sartoris.rollout.state import StateLost
from sartoris.rollout.transitions import NotNow, explain, way_on


class NoSuchRelease(Refused):
    """What was asked for names no release of this prefix."""


class NeverLive(Refused):
    """What was asked for is the tag of a rollout that shipped nothing."""


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
    """The tags that a revert offers where no fleet had a release, newest first, from number 1."""
    return listing(site, Selection(everything=True, count=count))


def release_before(command: Command) -> tuple[PastRelease, PastRelease]:
    """What is live, and the newest release before it that was not found bad.

    Raises `NoSuchRelease` where there is none, and before anybody is asked `LockHeld` and `NotNow`.
    """
    site = command.site
    _require_that_numbers_stand(command)
    past = past_releases(site, site.prefix)
    live = next((one for one in past if one.now == "live"), None)
    before = next((one for one in past if one.now == "before"), None)
    if live is None or before is None:
        raise NoSuchRelease(
            f"there is no release before {live.release}, which is live, that was not found bad"
            if live
            else f"no release of {site.prefix} is live{no_prefix(site, site.prefix)}",
            next_steps=["git deploy show"],
        )
    return live, before


def choose(command: Command, wanted: str, *, count: int = 0, as_tags: bool = False) -> Choice:
    """What a tag, or a number of the list, stands for; `as_tags`: of git-deploy's list.

    The tag of an earlier revert stands for what it reverted to, and a start tag for the release of
    the same commit. Raises `NoSuchRelease`, `NeverLive`, `NothingNew`.
    """
    past = past_releases(command.site, _prefix_of(command, wanted))
    if wanted.isdecimal():
        _require_that_numbers_stand(command)
        numbers = {} if as_tags else {one.number: one.release for one in past}
        wanted = _numbered(command.site, numbers or _tags(command.site, count), int(wanted))
    prefix = _prefix_of(command, wanted)
    command = command.in_slot(prefix)
    choice = _resolve(command, prefix, wanted, past)
    _refuse_what_is_live(command, choice)
    _require_was_live(command, choice, past)
    return choice


def _tags(site: Site, count: int) -> dict[int, str]:
    return {number: one.name for number, one in enumerate(choices(site, count=count), 1)}


def _numbered(site: Site, numbers: Mapping[int, str], number: int) -> str:
    if number not in numbers:
        found = f"it goes from {min(numbers)} to {max(numbers)}" if numbers else "it is empty"
        raise NoSuchRelease(
            f"there is no number {number} in the list of {site.prefix}: {found}",
            next_steps=["git deploy revert   # shows the list"],
        )
    return numbers[number]


def _resolve(command: Command, prefix: str, tag: str, past: Sequence[PastRelease]) -> Choice:
    site, journal = command.site, command.journal
    record = journal.rollout_of_tag(tag)
    release = record.release if record and record.release else tag
    published = publish_repository(site).find(release) if site.has_fleet else None
    source = published.source if published else site.repository.commit_of(f"refs/tags/{release}")
    known = {one.release: one.source for one in past}
    source = source or known.get(release)
    if source is None or not (release in known or release.startswith(f"{prefix}-")):
        also = no_prefix(site, tag, expected="a release")
        raise NoSuchRelease(
            f"{tag!r} is not a release of {prefix}{also}", next_steps=["git deploy show"]
        )
    if published is None and release not in known:
        shipped = journal.rollout_of_source(source, prefix)
        release = shipped.release if shipped and shipped.release else release
    return Choice(prefix=prefix, tag=tag, release=release, source=source)


def _require_was_live(command: Command, choice: Choice, past: Sequence[PastRelease]) -> None:
    """What rollouts of ours have left behind on their way has tags, and was never live.

    A tag that the journal does not know may be git-deploy's, and then it was.
    """
    found = next((one for one in past if one.release == choice.release), None)
    if found is not None and found.now == "bad":
        command.events.warn(f"{found.release} was found bad: {found.reverted_by} reverted it")
    if found is not None or not past or command.site.options.force:
        return
    if any(choice.tag == made.name for made in command.journal.tags_made()):
        raise NeverLive(
            f"{choice.tag} was never live here: no rollout that came to its end shipped it",
            next_steps=["git deploy show", f"git deploy --force revert {choice.tag}"],
        )


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
        _name_the_open_rollout(command, choice)
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


def _require_that_numbers_stand(command: Command) -> None:
    """Numbers count from what the fleet should have, and a revert of one's own that was interrupted
    has moved that: typed once more, the same line would go further back. Raises `LockHeld`,
    `NotNow`.
    """
    site, records = command.site, command.records
    if site.options.force or records.lock.holder() is None:
        return
    records.lock.examine(Person.of(site).holding(command.name), force=False)
    with suppress(StateLost):
        state = records.state.read()
        on = way_on(state) if state is not None and state.action == "revert" else ""
        desired = records.desired.of(state.slot) if state is not None and on else None
        if state is None or desired is None or desired.release != state.release:
            return
        raise NotNow(
            f"the rollout in progress ({state.rollout_tag}) goes back to {state.release} already:"
            f" {explain(state, None)[0]}.\nNumbers count from there now, so this would go further"
            " back",
            next_steps=[
                f"{on}   # goes on with it",
                "git deploy show   # then git deploy revert TAG",
            ],
        )


def _name_the_open_rollout(command: Command, choice: Choice) -> None:
    """A revert that was interrupted is not begun again, but gone on with. Raises `NotNow`."""
    with suppress(StateLost):
        state = command.records.state.read()
        on = way_on(state) if state is not None else ""
        if state is None or not on or state.release != choice.release:
            return
        raise NotNow(
            f"{choice.release} is what the rollout in progress ({state.rollout_tag}) brings"
            f" already: {explain(state, None)[0]}",
            next_steps=[f"{on}   # goes on with it", "git deploy status"],
        )
