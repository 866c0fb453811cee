"""Who listens to the events of a command: wired here, and nowhere else, for the command line and
for a site's own sync scripts.

Those that show subscribe first, then those that act, because what these do is an event as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sartoris.display.hook_text import HookText
from sartoris.errors import SartorisError
from sartoris.events import CommandEnded, CommandStarted, EventStream
from sartoris.git.urls import masked
from sartoris.journal.recorder import Recorder
from sartoris.journal.store import Journal
from sartoris.rollout.person import require_identity
from sartoris.rollout.site import login

if TYPE_CHECKING:
    from sartoris.git.repository import Repository
    from sartoris.rollout.command import Command
    from sartoris.rollout.site import Site

# They begin a rollout, which has its name before anything is known of it.
BEGINNING = ("start", "hotfix", "revert")


class Typed(NamedTuple):
    """A command as it was typed: its name, and all of its words, the program's first."""

    command: str
    words: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The words without the passwords of URLs, as they may be kept."""
        return tuple(map(masked, self.words))


@contextmanager
def observed(
    command: Command, typed: Typed, exit_code_of: Callable[[BaseException], int]
) -> Iterator[None]:
    """Record all that the body does, from its first event to its exit code, and wire whoever the
    configuration asks for. Whoever shows it is subscribed already.
    """
    command.events.about(session=_session(command))
    subscribe_configured(command)
    started = _started(command.site.repository, typed, command.site.user)
    with recorded(command.events, started, exit_code_of):
        yield


def record_refusal(
    repository: Repository,
    typed: Typed,
    error: SartorisError,
    exit_code_of: Callable[[BaseException], int],
) -> None:
    """Leave a trace of a command whose configuration cannot be read: it has begun, and ended."""
    directory = repository.git_dir / "deploy"
    try:
        journal = Journal(directory / "journal.sqlite")
    except (SartorisError, OSError):
        return  # the error at hand is the one to tell
    with closing(journal):
        events = EventStream(Recorder(lambda: journal))
        # Until its configured name is known.
        events.about(command=typed.command, repository=repository.top.name)
        with (
            suppress(SartorisError),
            recorded(events, _started(repository, typed, login()), exit_code_of),
        ):
            raise error


def _started(repository: Repository, typed: Typed, user: str) -> CommandStarted:
    by = repository.identity() or user
    return CommandStarted(argv=typed.shown, by=by, host=os.uname().nodename, process=os.getpid())


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


def subscribe_configured(command: Command) -> None:
    """The listeners that the configuration asks for."""
    site, events = command.site, command.events
    config, options = site.config, site.options
    events.subscribe(HookText(), relayed=False)
    if config.log_directory is not None and not options.dry_run:
        _subscribe_logs(site, events, config.log_directory)
    if config.hook_dir is not None and not (options.skip_hooks or options.dry_run):
        from sartoris.hooks.log_hooks import LogHooks

        events.subscribe(LogHooks(command.hooks, command.hook_variables))
    to = options.mail_to or config.announce_mail
    if config.send_mail_on and to and not options.dry_run:
        _subscribe_mails(site, events, to)


def _subscribe_logs(site: Site, events: EventStream, directory: Path) -> None:
    from sartoris.integrations.logfile import LogFile

    events.subscribe(LogFile(directory, site.user, events.warn), relayed=False)
    if site.config.log_timing_data:
        from sartoris.integrations.timing import Timing

        events.subscribe(Timing(directory, events.warn))


def _subscribe_mails(site: Site, events: EventStream, to: str) -> None:
    from sartoris.integrations.mails import Mails

    events.subscribe(
        Mails(
            topics=site.config.send_mail_on,
            to=to,
            tool=site.config.mail_tool,
            person=lambda: require_identity(site.repository),
            git=site.repository.git,
            events=events,
        ),
        relayed=False,
    )


def _session(command: Command) -> str:
    """The rollout in progress, or the one that this command is to begin; "" for none."""
    try:
        state = command.records.state.read()
    except SartorisError:  # the command says so, if it matters
        return ""
    if state is not None:
        return state.session
    return command.new_session if command.name in BEGINNING else ""


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, SartorisError) else str(error)
