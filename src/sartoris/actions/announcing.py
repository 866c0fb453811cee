"""The turns of a rollout, told to whoever follows it: log hooks, listeners, mail.

None of this can stop a rollout: a mail that is not sent is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sartoris.actions.purge import CachesStale
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.events import Announced, EventStream
from sartoris.hooks import Phase
from sartoris.rollout.command import Command
from sartoris.rollout.delivery import BY_HAND
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.person import Person
from sartoris.rollout.session import Session
from sartoris.rollout.site import Site
from sartoris.rollout.state import RolloutState

# Whatever the encoding in which the site writes its commits.
_UTF8 = "i18n.logOutputEncoding=UTF-8"


class NotFinished(SyncIncomplete):
    """The release is where it should be; something that follows a sync has failed."""


def announce(session: Session, message: str, *, level: str = "info", loud: bool = True) -> None:
    """Tell listeners and the `log` hooks. `loud`: worth telling a channel."""
    session.events.emit(Announced(message=message, level=level, announce=loud))
    variables = {
        "GIT_DEPLOY_LOG_LEVEL": level,
        "GIT_DEPLOY_LOG_MESSAGE": message,
        "GIT_DEPLOY_LOG_ANNOUNCE": str(int(loud)),
    }
    session.run_all_hooks(Phase.LOG, **variables)


def _kind(state: RolloutState) -> str:
    return {"hotfix": "hotfix", "revert": "revert"}.get(state.action, "rollout")


def starting(session: Session) -> None:
    state, person = session.state, session.person
    kind = _kind(state)
    announce(
        session,
        f"{person.user} starts a {kind} of {state.prefix}; before it: {state.start_tag}",
    )


def started(session: Session) -> None:
    state, person = session.state, session.person
    kind = _kind(state)
    mail(
        session,
        f"{kind} of {state.prefix} started on {person.host}",
        f"{person.user} has started a {kind} of {state.prefix} on {person.host}.\n"
        f"Checked out before it: {state.start_tag} ({state.start_commit})\n",
    )


def pushed(session: Session, commit: str, merged: str) -> None:
    state, person = session.state, session.person
    mail(
        session,
        f"hotfix of {state.prefix} pushed",
        f"{person.user} has pushed the hotfix {commit} of {state.prefix} from {person.host}.\n"
        f"It is merged with the remote's branch as {merged}.\n",
    )


def syncing(session: Session) -> None:
    state, person = session.state, session.person
    announce(
        session,
        f"{person.user} syncs {state.prefix} to {state.rollout_tag} from {person.host}",
    )


def by_hand(session: Session) -> None:
    state = session.state
    announce(
        session,
        f"{state.prefix} is to be synchronised by hand, to {state.rollout_tag}",
    )


def left_to_hand(session: Session) -> None:
    state = session.state
    announce(session, f"{state.rollout_tag} is tagged, and waits to be synchronised by hand")
    _mail_sync(session, "tagged, to be synchronised by hand")


def released(session: Session) -> None:
    _mail_sync(session, "released")


def tagged(session: Session) -> None:
    """Of a tag outside of any rollout."""
    state, person = session.state, session.person
    subject = f"{state.prefix} tagged: {state.rollout_tag}"
    mail(
        session,
        subject,
        f"{person.user} has tagged {state.source} on {person.host}.\n",
    )


def converged(command: Command, told: str) -> None:
    """Of targets that were behind; `told` says which, and whether they are there now."""
    site = command.site
    if _is_wanted(site, "converge"):
        person = Person.of(site)
        subject = f"{site.config.repo_name} converged on {person.host}"
        _send(site, command.events, person.who, subject, f"{told}\n\n")


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
    of their own failure.
    """
    state = session.state
    try:
        yield
    except NotFinished as error:
        announce(session, _first_line(error), level="warning")
        _mail_sync(session, "live, but not finished", error.message)
        raise
    except CachesStale:
        raise  # told with the sync, which is complete
    except SyncIncomplete as error:
        session.run_all_hooks(Phase.POST_SYNC, GIT_DEPLOY_RESULT="incomplete")
        told = f"the sync of {state.rollout_tag} is not complete: {_first_line(error)}"
        announce(session, told, level="warning")
        _mail_sync(session, "NOT COMPLETE", error.message)
        raise


def finished(session: Session) -> None:
    state, person = session.state, session.person
    announce(session, f"the rollout of {state.rollout_tag} is finished")
    mail(
        session,
        f"rollout of {state.prefix} finished",
        f"The rollout of {state.rollout_tag} from {person.host} is finished.\n"
        f"It replaced {state.start_tag}.\n",
    )


def going_back(session: Session, tag: str) -> None:
    """In the middle of an abort: the working repository is back, the servers may not be."""
    state = session.state
    what = f"the rollout of {state.rollout_tag or state.prefix} is aborted"
    if not tag:
        announce(session, f"{what}; back at {state.start_tag}")
    elif state.delivery is BY_HAND:
        announce(session, f"{what}; the servers are NOT BACK, {tag} is for them", level="warning")
    else:
        announce(session, f"{what}; back to {state.start_tag} by {tag}")


def aborted(session: Session, not_back: str) -> None:
    state, person = session.state, session.person
    what = state.rollout_tag or state.prefix
    if not_back:
        first = not_back.split("\n", 1)[0]
        announce(session, f"{what} is not taken back everywhere: {first}", level="warning")
    mail(
        session,
        f"rollout of {what} aborted",
        f"{person.user} has aborted the rollout of {what} on {person.host}.\n"
        f"Back at {state.start_tag}.\n",
    )


def mail(session: Session, subject: str, body: str | Callable[[], str]) -> None:
    """Send the mail of the action that runs, where `deploy.send-mail-on-ACTION` asks for it.

    A body that takes a while to write is a function, called only when there is a mail to send.
    """
    site, person = session.site, session.person
    if _is_wanted(site, session.action):
        try:
            text = body if isinstance(body, str) else body()
        except SartorisError as error:
            session.events.warn(error.message)
            return
        _send(site, session.events, person.who, subject, f"{text}\n{_deployed(session)}")


def _is_wanted(site: Site, action: str) -> bool:
    to = site.options.mail_to or site.config.announce_mail
    return action in site.config.send_mail_on and bool(to) and not site.options.dry_run


def _send(site: Site, events: EventStream, who: str, subject: str, body: str) -> None:
    from sartoris.integrations.mail import Mailer

    to = site.options.mail_to or site.config.announce_mail or ""
    try:
        name, _, address = who.rpartition(" ")
        mailer = Mailer(site.config.mail_tool, name, address.strip("<>"))
        if mailer.send(to, subject, body):
            events.note(f"mail sent to {to}")
    except SartorisError as error:
        events.warn(error.message)


def _first_line(error: SartorisError) -> str:
    return error.message.split("\n", 1)[0]


def _mail_sync(session: Session, how: str, more: str = "") -> None:
    state = session.state
    subject = f"{state.prefix} {how}: {state.rollout_tag}"
    mail(session, subject, lambda: _what_ships(session, how, more))


def _what_ships(session: Session, how: str, more: str) -> str:
    """The commits by author and the files that changed, as a mail tells them."""
    state, person = session.state, session.person
    since = f"{state.start_tag}..{state.rollout_tag}"
    git = session.site.repository.git
    shortlog = git.text("-c", _UTF8, "shortlog", "--format=%h %s", since)
    lines = [
        f"{state.prefix} is {how}: {state.rollout_tag}, from {person.host}.",
        "",
    ]
    lines += [more, ""] if more else []
    lines += [f"Commits by author ({since}):", shortlog, ""]
    lines += ["Files:", git.text("diff", "--stat", since), ""]
    return "\n".join(lines)


def _deployed(session: Session) -> str:
    """What the deploy file says, once the rollout has a tag."""
    state = session.state
    return deploy_text(session.site, state) if state.rollout_tag else ""
