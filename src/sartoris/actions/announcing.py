"""The turns of a rollout, as events for whoever follows it: log hooks and mails are listeners.

None of them can stop a rollout: a mail that is not sent is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sartoris.actions.purge import CachesStale
from sartoris.errors import SartorisError, SyncIncomplete
from sartoris.events import Announced, MailOffered
from sartoris.hooks import Phase
from sartoris.rollout.deploy_file import deploy_text
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import RolloutState


class NotFinished(SyncIncomplete):
    """The release is where it should be; something that follows a sync has failed."""


def announce(
    d: Deployment,
    state: RolloutState,
    message: str,
    *,
    topic: str = "",
    level: str = "info",
    loud: bool = True,
) -> None:
    """Say what happens in the rollout. `topic` "": in the command that runs.

    `loud`: worth telling a channel.
    """
    d.events.emit(
        Announced(
            message=message,
            level=level,
            announce=loud,
            topic=topic or _topic(d, state),
            prefix=state.prefix,
            start_tag=state.start_tag,
            rollout_tag=state.rollout_tag,
        )
    )


def _topic(d: Deployment, state: RolloutState) -> str:
    """The command that brings the release. A revert where that is not ours is a sync at its end."""
    command = d.events.envelope.command or state.action
    return "sync" if command == "revert" and state.way != "fleet" else command


def _kind(state: RolloutState) -> str:
    return {"hotfix": "hotfix", "revert": "revert"}.get(state.action, "rollout")


def starting(d: Deployment, state: RolloutState) -> None:
    kind = _kind(state)
    announce(
        d,
        state,
        f"{d.user} starts a {kind} of {state.prefix}; before it: {state.start_tag}",
        topic=state.action,
    )


def started(d: Deployment, state: RolloutState) -> None:
    kind = _kind(state)
    mail(
        d,
        state,
        state.action,
        f"{kind} of {state.prefix} started on {d.host}",
        f"{d.user} has started a {kind} of {state.prefix} on {d.host}.\n"
        f"Checked out before it: {state.start_tag} ({state.start_commit})\n",
    )


def pushed(d: Deployment, state: RolloutState, commit: str, merged: str) -> None:
    mail(
        d,
        state,
        "push-hotfix",
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
    _mail_sync(d, state, "released", topic="release")


def tagged(d: Deployment, state: RolloutState) -> None:
    """Of a tag outside of any rollout."""
    subject = f"{state.prefix} tagged: {state.rollout_tag}"
    mail(d, state, "tag", subject, f"{d.user} has tagged {state.source} on {d.host}.\n")


def converged(d: Deployment, told: str) -> None:
    """Of targets that were behind; `told` says which, and whether they are there now."""
    mail(d, None, "converge", f"{d.config.repo_name} converged on {d.host}", f"{told}\n")


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
    announce(d, state, f"the rollout of {state.rollout_tag} is finished", topic="finish")
    mail(
        d,
        state,
        "finish",
        f"rollout of {state.prefix} finished",
        f"The rollout of {state.rollout_tag} from {d.host} is finished.\n"
        f"It replaced {state.start_tag}.\n",
    )


def going_back(d: Deployment, state: RolloutState, tag: str) -> None:
    """In the middle of an abort: the working repository is back, the servers may not be."""
    what = f"the rollout of {state.rollout_tag or state.prefix} is aborted"
    if not tag:
        announce(d, state, f"{what}; back at {state.start_tag}", topic="abort")
    elif state.way == "hand":
        told = f"{what}; the servers are NOT BACK, {tag} is for them"
        announce(d, state, told, topic="abort", level="warning")
    else:
        announce(d, state, f"{what}; back to {state.start_tag} by {tag}", topic="abort")


def aborted(d: Deployment, state: RolloutState, not_back: str) -> None:
    what = state.rollout_tag or state.prefix
    if not_back:
        first = not_back.split("\n", 1)[0]
        told = f"{what} is not taken back everywhere: {first}"
        announce(d, state, told, topic="abort", level="warning")
    mail(
        d,
        state,
        "abort",
        f"rollout of {what} aborted",
        f"{d.user} has aborted the rollout of {what} on {d.host}.\nBack at {state.start_tag}.\n",
    )


def mail(
    d: Deployment,
    state: RolloutState | None,
    topic: str,
    subject: str,
    text: str,
    commits: str = "",
) -> None:
    """Offer a mail to the site; it is sent where `deploy.send-mail-on-TOPIC` asks for it."""
    tagged = state is not None and bool(state.rollout_tag)
    deployed = deploy_text(d, state) if state is not None and tagged else ""
    d.events.emit(
        MailOffered(topic=topic, subject=subject, text=text, commits=commits, deploy_text=deployed)
    )


def _first_line(error: SartorisError) -> str:
    return error.message.split("\n", 1)[0]


def _mail_sync(
    d: Deployment, state: RolloutState, how: str, more: str = "", *, topic: str = ""
) -> None:
    """With the commits by author and the files that changed."""
    lines = [f"{state.prefix} is {how}: {state.rollout_tag}, from {d.host}.", ""]
    lines += [more, ""] if more else []
    mail(
        d,
        state,
        topic or _topic(d, state),
        f"{state.prefix} {how}: {state.rollout_tag}",
        "".join(f"{line}\n" for line in lines),
        commits=f"{state.start_tag}..{state.rollout_tag}",
    )
