"""The turns of a rollout, as events for whoever follows it: log hooks and mails are listeners.

None of them can stop a rollout: a mail that is not sent is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sartoris.errors import NotFinished, SartorisError, SyncIncomplete
from sartoris.events import Announced, MailOffered
from sartoris.hooks import Phase
from sartoris.rollout.command import Command
from sartoris.rollout.delivery import BY_HAND
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.session import Session
from sartoris.rollout.state import RolloutState


def announce(
    session: Session,
    message: str,
    *,
    topic: str = "",
    level: str = "info",
    loud: bool = True,
) -> None:
    """Say what happens in the rollout. `topic` "": in the command that runs.

    `loud`: worth telling a channel, not a repetition.
    """
    state = session.state
    session.events.emit(
        Announced(
            message=message,
            level=level,
            announce=loud,
            topic=topic or _topic(session),
            prefix=state.prefix,
            start_tag=state.start_tag,
            rollout_tag=state.rollout_tag,
        )
    )


def _topic(session: Session) -> str:
    """The command that brings the release. A revert where that is not ours is a sync at its end."""
    is_ours = session.state.delivery.is_ours
    return "sync" if session.action == "revert" and not is_ours else session.action


def _kind(state: RolloutState) -> str:
    return {"hotfix": "hotfix", "revert": "revert"}.get(state.action, "rollout")


def starting(session: Session) -> None:
    state, person = session.state, session.person
    kind = _kind(state)
    announce(
        session,
        f"{person.user} starts a {kind} of {state.prefix}; before it: {state.start_tag}",
        topic=state.action,
    )


def started(session: Session) -> None:
    state, person = session.state, session.person
    kind = _kind(state)
    mail(
        session,
        state.action,
        f"{kind} of {state.prefix} started on {person.host}",
        f"{person.user} has started a {kind} of {state.prefix} on {person.host}.\n"
        f"Checked out before it: {state.start_tag} ({state.start_commit})\n",
    )


def pushed(session: Session, commit: str, merged: str) -> None:
    state, person = session.state, session.person
    mail(
        session,
        "push-hotfix",
        f"hotfix of {state.prefix} pushed",
        f"{person.user} has pushed the hotfix {commit} of {state.prefix} from {person.host}.\n"
        f"It is merged with the remote's branch as {merged}.\n",
    )


def syncing(session: Session) -> None:
    state, person = session.state, session.person
    announce(
        session,
        f"{person.user} syncs {state.prefix} to {state.rollout_tag} from {person.host}",
        loud=session.action != "resync",
    )


def by_hand(session: Session) -> None:
    state = session.state
    announce(session, f"{state.prefix} is to be synchronised by hand, to {state.rollout_tag}")


def left_to_hand(session: Session) -> None:
    state = session.state
    announce(session, f"{state.rollout_tag} is tagged, and waits to be synchronised by hand")
    _mail_sync(session, "tagged, to be synchronised by hand")


def released(session: Session) -> None:
    _mail_sync(session, "released", topic="release")


def tagged(session: Session) -> None:
    """Of a tag outside of any rollout."""
    state, person = session.state, session.person
    subject = f"{state.prefix} tagged: {state.rollout_tag}"
    mail(session, "tag", subject, f"{person.user} has tagged {state.source} on {person.host}.\n")


def converged(command: Command, lines: str) -> None:
    """Of targets that were behind; `lines` say which, and whether they are there now."""
    subject = f"{command.site.config.repo_name} converged on {command.site.host}"
    command.events.emit(MailOffered(topic="converge", subject=subject, text=f"{lines}\n"))


def synced(session: Session) -> None:
    state = session.state
    behind = f", without {', '.join(state.left_behind)}" if state.left_behind else ""
    level = "warning" if state.stale else "info"
    if state.stale:
        behind += f", but NOT PURGED on {', '.join(state.stale)}"
    announce(session, f"{state.prefix} is at {state.release} now{behind}", level=level)
    _mail_sync(session, f"live{behind}")


@contextmanager
def failures(session: Session) -> Iterator[None]:
    """Tell of a sync that fails in the body, and let its error go on.

    The post-sync hooks hear of it too, which can tell a failed sync from a complete one; but not
    of their own failure. A stale cache is told with the sync, which is complete.
    """
    state = session.state
    try:
        yield
    except NotFinished as error:
        announce(session, _first_line(error), level="warning")
        _mail_sync(session, "live, but not finished", error.message)
        raise
    except SyncIncomplete as error:
        session.run_all_hooks(Phase.POST_SYNC, GIT_DEPLOY_RESULT="incomplete")
        message = f"the sync of {state.rollout_tag} is not complete: {_first_line(error)}"
        announce(session, message, level="warning")
        _mail_sync(session, "NOT COMPLETE", error.message)
        raise


def finished(session: Session, *, loud: bool) -> None:
    state, person = session.state, session.person
    announce(session, f"the rollout of {state.rollout_tag} is finished", topic="finish", loud=loud)
    mail(
        session,
        "finish",
        f"rollout of {state.prefix} finished",
        f"The rollout of {state.rollout_tag} from {person.host} is finished.\n"
        f"It replaced {state.start_tag}.\n",
    )


def going_back(session: Session, tag: str) -> None:
    """In the middle of an abort: the working repository is back, the servers may not be."""
    state = session.state
    what = f"the rollout of {state.rollout_tag or state.prefix} is aborted"
    if not tag:
        announce(session, f"{what}; back at {state.start_tag}", topic="abort")
    elif state.delivery is BY_HAND:
        message = f"{what}; the servers are NOT BACK, {tag} is for them"
        announce(session, message, topic="abort", level="warning")
    else:
        announce(session, f"{what}; back to {state.start_tag} by {tag}", topic="abort")


def aborted(session: Session, not_back: str) -> None:
    state, person = session.state, session.person
    what = state.rollout_tag or state.prefix
    if not_back:
        first = not_back.split("\n", 1)[0]
        message = f"{what} is not rolled back everywhere: {first}"
        announce(session, message, topic="abort", level="warning")
    mail(
        session,
        "abort",
        f"rollout of {what} aborted",
        f"{person.user} has aborted the rollout of {what} on {person.host}.\n"
        f"Back at {state.start_tag}.\n",
    )


def aborted_without_state(session: Session) -> None:
    state, person = session.state, session.person
    what = f"the rollout of {state.prefix} is over without its state, and nothing was taken back"
    announce(session, what, topic="abort", level="warning")
    body = f"{person.user} has aborted it on {person.host}. `git deploy report` says what is live"
    mail(session, "abort", what, f"{body} where.\n")


def mail(session: Session, topic: str, subject: str, text: str, commits: str = "") -> None:
    """Offer a mail to the site; it is sent where `deploy.send-mail-on-TOPIC` asks for it."""
    state = session.state
    deployed = deploy_text(session.site, state) if state.rollout_tag else ""
    session.events.emit(
        MailOffered(topic=topic, subject=subject, text=text, commits=commits, deploy_text=deployed)
    )


def _first_line(error: SartorisError) -> str:
    return error.message.split("\n", 1)[0]


def _mail_sync(session: Session, how: str, more: str = "", *, topic: str = "") -> None:
    """With the commits by author and the files that changed."""
    state, person = session.state, session.person
    lines = [f"{state.prefix} is {how}: {state.rollout_tag}, from {person.host}.", ""]
    lines += [more, ""] if more else []
    mail(
        session,
        topic or _topic(session),
        f"{state.prefix} {how}: {state.rollout_tag}",
        "".join(f"{line}\n" for line in lines),
        commits=f"{state.start_tag}..{state.rollout_tag}",
    )
