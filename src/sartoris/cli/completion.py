"""The completions for bash and zsh, written from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

import click

from sartoris.cli import documentation
from sartoris.cli.main import ALIASES, COMMANDS, actions
from sartoris.cli.options import QUESTIONS

_ALONE = (*QUESTIONS, "version")  # of no use beside an action


def bash() -> str:
    """For bash: git's own completion calls `_git_deploy`."""
    return _filled(
        "git-deploy.bash",
        ACTIONS=" ".join(COMMANDS),
        OTHER_NAMES=" ".join(ALIASES),
        TOPICS=" ".join(["manual", *(one.name for one in documentation.topics())]),
        OPTIONS=" ".join(_names(p for p in actions.params if p.name not in _ALONE)),
        QUESTIONS=" ".join(_names(p for p in actions.params if p.name in QUESTIONS)),
        WITH_VALUE=" ".join(_with_value(actions.params)),
        OWN_OPTIONS="\n".join(
            f'            {action}) options="$options {" ".join(names)}" ;;'
            for action, names in _own()
        ),
    )


def zsh() -> str:
    """For zsh, whose completion of git calls `_git-deploy`."""
    return _filled(
        "git-deploy.zsh",
        ACTIONS="\n".join(f"    {name}:{_quoted(text)}" for name, (_, text) in COMMANDS.items()),
        OTHER_NAMES=" ".join(ALIASES),
        TOPICS=" ".join(["manual", *(one.name for one in documentation.topics())]),
        OPTIONS=" ".join(_names(p for p in actions.params if p.name not in _ALONE)),
        QUESTIONS=" ".join(_names(p for p in actions.params if p.name in QUESTIONS)),
        WITH_VALUE=" ".join(_with_value(actions.params)),
        OWN_OPTIONS="\n".join(
            f"      {action}) options+=({' '.join(names)}) ;;" for action, names in _own()
        ),
    )


def _filled(name: str, **texts: str) -> str:
    """A template of this package with its `@NAME@` filled in."""
    template = files("sartoris.cli").joinpath("completions", name).read_text()
    for placeholder, text in texts.items():
        template = template.replace(f"@{placeholder}@", text)
    return template


def _own() -> Iterator[tuple[str, list[str]]]:
    """The options that only one action has."""
    common = set(_names(actions.params))
    context = click.Context(actions)
    for action in COMMANDS:
        command = actions.get_command(context, action)
        assert command is not None
        names = [name for name in _names(command.params) if name not in common]
        if names:
            yield action, names


def _names(parameters: Iterable[click.Parameter]) -> list[str]:
    """Of each option one long name, and the one that says no."""
    options = [p for p in parameters if isinstance(p, click.Option)]
    return [
        name
        for p in options
        for names in (p.opts, p.secondary_opts)
        for name in [name for name in names if name.startswith("--")][:1]
    ]


def _with_value(parameters: Iterable[click.Parameter]) -> list[str]:
    """The names of options whose value is the next word."""
    return [
        name
        for p in parameters
        if isinstance(p, click.Option) and not p.is_flag and not p.count
        for name in p.opts
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''").replace(":", "\\:") + "'"
