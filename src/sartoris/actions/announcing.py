"""The turns of a rollout, told to whoever follows it: log hooks, listeners, mail.

None of this can stop a rollout: a mail that is not sent is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sartoris.actions.purge import CachesStale
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.events import Announced
from sartoris.hooks import Phase
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState

# Whatever the encoding in which the site writes its commits.
_UTF8 = "i18n.logOutputEncoding=UTF-8"


class NotFinished(SyncIncomplete):
    """The release is where it should be; something that follows a sync has failed."""


def announce(
    d: Deployment, state: RolloutState, message: str, *, level: str = "info", loud: bool = True
) -> None:
    """Tell listeners and the `log` hooks. `loud`: worth telling a channel."""
    d.events.emit(Announced(message=message, level=level, announce=loud))
    variables = {
        "GIT_DEPLOY_LOG_LEVEL": level,
        "GIT_DEPLOY_LOG_MESSAGE": message,
        "GIT_DEPLOY_LOG_ANNOUNCE": str(int(loud)),
    }
    d.hooks.run_all(Phase.LOG, d.hook_context(state, **variables))


def _kind(state: RolloutState) -> str:
    return {"hotfix": "hotfix", "revert": "revert"}.get(state.action, "rollout")


def starting(d: Deployment, state: RolloutState) -> None:
    kind = _kind(state)
    announce(d, state, f"{d.user} starts a {kind} of {state.prefix}; before it: {state.start_tag}")


def started(d: Deployment, state: RolloutState) -> None:
    kind = _kind(state)
    mail(
        d,
        state,
        f"{kind} of {state.prefix} started on {d.host}",
        f"{d.user} has started a {kind} of {state.prefix} on {d.host}.\n"
        f"Checked out before it: {state.start_tag} ({state.start_commit})\n",
    )


def pushed(d: Deployment, state: RolloutState, commit: str, merged: str) -> None:
    mail(
        d,
        state,
        f"hotfix of {state.prefix} pushed",
        f"{d.user} has pushed the hotfix {commit} of {state.prefix} from {d.host}.\n"
        f"It is merged with the remote's branch as {merged}.\n",
    )


def syncing(d: Deployment, state: RolloutState) -> None:
    announce(d, state, f"{d.user} syncs {state.prefix} to {state.rollout_tag} from {d.host}")


def by_hand(d: Deployment, state: RolloutState) -> None:
    announce(d, state, f"{state.prefix} is to be synchronised by hand, to {state.rollout_tag}")


def left_to_hand(d: Deployment, state: RolloutState) -> None:
    announce(d, state, f"{state.rollout_tag} is tagged, and waits to be synchronised by hand")
    _mail_sync(d, state, "tagged, to be synchronised by hand")


def released(d: Deployment, state: RolloutState) -> None:
    _mail_sync(d, state, "released")


def tagged(d: Deployment, state: RolloutState) -> None:
    """Of a tag outside of any rollout."""
    subject = f"{state.prefix} tagged: {state.rollout_tag}"
    mail(d, state, subject, f"{d.user} has tagged {state.source} on {d.host}.\n")


def converged(d: Deployment, told: str) -> None:
    """Of targets that were behind; `told` says which, and whether they are there now."""
    mail(d, None, f"{d.config.repo_name} converged on {d.host}", f"{told}\n")


def synced(d: Deployment, state: RolloutState) -> None:
    behind = f", without {', '.join(state.left_behind)}" if state.left_behind else ""
    level = "warning" if state.stale else "info"
    if state.stale:
        behind += f", but NOT PURGED on {', '.join(state.stale)}"
    announce(d, state, f"{state.prefix} is at {state.release} now{behind}", level=level)
    _mail_sync(d, state, f"live{behind}")


@contextmanager
def failures(d: Deployment, state: RolloutState) -> Iterator[None]:
    """Tell of a sync that fails in the body, and let its error go on.

    The post-sync hooks hear of it too, which can tell a failed sync from a complete one; but not
    of their own failure.
    """
    try:
        yield
    except NotFinished as error:
        announce(d, state, _first_line(error), level="warning")
        _mail_sync(d, state, "live, but not finished", error.message)
        raise
    except CachesStale:
        raise  # told with the sync, which is complete
    except SyncIncomplete as error:
        d.hooks.run_all(Phase.POST_SYNC, d.hook_context(state, GIT_DEPLOY_RESULT="incomplete"))
        told = f"the sync of {state.rollout_tag} is not complete: {_first_line(error)}"
        announce(d, state, told, level="warning")
        _mail_sync(d, state, "NOT COMPLETE", error.message)
        raise


def finished(d: Deployment, state: RolloutState) -> None:
    announce(d, state, f"the rollout of {state.rollout_tag} is finished")
    mail(
        d,
        state,
        f"rollout of {state.prefix} finished",
        f"The rollout of {state.rollout_tag} from {d.host} is finished.\n"
        f"It replaced {state.start_tag}.\n",
    )


def going_back(d: Deployment, state: RolloutState, tag: str) -> None:
    """In the middle of an abort: the working repository is back, the servers may not be."""
    what = f"the rollout of {state.rollout_tag or state.prefix} is aborted"
    if not tag:
        announce(d, state, f"{what}; back at {state.start_tag}")
    elif state.way == "hand":
        announce(d, state, f"{what}; the servers are NOT BACK, {tag} is for them", level="warning")
    else:
        announce(d, state, f"{what}; back to {state.start_tag} by {tag}")


def aborted(d: Deployment, state: RolloutState, not_back: str) -> None:
    what = state.rollout_tag or state.prefix
    if not_back:
        first = not_back.split("\n", 1)[0]
        announce(d, state, f"{what} is not taken back everywhere: {first}", level="warning")
    mail(
        d,
        state,
        f"rollout of {what} aborted",
        f"{d.user} has aborted the rollout of {what} on {d.host}.\nBack at {state.start_tag}.\n",
    )


def aborted_without_state(d: Deployment, state: RolloutState) -> None:
    what = f"the rollout of {state.prefix} is over without its state, and nothing was taken back"
    announce(d, state, what, level="warning")
    body = f"{d.user} has aborted it on {d.host}. `git deploy report` says what is live where.\n"
    mail(d, state, what, body)


def mail(
    d: Deployment, state: RolloutState | None, subject: str, body: str | Callable[[], str]
) -> None:
    """Send the mail of the action that runs, where `deploy.send-mail-on-ACTION` asks for it.

    A body that takes a while to write is a function, called only when there is a mail to send.
    """
    to = d.options.mail_to or d.config.announce_mail
    if d.action not in d.config.send_mail_on or not to or d.options.dry_run:
        return
    from sartoris.integrations.mail import Mailer

    try:
        name, _, address = d.me.who.rpartition(" ")
        mailer = Mailer(d.config.mail_tool, name, address.strip("<>"))
        text = body if isinstance(body, str) else body()
        if mailer.send(to, subject, f"{text}\n{_deployed(d, state)}"):
            d.events.note(f"mail sent to {to}")
    except SartorisError as error:
        d.events.warn(error.message)


def _first_line(error: SartorisError) -> str:
    return error.message.split("\n", 1)[0]


def _mail_sync(d: Deployment, state: RolloutState, how: str, more: str = "") -> None:
    subject = f"{state.prefix} {how}: {state.rollout_tag}"
    mail(d, state, subject, lambda: _what_ships(d, state, how, more))


def _what_ships(d: Deployment, state: RolloutState, how: str, more: str) -> str:
    """The commits by author and the files that changed, as a mail tells them."""
    since = f"{state.start_tag}..{state.rollout_tag}"
    git = d.repository.git
    shortlog = git.text("-c", _UTF8, "shortlog", "--format=%h %s", since)
    lines = [f"{state.prefix} is {how}: {state.rollout_tag}, from {d.host}.", ""]
    lines += [more, ""] if more else []
    lines += [f"Commits by author ({since}):", shortlog, ""]
    lines += ["Files:", git.text("diff", "--stat", since), ""]
    return "\n".join(lines)


def _deployed(d: Deployment, state: RolloutState | None) -> str:
    """What the deploy file says, once the rollout has a tag."""
    return deploy_text(d, state) if state and state.rollout_tag else ""
