"""From what was typed to the site and the command that an action works with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from sartoris.cli import boundary
from sartoris.cli.confirming import Asking
from sartoris.cli.options import RUNNING, typed
from sartoris.config import ConfigError, CountOrPercent
from sartoris.errors import Refused, SartorisError, WrongUsage
from sartoris.git.repository import Repository
from sartoris.rollout.options import Options
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.rollout.command import Command

T = TypeVar("T")


def open_site(prefix: str | None = None, *, dry_run: bool = False) -> Site:
    """The site of the current directory. Raises `NotARepository`, `ConfigError`."""
    return Site.at(here(), options(prefix, dry_run=dry_run))


def open_command(
    prefix: str | None = None,
    *,
    name: str = "",
    dry_run: bool = False,
    shown: bool = True,
    yes: bool = False,
    new_prefix: bool = False,
) -> Command:
    """A command of the current directory, named as it was typed, or by `name`.

    `yes` is the answer to what it may ask, `new_prefix` what was said of the prefix.

    Its events are shown, unless it has an answer of its own (report, service status). Raises what
    `open_site` does, and `JournalUnusable`.
    """
    from sartoris import observers
    from sartoris.observers import BEGINNING, Typed
    from sartoris.queries.taken_over import taken_over
    from sartoris.rollout.command import Command

    repository = Repository.meant(here())
    until_the_end, words = running(), ("git deploy", *click.get_current_context().find_root().obj)
    name = name or click.get_current_context().command.name or ""
    said = options(prefix, dry_run=dry_run)._replace(new_prefix=new_prefix)
    try:
        site = Site.of(repository, said)
    except ConfigError as error:
        if shown and not dry_run:
            observers.record_refusal(repository, Typed(name, words), error, boundary.code_of)
        raise
    if name not in BEGINNING:
        site = as_in_rollout(site)
    make = Command.rehearse if dry_run else Command.open if shown else Command.look
    made = replace(make(name, site), ask=Asking(words[1:], yes=yes or dry_run or said.force))
    until_the_end.callback(made.close)
    if shown:
        _subscribe_display(site, made.events)
        observed = observers.observed(made, Typed(name, words), boundary.code_of)
        told = taken_over(site)  # before this command is the person's last
        until_the_end.enter_context(observed)
        for line in told:
            made.events.warn(line)
    return made


def as_in_rollout(site: Site) -> Site:
    """The site, in the slot and with the remote that were typed at the start of the rollout in
    progress.

    What is typed now counts more.
    """
    said, records = typed(), Records(site)
    if not records.lock.path.exists():
        return site
    try:
        state = records.state.read()
    except SartorisError:  # the command says so, if it matters
        return site
    if state is None:
        return site
    options = site.options
    if options.prefix is None:
        site = site.in_slot(state.prefix)
    if state.remote_site and not said.get("remote_site"):
        options = options._replace(remote_site=state.remote_site)
    if state.remote_branch and not said.get("remote_branch"):
        options = options._replace(remote_branch=state.remote_branch)
    return replace(site, options=options)


def name_deciding_files(error: SartorisError) -> None:
    """Where the error advises to set a key that another file decides, have it name that file."""
    if not any(step.startswith("git config ") for step in error.next_steps):
        return
    from sartoris.config.sources import with_deciding_files

    with suppress(SartorisError, OSError):
        found = Repository.meant(here())
        error.next_steps = with_deciding_files(
            error.next_steps, found.git, git_dir=found.git_dir, top=found.top
        )


def running() -> ExitStack:
    """What has to be done when the command ends, with the error by which it does."""
    stack = click.get_current_context().meta[RUNNING]
    assert isinstance(stack, ExitStack)
    return stack


def here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        step = "cd to the repository that you deploy from"
        raise Refused("the current directory is gone", next_steps=[step]) from error


def wants_json() -> bool:
    return bool(typed().get("json"))


def options(prefix: str | None = None, *, dry_run: bool = False) -> Options:
    """What was typed, and the environment variables of git-deploy."""
    said = typed()
    return Options(
        prefix=said.get("of_prefix") or prefix,
        force=bool(said.get("force")),
        remote=said.get("remote") is not False,
        remote_site=said.get("remote_site") or "origin",
        remote_branch=said.get("remote_branch"),
        message="\n\n".join(said.get("message") or ()),
        check_clean=said.get("check_clean") is not False,
        skip_hooks=bool(said.get("skip_hooks")),
        adopt=bool(said.get("adopt")),
        leave=bool(said.get("leave")),
        date_format=_date_format(said.get("date_fmt")),
        deploy_file=_deploy_file(said.get("deploy_file_name")),
        mail_to=said.get("to_mail") or os.environ.get("LIVE_EMAIL_ADDR"),
        dry_run=dry_run,
        max_failed=_max_failed(said.get("max_failed")),
        without=tuple(said.get("without") or ()),
        show_most=1000 if is_verbose() else 30 if dry_run else 10,
    )


def is_verbose() -> bool:
    return bool(typed().get("verbose") or os.environ.get("GIT_DEPLOY_VERBOSE", "0") != "0")


def _date_format(text: str | None) -> str | None:
    from sartoris.config.values import parse_date_format

    return _checked("--date-fmt", text, parse_date_format)


def _deploy_file(text: str | None) -> str | None:
    from sartoris.config.values import parse_path_inside

    return _checked("--deploy-file-name", text, parse_path_inside)


def _max_failed(text: str | None) -> CountOrPercent | None:
    from sartoris.config.values import parse_share

    return _checked("--max-failed", text, parse_share)


def _checked(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """What was typed, checked as the configuration key of the same meaning is."""
    from sartoris.config.values import BadValue

    try:
        return None if text is None else parse(text)
    except BadValue as error:
        raise WrongUsage(f"{option} {text!r} {error}") from error


def _subscribe_display(site: Site, events: EventStream) -> None:
    dry_run = site.options.dry_run
    if wants_json():
        from sartoris.cli.jsonlines import JsonLines

        events.subscribe(JsonLines(sys.stdout, dry_run=dry_run))
        return
    settings = {"verbose": is_verbose(), "dry_run": dry_run}
    if sys.stderr.isatty():
        from sartoris.cli.live import LiveLines

        events.subscribe(LiveLines(**settings), relayed=False)
        return
    from sartoris.display.log_lines import LogLines

    events.subscribe(LogLines(**settings), relayed=False)
