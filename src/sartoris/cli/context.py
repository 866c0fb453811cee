"""From what was typed to a deployment whose events somebody shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sartoris.cli import boundary
from sartoris.cli.options import RUNNING, typed
from sartoris.errors import Refused, WrongUsage
from sartoris.rollout.deployment import Deployment
from sartoris.rollout.options import Options

if TYPE_CHECKING:
    from sartoris.observers import Typed


def deployment(
    prefix: str | None = None, *, dry_run: bool = False, question: bool = False
) -> Deployment:
    """The deployment of the current directory, until the command ends. Raises `NotARepository`.

    A `question` (status, report, show) has an answer of its own: neither its start and end nor its
    events are shown or recorded, but for what targets answered.
    """
    options = _options(prefix, dry_run)
    if dry_run:
        from sartoris.actions.rehearsal import Rehearsal

        made: Deployment = Rehearsal(_here(), options)
    else:
        made = Deployment(_here(), options)
    until_the_end = running()
    until_the_end.callback(made.close)
    if not question:
        from sartoris.observers import observed

        _subscribe_display(made)
        until_the_end.enter_context(observed(made, _typed(), boundary.code_of))
    return made


def running() -> ExitStack:
    """What has to be done when the command ends, with the error by which it does."""
    stack = click.get_current_context().meta[RUNNING]
    assert isinstance(stack, ExitStack)
    return stack


def _typed() -> Typed:
    from sartoris.observers import Typed

    context = click.get_current_context()
    asked = context.parent is None  # `git deploy --make-tag`
    command = "tag" if asked else context.command.name or ""
    return Typed(command, ("git deploy", *context.find_root().obj))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        step = "cd to the repository that you deploy from"
        raise Refused("the current directory is gone", next_steps=[step]) from error


def wants_json() -> bool:
    return bool(typed().get("json"))


def _options(prefix: str | None, dry_run: bool) -> Options:
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
        date_format=_date_format(said.get("date_fmt")),
        deploy_file=_deploy_file(said.get("deploy_file_name")),
        mail_to=said.get("to_mail") or os.environ.get("LIVE_EMAIL_ADDR"),
        dry_run=dry_run,
        show_most=1000 if _is_verbose() else 30 if dry_run else 10,
    )


def _is_verbose() -> bool:
    return bool(typed().get("verbose") or os.environ.get("GIT_DEPLOY_VERBOSE", "0") != "0")


def _date_format(text: str | None) -> str | None:
    from sartoris.config.values import parse_date_format

    return _checked("--date-fmt", text, parse_date_format)


def _deploy_file(text: str | None) -> str | None:
    from sartoris.config.values import parse_path_inside

    return _checked("--deploy-file-name", text, parse_path_inside)


def _checked(option: str, text: str | None, parse: Callable[[str], str]) -> str | None:
    """What was typed, checked as the configuration key of the same meaning is."""
    from sartoris.config.values import BadValue

    try:
        return None if text is None else parse(text)
    except BadValue as error:
        raise WrongUsage(f"{option} {text!r} {error}") from error


def _subscribe_display(d: Deployment) -> None:
    if wants_json():
        from sartoris.cli.jsonlines import JsonLines

        d.events.subscribe(JsonLines(sys.stdout, dry_run=d.options.dry_run))
        return
    settings = {"verbose": _is_verbose(), "dry_run": d.options.dry_run}
    if sys.stderr.isatty():
        from sartoris.cli.live import LiveLines

        d.events.subscribe(LiveLines(**settings), relayed=False)
        return
    from sartoris.display.lines import Lines

    d.events.subscribe(Lines(**settings), relayed=False)
