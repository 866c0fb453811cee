"""Who listens to the events of a command: wired here, and nowhere else, for the command line and
for a site's own sync scripts.

Those that show subscribe first, then those that act, because what these do is an event as well.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sartoris.display.hook_text import HookText
from sartoris.errors import SartorisError
from sartoris.events import CommandEnded, CommandStarted, EventStream

if TYPE_CHECKING:
    from sartoris.rollout.deployment import Deployment

# They begin a rollout, which has its name before anything is known of it.
_BEGINNING = ("start", "hotfix", "revert")


class Typed(NamedTuple):
    """A command as it was typed: its name, and all of its words, the program's first."""

    command: str
    words: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The words without the passwords of URLs, as they may be kept."""
        return tuple(re.sub(r"(?<=://)[^/@\s]+@", "***@", word) for word in self.words)


@contextmanager
def observed(
    d: Deployment, typed: Typed, exit_code_of: Callable[[BaseException], int]
) -> Iterator[None]:
    """Record all that the body does, from its first event to its exit code, and wire whoever the
    configuration asks for. Whoever shows it is subscribed already.

    Raises `JournalUnusable` before anything has happened, and `ConfigError`.
    """
    d.events.about(command=typed.command, session=_session(d, typed.command))
    problem = _problem_with_configuration(d)
    started = CommandStarted(argv=typed.shown, by=_who(d), host=d.host, process=os.getpid())
    with recorded(d.events, started, exit_code_of):
        if problem is not None:
            raise problem
        yield


def _problem_with_configuration(d: Deployment) -> SartorisError | None:
    """To be raised once the command has begun: that it was refused leaves a trace, too."""
    try:
        subscribe_configured(d)
    except SartorisError as error:
        return error
    return None


@contextmanager
def recorded(
    events: EventStream, started: CommandStarted, exit_code_of: Callable[[BaseException], int]
) -> Iterator[None]:
    """Tell of a command's start before the body runs, and of its end after, however it ends."""
    events.emit(started)
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        code = exit_code_of(error)
        events.emit(
            CommandEnded(
                exit_code=code,
                seconds=time.monotonic() - began,
                error=type(error).__name__ if code else "",
                message=_message(error) if code else "",
            )
        )
        raise
    events.emit(CommandEnded(exit_code=0, seconds=time.monotonic() - began))


def subscribe_configured(d: Deployment) -> None:
    """The listeners that the configuration asks for. Raises `ConfigError`."""
    d.events.about(repository=d.repository.top.name)  # until its configured name is known
    d.events.subscribe(HookText(), relayed=False)
    d.events.about(repository=d.config.repo_name)
    if d.config.log_directory is not None and not d.options.dry_run:
        _subscribe_logs(d, d.config.log_directory)
    if d.config.hook_dir is not None and not d.options.skip_hooks:
        from sartoris.hooks.log_hooks import LogHooks

        d.events.subscribe(LogHooks(lambda: d.hooks, lambda: d.sync_variables))
    to = d.options.mail_to or d.config.announce_mail
    if d.config.send_mail_on and to and not d.options.dry_run:
        _subscribe_mails(d, to)


def _subscribe_logs(d: Deployment, directory: Path) -> None:
    from sartoris.integrations.logfile import LogFile

    d.events.subscribe(LogFile(directory, d.user, d.events.warn), relayed=False)
    if d.config.log_timing_data:
        from sartoris.integrations.timing import Timing

        d.events.subscribe(Timing(directory, d.events.warn))


def _subscribe_mails(d: Deployment, to: str) -> None:
    from sartoris.integrations.mails import Mails

    d.events.subscribe(
        Mails(
            topics=d.config.send_mail_on,
            to=to,
            tool=d.config.mail_tool,
            person=lambda: d.me.who,
            git=d.repository.git,
            events=d.events,
        ),
        relayed=False,
    )


def _session(d: Deployment, command: str) -> str:
    """The rollout under way, or the one that this command is to begin; "" for none."""
    try:
        state = d.state_file.read()
        if state is not None:
            return state.session
        return d.me.session if command in _BEGINNING else ""
    except SartorisError:  # the command says so, if it matters
        return ""


def _who(d: Deployment) -> str:
    try:
        return d.me.who
    except SartorisError:
        return d.user


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, SartorisError) else str(error)
