"""After a revert the fleet is where it should be; the working repository and the remote follow."""

from __future__ import annotations

from sartoris.actions.tagging import not_pushed
from sartoris.errors import NotFinished, SartorisError
from sartoris.events import Reverted
from sartoris.hooks import Phase
from sartoris.rollout.session import Session


def follow_revert(session: Session) -> None:
    """Reset to what is live, run the hooks, push the tags; nothing here can undo the revert."""
    state = session.state
    with session.events.step("reset", state.release):
        _reset(session)
    if state.before is not None:
        session.events.emit(Reverted(release=state.before.release, rollout=state.rollout_tag))
    session.run_all_hooks(Phase.POST_TREE_UPDATE, Phase.POST_RESET)
    if session.site.options.uses_remote:
        _push_tags(session)


def _reset(session: Session) -> None:
    state = session.state
    try:
        for line in session.effects.go_to(state.branch, state.source):
            session.events.warn(line)
    except SartorisError as error:
        raise NotFinished(
            f"{state.release} is live on the fleet, but the working repository is not reset to it:"
            f" {error.message}",
            next_steps=[*error.next_steps, "git deploy resync"],
        ) from error


def _push_tags(session: Session) -> None:
    tag = session.state.rollout_tag
    try:
        with session.events.step("push tags"):
            session.effects.push_tags(session.site.options.remote_site, [tag, f"{tag}_reverted"])
    except SartorisError as error:
        session.events.warn(not_pushed("the tags of this revert are", error))
