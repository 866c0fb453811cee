"""`git deploy finish`: the rollout is over, the next one may start."""

from __future__ import annotations

from sartoris.actions import announcing, desired_state
from sartoris.errors import NotFinished, Refused, SartorisError
from sartoris.events import Reverted
from sartoris.hooks import HookFailed, Phase
from sartoris.rollout.command import Command
from sartoris.rollout.session import Session, join
from sartoris.rollout.state import RolloutState


class NotComplete(Refused):
    """The rollout has not reached the fleet."""


def finish(command: Command) -> RolloutState:
    """Finish the rollout in progress. Raises `NoRollout`, `LockHeld`, `NotNow`, `NotComplete`."""
    with command.exclusively():
        session = join(command)
        _require_tag(session)
        _require_head(session)
        _confirm_desired_state(session)
        finalize(session)
        return session.state


def _confirm_desired_state(session: Session) -> None:
    """A sync that was killed after its switch may have left targets that come back waiting for it.

    They do not decide whether the rollout is over, so what cannot be said to them is a warning. One
    that was killed while it wrote the desired state, and is finished by force, may have left a
    journal that says something else than the file.
    """
    if session.state.has_told_targets and session.site.has_fleet:
        try:
            desired_state.write_again(session)
        except SartorisError as error:
            session.events.warn(f"targets that come back may not know the release: {error.message}")


def run_post_sync(session: Session) -> None:
    """Run the post-sync hooks. Raises `NotFinished`: the rollout stays open then."""
    state = session.state
    try:
        session.run_hooks(Phase.POST_SYNC, GIT_DEPLOY_RESULT=state.delivery.result)
    except HookFailed as error:
        raise NotFinished(
            f"{state.release} {state.delivery.reached}, but the rollout is not finished:"
            f" {error.message}",
            next_steps=[
                "git deploy resync   # runs the post-sync hooks again",
                "git deploy finish   # without them",
                "git deploy abort   # goes back to what was before",
            ],
        ) from error


def finalize(session: Session, *, loud: bool = True) -> None:
    """End the rollout, then run the hooks that follow a rollout; they can stop nothing any more.

    `loud`: the end is worth announcing, because no announcement of a sync comes with it.
    """
    state = session.state
    message = f"left behind: {', '.join(state.left_behind)}" if state.left_behind else ""
    session.ends()
    if state.action == "revert" and not state.delivery.is_ours:
        _mark_as_bad(session)
    session.end("finished", message)
    announcing.finished(session, loud=loud)
    session.run_all_hooks(Phase.POST_FINISH)


def _mark_as_bad(session: Session) -> None:
    """What was reverted from, now that it is certain that no abort brings it back."""
    state = session.state
    left = session.command.journal.rollout_of_source(state.start_commit, state.prefix)
    if left is not None:
        session.events.emit(Reverted(release=left.release or left.tag, rollout=state.rollout_tag))


def _require_tag(session: Session) -> None:
    """It was chosen, but a sync that was killed may not have made it."""
    tag, site = session.state.rollout_tag, session.site
    if not site.repository.has_tag(tag) and not site.options.force:
        raise NotComplete(
            f"{tag} was not made before the sync was interrupted",
            next_steps=["git deploy resync", "git deploy abort"],
        )


def _require_head(session: Session) -> None:
    state, site = session.state, session.site
    if site.repository.head() != state.source and not site.options.force:
        raise Refused(
            f"HEAD is not the commit of {state.rollout_tag}, which was rolled out",
            next_steps=[
                f"git log --oneline {state.source[:12]}..HEAD   # what was committed since",
                f"git reset --keep {state.source[:12]}",
                "git deploy finish",
            ],
        )
