"""The options that every command knows, before the action (git-deploy's habit) or after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from sartoris.display import streams

F = TypeVar("F", bound=Callable[..., Any])

_META = "sartoris.options"
# Where the command keeps what is to be done when it ends.
RUNNING = "sartoris.running"


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep what was typed; what stands after the action wins, because it is parsed later."""
    name = parameter.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        context.meta.setdefault(_META, {})[name] = value
        if name == "json":
            context.meta["sartoris.json"] = bool(value)


def typed() -> dict[str, Any]:
    """The common options that were typed, by name."""
    return dict(click.get_current_context().meta.get(_META, {}))


def count() -> int:
    """How many to list; 0 for all."""
    said = typed().get("count")
    return 20 if said is None else int(said)


_Option = tuple[tuple[str, ...], dict[str, Any]]

_FLAG: dict[str, Any] = {"is_flag": True}

# What an action's own help shows too.
_COMMON: tuple[_Option, ...] = (
    (("--force",), {**_FLAG, "help": "Go past checks, and take over another's lock."}),
    (("--remote/--no-remote",), {"default": True, "help": "--no-remote: nothing by the network."}),
    (("--remote-site",), {"metavar": "NAME", "help": "The remote to use, instead of origin."}),
    (
        ("--remote-branch",),
        {"metavar": "NAME", "help": "The remote's branch, instead of the one yours follows."},
    ),
    (
        ("-m", "--message"),
        {
            "metavar": "TEXT",
            "multiple": True,  # each a paragraph, as git has it
            "help": "Why; goes into tag and lock (%TAG works).",
        },
    ),
    (
        ("--check-clean/--no-check-clean",),
        {"default": True, "help": "--no-check-clean: accept a tree that is not clean."},
    ),
    (("--skip-hooks", "--skip_hooks"), {**_FLAG, "help": "Run no hooks."}),
    (("--adopt",), {**_FLAG, "help": "Set aside what stands in the release's place."}),
    (("--json",), {**_FLAG, "help": "JSON on standard output: an event a line."}),
    (("-v", "--verbose"), {"count": True, "help": "Tell every step."}),
)

# Known everywhere, and told of in the help of `git deploy` itself.
_RARE: tuple[_Option, ...] = (
    (
        ("--prefix", "of_prefix"),
        {"metavar": "NAME", "help": "The prefix, instead of deploy.tag-prefix."},
    ),
    (
        ("--leave",),
        {**_FLAG, "help": "Let files at shared paths leave the site that are not copied."},
    ),
    (("--to-mail",), {"metavar": "ADDRESS", "help": "Where mails go, instead of announce-mail."}),
    (("--date-fmt",), {"metavar": "FORMAT", "help": "The date in tags, for strftime(3)."}),
    (("--deploy-file-name",), {"metavar": "FILE", "help": "Instead of deploy.deploy-file."}),
    (("--count",), {"type": int, "metavar": "N", "help": "How many to list; 0 for all."}),
    (("--long-digest",), {**_FLAG, "help": "Commit ids in full."}),
    (("--include-branches",), {**_FLAG, "help": "List branches too."}),
    (("--ignore-older-than",), {"metavar": "YYYYMMDD", "help": "List no tags from before."}),
)

# Questions, answered instead of taking an action.
_QUESTIONS: tuple[_Option, ...] = (
    (("--list", "--show-list"), {**_FLAG, "help": "List the tags of what is checked out."}),
    (("--list-all", "-a", "--show-all", "--all"), {**_FLAG, "help": "List all tags."}),
    (("--tag-only",), {**_FLAG, "help": "List names only."}),
    (("--show-tag",), {**_FLAG, "help": "Print the tag of what is checked out."}),
    (("--show-prefix",), {**_FLAG, "help": "Print the prefix."}),
    (("--show-hook-dir",), {**_FLAG, "help": "Print where the hooks are."}),
    (("--show-deploy-file",), {**_FLAG, "help": "Print the deploy file, if it is about HEAD."}),
    (("--make-tag",), {**_FLAG, "help": "Make a tag; needs --message."}),
)
QUESTIONS = tuple(names[0].lstrip("-").replace("-", "_") for names, _ in _QUESTIONS)


def common_options(command: F) -> F:
    """Give an action the common options."""
    rare = ((names, {**settings, "hidden": True}) for names, settings in _RARE)
    return _add((*_COMMON, *rare), command)


def common_options_but(*hidden: str) -> Callable[[F], F]:
    """As `common_options`, for an action that does not heed all of them: its help is shorter."""

    def decorate(command: F) -> F:
        options = (
            (names, {**settings, "hidden": True} if set(names) & set(hidden) else settings)
            for names, settings in _COMMON
        )
        rare = ((names, {**settings, "hidden": True}) for names, settings in _RARE)
        return _add((*options, *rare), command)

    return decorate


_OF_A_LOOK = ("--json", "-v", "--verbose")
# For an action that changes nothing.
looking_options = common_options_but(
    *(name for names, _ in _COMMON for name in names if name not in _OF_A_LOOK)
)


def group_options(command: F) -> F:
    """Give `git deploy` itself all options."""
    return _add((*_COMMON, *_RARE, *_QUESTIONS), command)


def group_names() -> tuple[set[str], set[str]]:
    """The names of the parameters that every action shows, and of those that only few need."""
    common, rare = (
        {click.Option(list(names)).name or "" for names, _ in options}
        for options in (_COMMON, _RARE)
    )
    return common, rare


def _add(options: Sequence[_Option], command: F) -> F:
    for names, settings in reversed(options):
        option = click.option(*names, expose_value=False, callback=_remember, **settings)
        command = option(command)
    return command


def leaving_options(command: F) -> F:
    """Give an action the two ways to go on without some targets."""
    return _add(
        (
            (
                ("--max-failed",),
                {"metavar": "N|N%", "help": "How many may fail, instead of deploy.max-failed."},
            ),
            (
                ("--without",),
                {
                    "metavar": "TARGET",
                    "multiple": True,
                    "help": "Leave this target out, this once.",
                },
            ),
        ),
        command,
    )


prefix_argument = click.argument("prefix", required=False)
list_option = click.option(
    "--list", "as_tags", is_flag=True, help="The tags, as git-deploy lists and numbers them."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Tell the plan and what would change; change nothing."
)


def say_dry_run() -> None:
    """The last words of a dry run."""
    streams.say("Dry run: nothing was tagged, sent or switched.")
