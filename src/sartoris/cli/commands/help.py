"""`git deploy help`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from difflib import get_close_matches
from itertools import groupby

import click

from sartoris.cli import documentation
from sartoris.cli.main import ALIASES, COMMANDS, actions
from sartoris.display import streams
from sartoris.errors import Refused

_MANUAL = "manual"
_INSTEAD = "`git deploy help commands` has all actions"


@click.command("help")
@click.argument("topic", required=False)
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """Show a page of the documentation, or the options of an action; without a TOPIC, list them.

    `git deploy help manual` is the manual page.
    """
    if topic is None:
        streams.print_text(_list(context))
    elif (action := ALIASES.get(topic.lower(), topic.lower())) in COMMANDS:
        streams.print_text(_options(context, action))
    elif topic.lower() == _MANUAL:
        context.exit(_show_manual())
    else:
        _show(documentation.page(_known(context, topic)))


def _list(context: click.Context) -> str:
    lines = context.make_formatter()
    lines.write_text("`git deploy help TOPIC` shows one of these pages:")
    lines.write_paragraph()
    with lines.indentation():
        about = "all actions, options and exit codes: the manual page, as `git help deploy` has it"
        lines.write_dl([(_MANUAL, about)])
    for readers, topics in groupby(documentation.topics(), key=lambda one: one.readers):
        with lines.section(readers.rstrip(":")):
            lines.write_dl([(one.name, one.about) for one in topics], col_max=16)
    with lines.section("The options of an action, as with -h: `git deploy help ACTION`"):
        lines.write_text(" ".join(COMMANDS))
    return f"{lines.getvalue()}\nThe pages are files in {documentation.directory()}"


def _options(context: click.Context, action: str) -> str:
    group = context.find_root()
    meant = actions.get_command(group, action)
    assert meant is not None
    return meant.get_help(click.Context(meant, parent=group, info_name=action))


def _known(context: click.Context, topic: str) -> str:
    """The topic as it is called. A page's name with its ending will do."""
    names = [one.name for one in documentation.topics()]
    name = topic.lower().removeprefix("docs/").removesuffix(".md")
    if name not in names:
        meant = get_close_matches(name, [*names, *COMMANDS, _MANUAL], n=1)
        hint = f" Did you mean {meant[0]}?" if meant else " git deploy help lists them."
        context.fail(f"There is no topic {topic!r}.{hint}")
    return name


def _show(text: str) -> None:
    if not sys.stdout.isatty():
        streams.print_text(text.rstrip("\n"))
        return
    os.environ.setdefault("LESS", "FRX")  # as git has it
    click.echo_via_pager(_rendered(text), color=True)


def _rendered(text: str) -> str:
    """A page for a terminal: no line is wider than that, and tables are tables."""
    from rich.console import Console
    from rich.markdown import Markdown

    width = min(shutil.get_terminal_size().columns, 100)
    console = Console(width=width, force_terminal=True)
    with console.capture() as captured:
        console.print(Markdown(text, hyperlinks=False))
    return captured.get()


def _show_manual() -> int:
    page = documentation.manual_page()
    if page is None:
        raise Refused(f"the manual page is not installed; {_INSTEAD}")
    if shutil.which("man") is None:
        raise Refused(f"man is not installed (Debian: man-db); {_INSTEAD}")
    return subprocess.run(["man", str(page)], check=False).returncode
