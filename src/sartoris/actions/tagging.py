"""The tags of a rollout, once they are chosen: made, pushed, and said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sartoris.errors import GitFailed, Refused, SartorisError
from sartoris.events import Tagged
from sartoris.git.pushing import HalfPushed
from sartoris.hooks import Phase
from sartoris.rollout.session import Session


class TagsNotPushed(Refused):
    """The remote did not take the tags."""


def make_rollout_tag(session: Session) -> None:
    """Make and push the chosen tag; when that fails the rollout is as it was before `sync`."""
    state = session.state
    try:
        with session.events.step("tag", state.rollout_tag):
            session.effects.make_tag(state.rollout_tag, state.source, state.message)
            session.run_hooks(Phase.POST_TAG)
            if state.remote:
                make_start_tag_again(session)
                _push(session, dict.fromkeys([state.start_tag, state.rollout_tag]))
    except SartorisError:
        session.effects.delete_tag(state.rollout_tag)
        session.write(state.untagged())
        raise
    _say(session, pushed=state.remote)


def make_start_tag_again(session: Session) -> None:
    """A `git pull` or `git fetch` with fetch.pruneTags removes tags that the remote does not have,
    as the start tag until now.
    """
    state, repository = session.state, session.site.repository
    if state.start_tag and not repository.has_tag(state.start_tag):
        message = f"start of a rollout of {state.prefix}: where abort goes back to"
        session.effects.make_tag(state.start_tag, state.start_commit, message)


def make_revert_tags(session: Session) -> None:
    """Mark what is left as reverted, and this rollout by a tag on what it goes back to."""
    state = session.state
    with session.events.step("tag", state.rollout_tag):
        reverted = f"{state.rollout_tag}_reverted"
        session.effects.make_tag(reverted, state.start_commit, state.message)
        session.effects.make_tag(state.rollout_tag, state.source, state.message)
    _say(session, pushed=False)


def not_pushed(what: str, error: SartorisError) -> str:
    """The warning that tags are not pushed, with what pushes them to where they are not."""
    if isinstance(error, HalfPushed):
        return "\n".join([f"{what} not pushed everywhere: {error.message}", *error.complete()])
    return f"{what} not pushed: {error.message}"


def _say(session: Session, *, pushed: bool) -> None:
    """In the journal first: then a kill between the two leaves a tag that is in its history."""
    state = session.state
    session.events.emit(
        Tagged(
            session=state.session,
            tag=state.rollout_tag,
            commit=state.source,
            message=state.message,
            pushed=pushed,
        )
    )
    session.write(replace(state, tag_is_made=True))


def _push(session: Session, tags: Iterable[str]) -> None:
    remote = session.site.options.remote_site
    try:
        session.effects.push_tags(remote, [tag for tag in tags if tag])
    except GitFailed as error:
        # The tag of the rollout is not made here then, and the next sync has another.
        ours = [f"refs/tags/{session.state.rollout_tag}"]
        where = " everywhere" if isinstance(error, HalfPushed) else ""
        raise TagsNotPushed(
            f"`{remote}` did not take the tags of this rollout{where}: {error.message}",
            next_steps=[
                *error.next_steps,
                *(error.take_away(ours) if isinstance(error, HalfPushed) else []),
                "git deploy sync   # again",
                "git deploy --no-remote sync   # an emergency: push when the remote is back",
            ],
        ) from error
