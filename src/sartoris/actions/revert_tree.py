"""A revert where the servers are not a fleet of ours: the working repository goes back first.

Then the site's sync hook brings it to the servers, or the deployer does, after `git deploy sync`.
"""

from __future__ import annotations

from dataclasses import replace

from sartoris.actions.choice import Choice
from sartoris.actions.deliveries import BY_HOOK, choose_delivery
from sartoris.actions.roll_out import SyncResult
from sartoris.actions.start import start_with
from sartoris.actions.sync import sync
from sartoris.actions.tagging import not_pushed
from sartoris.errors import GitFailed
from sartoris.hooks import Phase
from sartoris.rollout.command import Command
from sartoris.rollout.session import Session
from sartoris.rollout.tags import next_tag


def revert_tree(command: Command, choice: Choice) -> SyncResult:
    """Start a rollout of an earlier commit, and where the site has a sync hook, sync it.

    Raises what `start` and `sync` raise.
    """
    started = start_with(command, choice.prefix, lambda session: _go_back(session, choice))
    _push(command, started.state.reverted_tag)
    if choose_delivery(command, started.state.prefix) is BY_HOOK:
        return sync(command, as_command="sync")
    return SyncResult(replace(started.state, source=choice.source))


def _go_back(session: Session, choice: Choice) -> str:
    """Mark what is left as reverted, and check out what is reverted to."""
    _mark(session, choice)
    with session.events.step("reset", choice.tag):
        for line in session.effects.go_to(session.state.branch, choice.source):
            session.events.warn(line)
    session.run_all_hooks(Phase.POST_TREE_UPDATE, Phase.POST_RESET)
    return choice.source


def _mark(session: Session, choice: Choice) -> None:
    """Tag what is left as reverted; a start that fails takes that back."""
    state = session.state
    tag = next_tag(session.site, state.prefix, suffix="_reverted")
    session.write(replace(state, reverted_tag=tag))
    message = f"reverted {state.prefix} from {state.start_tag} to {choice.tag}"
    session.effects.make_tag(tag, state.start_commit, message)
    session.run_hooks_of_tag(Phase.POST_TAG, tag)


def _push(command: Command, tag: str) -> None:
    """Once the start cannot fail any more: at the remote there is nothing to take back then."""
    options = command.site.options
    if options.uses_remote:
        try:
            command.effects.push_tags(options.remote_site, [tag])
        except GitFailed as error:
            command.events.warn(not_pushed(f"{tag} is", error))
