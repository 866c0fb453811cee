"""What tells others of a rollout: mails, and the log."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from sartoris.diagnostics import Finding, ok, warning, wrong
from sartoris.integrations.logfile import NAME
from sartoris.permissions import how_to_make, is_of_a_group_to_join, let, way_in
from sartoris.rollout.site import Site
from sartoris.shell import command

_SENDMAIL = "/usr/sbin/sendmail -f"


def mail(site: Site) -> Iterator[Finding]:
    config = site.config
    to = site.options.mail_to or config.announce_mail
    if not config.send_mail_on:
        yield ok("mail", "none is sent: no deploy.send-mail-on-ACTION is set")
    elif not to:
        step = "git config deploy.announce-mail ADDRESS"
        yield warning(
            "mail", "deploy.send-mail-on-ACTION is set, deploy.announce-mail is not", step
        )
    elif problem := _problem_with(config.mail_tool):
        yield wrong("mail", f"deploy.mail-tool = {config.mail_tool}: {problem}", _a_mail_tool())
    else:
        yield ok("mail", f"to {to}, on {', '.join(sorted(config.send_mail_on))}")


def _a_mail_tool() -> str:
    if not _problem_with(_SENDMAIL):
        return f"git config deploy.mail-tool '{_SENDMAIL}'"
    return let(0, "apt-get install default-mta")


def _problem_with(tool: str) -> str:
    try:
        words = shlex.split(tool)
    except ValueError as error:
        return str(error)
    if not words or shutil.which(words[0]) is None:
        return "there is no such program"
    return ""


def log(site: Site) -> Iterator[Finding]:
    directory = site.config.log_directory
    if directory is None:
        yield ok("log", "no file: deploy.log-directory is not set")
    elif not directory.is_dir():
        yield wrong("log", f"{directory} is not a directory", how_to_make(directory))
    elif problem := _problem_in(directory):
        file = directory / NAME
        place = file if file.exists() else directory
        look = command("ls", "-ld", str(directory), str(file))
        yield wrong("log", problem, way_in(place) if is_of_a_group_to_join(place) else look)
    else:
        yield ok("log", str(directory / NAME))


def _problem_in(directory: Path) -> str:
    file = directory / NAME
    if not file.exists():
        may = os.access(directory, os.W_OK | os.X_OK)
        return "" if may else f"you may not write to {directory}"
    if not file.is_file():
        return f"{file} is not a file"
    return "" if os.access(file, os.W_OK) else f"you may not write to {file}"
