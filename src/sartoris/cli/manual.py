"""Writes the manual pages and the shell completions from the commands themselves.

`python -m sartoris.cli.manual FILE` prints one of `FILES`, `--all DIRECTORY` writes all of them.
`make docs` does so for `share/`, from where they are installed, and `make check` compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from sartoris.cli.completion import bash, zsh
from sartoris.cli.main import ALIASES, actions
from sartoris.cli.operator import operators
from sartoris.cli.options import QUESTIONS, group_names
from sartoris.cli.prose import DESCRIPTION, GIT_DEPLOY, SARTORIS, SARTORIS_END, Section


def git_deploy() -> str:
    """git-deploy(1), in man's macros (man(7))."""
    context = click.Context(actions, info_name="git deploy", **actions.context_settings)
    return _page(
        '.TH GIT\\-DEPLOY 1 "" Sartoris "Git Manual"',
        ".SH NAME",
        "git\\-deploy \\- deploy what is checked out to a fleet of servers",
        ".SH SYNOPSIS",
        ".nf",
        "\\fBgit deploy\\fR [options] \\fIACTION\\fR [\\fIPREFIX\\fR] [options]",
        "\\fBgit deploy\\fR [options] \\fB\\-\\-list\\fR | \\fB\\-\\-list\\-all\\fR"
        " | \\fB\\-\\-show\\-tag\\fR | ...",
        ".fi",
        *_section(Section("DESCRIPTION", DESCRIPTION)),
        ".SH ACTIONS",
        *_commands(actions, context),
        ".SH OPTIONS",
        "They may stand before the action or after it.",
        *_group_options(context),
        *(line for section in GIT_DEPLOY for line in _section(section)),
    )


def sartoris() -> str:
    """sartoris(1)."""
    context = click.Context(operators, info_name="sartoris", **operators.context_settings)
    return _page(
        '.TH SARTORIS 1 "" Sartoris Sartoris',
        ".SH NAME",
        "sartoris \\- set up and try deploying with git deploy",
        ".SH SYNOPSIS",
        "\\fBsartoris\\fR \\fICOMMAND\\fR [options]",
        *(line for section in SARTORIS for line in _section(section)),
        ".SH COMMANDS",
        *_commands(operators, context),
        ".SH OPTIONS",
        *_options(operators.get_params(context), context),
        *(line for section in SARTORIS_END for line in _section(section)),
    )


def _page(*lines: str) -> str:
    return "\n".join(['.\\" Written by `make docs` from the commands themselves.', *lines, ""])


def _section(section: Section) -> Iterator[str]:
    yield f".SH {_quoted(section.heading)}"
    for number, paragraph in enumerate(section.text.strip("\n").split("\n\n")):
        yield from _paragraph(paragraph, first=number == 0)


def _paragraph(text: str, *, first: bool) -> Iterator[str]:
    lines = text.split("\n")
    if text.startswith("= "):
        yield ".TP"
        yield _roff(lines[0][2:])
        yield from map(_roff, lines[1:])
        return
    if not first:
        yield ".PP"
    if text.startswith("    "):
        yield from (".RS 4", ".nf", *(_plain(line[4:]) for line in lines), ".fi", ".RE")
    else:
        yield from map(_roff, lines)


def _commands(group: click.Group, parent: click.Context) -> Iterator[str]:
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        context = click.Context(command, parent=parent, info_name=name)
        arguments = (_argument(p, context) for p in command.params if isinstance(p, click.Argument))
        yield ".TP"
        yield " ".join([f"\\fB{_plain(name)}\\fR", *arguments])
        yield from _about(command)
        also = [f"`{alias}`" for alias, action in ALIASES.items() if action == name]
        if group is actions and also:
            yield ".br"
            yield _roff(f"Also {', '.join(also)}.")
        yield from _own_options(command, context, besides=group.params)


def _argument(argument: click.Argument, context: click.Context) -> str:
    return re.sub(r"\w+", r"\\fI\g<0>\\fR", _plain(argument.make_metavar(context)))


def _about(command: click.Command) -> Iterator[str]:
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".sp"
        yield _roff(" ".join(paragraph.split()))


def _own_options(
    command: click.Command, context: click.Context, besides: Iterable[click.Parameter]
) -> Iterator[str]:
    common = {parameter.name for parameter in besides}
    own = [p for p in command.params if isinstance(p, click.Option) and p.name not in common]
    if own:
        yield ".RS"
        yield from _options(own, context)
        yield ".RE"


def _group_options(context: click.Context) -> Iterator[str]:
    """Those of every action, those that few need, and questions in place of an action."""
    common, rare = group_names()
    everywhere = [p for p in actions.params if p.name in common]
    rarely = [p for p in actions.params if p.name in rare]
    asking = [p for p in actions.params if p.name in QUESTIONS]
    rest = [p for p in actions.get_params(context) if p not in (*everywhere, *rarely, *asking)]
    yield from _options([*everywhere, *rest], context)
    yield '.SS "Less often"'
    yield from _options(rarely, context)
    yield '.SS "Questions, in place of an action"'
    yield from _options(asking, context)


def _options(options: Iterable[click.Parameter], context: click.Context) -> Iterator[str]:
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield re.sub(r"(?<![\w-])(-[\w-]+)", r"\\fB\1\\fR", record[0]).replace("-", "\\-")
            yield _roff(record[1])


def _roff(text: str) -> str:
    """Text for man: what stands between backticks in bold."""
    parts = re.split(r"`([^`]*)`", text)
    shown = [_escaped(p) if n % 2 == 0 else f"\\fB{_escaped(p)}\\fR" for n, p in enumerate(parts)]
    return _guarded("".join(shown))


def _plain(text: str) -> str:
    """Text that man shows as it is."""
    return _guarded(_escaped(text))


def _escaped(text: str) -> str:
    escapes = {"\\": "\\e", "-": "\\-", "`": "\\(ga", "'": "\\(aq", "~": "\\(ti", "^": "\\(ha"}
    return "".join(escapes.get(character, character) for character in text)


def _guarded(text: str) -> str:
    """A line that begins with a dot would be a command."""
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _quoted(heading: str) -> str:
    return f'"{heading}"' if " " in heading else heading


# Where each is installed, below share/.
FILES = {
    "man/man1/git-deploy.1": git_deploy,
    "man/man1/sartoris.1": sartoris,
    "bash-completion/completions/git-deploy": bash,
    "zsh/site-functions/_git-deploy": zsh,
}


def main(arguments: list[str]) -> None:
    if arguments[0] != "--all":
        sys.stdout.write(FILES[arguments[0]]())
        return
    for name, write in FILES.items():
        path = Path(arguments[1], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write())


if __name__ == "__main__":
    main(sys.argv[1:])
