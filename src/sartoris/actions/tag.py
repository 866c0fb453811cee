"""`git deploy tag`: a dated tag on what is checked out, outside of any rollout."""

from __future__ import annotations

import time

from sartoris.actions import announcing
from sartoris.errors import GitFailed, Refused
from sartoris.hooks import Phase
from sartoris.rollout import checks
from sartoris.rollout.command import Command
from sartoris.rollout.deploy_file import write_deploy_file
from sartoris.rollout.person import Person
from sartoris.rollout.session import Session
from sartoris.rollout.state import RolloutState
from sartoris.rollout.tags import next_tag


def tag(command: Command, *, deploy_file: bool = True) -> str:
    """Make and push a tag; its name. Needs `deploy.can-make-tags`.

    Raises `TagsNotAllowed`, what the checks raise, and `Refused` when the remote does not take it:
    then there is no tag here either.
    """
    with command.exclusively():
        session = _check(command)
        _make(session)
        if deploy_file:
            write_deploy_file(session)
        announcing.tagged(session)
        return session.state.rollout_tag


def _check(command: Command) -> Session:
    """What the tag will be: a session that has no lock, and is written nowhere."""
    site = command.site
    person = checks.require_person(site)
    checks.require_tags_allowed(site)
    head = checks.require_commits(site)
    checks.require_branch(site)
    checks.require_clean_tree(site)
    checks.require_remote(site, "tag")
    return Session(command, person, _state(command, person, head))


def _state(command: Command, person: Person, head: str) -> RolloutState:
    site = command.site
    name = next_tag(site, site.prefix)
    return RolloutState(
        session=person.holding("tag").session,
        action="tag",
        prefix=site.prefix,
        slot=site.prefix,
        rollout_tag=name,
        source=head,
        message=(site.options.message or f"working tag of {site.prefix}").replace("%TAG", name),
        tagged_at=time.time(),
    )


def _make(session: Session) -> None:
    name, effects, options = session.state.rollout_tag, session.effects, session.site.options
    try:
        with session.events.step("tag", name):
            effects.make_tag(name, session.state.source, session.state.message)
            session.run_hooks(Phase.POST_TAG)
            if options.uses_remote:
                effects.push_tags(options.remote_site, [name])
    except GitFailed as error:
        effects.delete_tag(name)
        raise Refused(
            f"{name} was not made: {error.message}", next_steps=["git deploy --no-remote tag"]
        ) from error
    except Refused:
        effects.delete_tag(name)
        raise
