"""`git deploy`: which commands there are. Each is imported when it is typed."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

# Defining what is imported makes no garbage; looking for it takes a tenth of a short command.
gc.set_threshold(50_000)

import click  # noqa: E402

from sartoris import __version__  # noqa: E402
from sartoris.cli import boundary  # noqa: E402
from sartoris.cli.options import QUESTIONS, RUNNING, group_options, typed  # noqa: E402
from sartoris.display import streams  # noqa: E402
from sartoris.errors import MachineTrouble, SartorisError  # noqa: E402

# Action: module in sartoris.cli.commands, and what it does, as `git deploy -h` shows it.
COMMANDS: dict[str, tuple[str, str]] = {
    "start": ("start", "Begin a rollout: take the lock, get the newest commit."),
    "hotfix": ("hotfix", "Begin a rollout without a pull, to put a fix on top."),
    "push-hotfix": ("push_hotfix", "Merge and push the hotfix, and return to it."),
    "sync": ("sync", "Tag what is checked out and bring it to the fleet."),
    "ship": ("ship", "Start, sync and finish in one command."),
    "manual-sync": ("manual_sync", "Tag what is checked out; you synchronise by hand."),
    "release": ("release", "Tag what is checked out and finish, without a sync."),
    "finish": ("finish", "End a rollout (a complete sync does it by itself)."),
    "abort": ("abort", "Give the rollout up, and put everything back."),
    "resync": ("resync", "Repeat the sync for targets that are not there yet."),
    "revert": ("revert", "Make an earlier release live again."),
    "rollback": ("rollback", "Make the release before this one live again."),
    "converge": ("converge", "Bring targets that were away to the desired state."),
    "away": ("away", "Leave a dead target out of rollouts until it is back."),
    "back": ("back", "Bring a target that was away up to date, and count it again."),
    "service": ("service", "Restart or reload the service, or ask how it is."),
    "shared": ("shared", "Tell what lives on across releases, or copy to it."),
    "status": ("status", "Tell whether a rollout is in progress, and how far."),
    "report": ("report", "Tell what is live where."),
    "slot": ("slot", "List the slots, and which release each should have."),
    "history": ("history", "List the rollouts, or tell one event by event."),
    "doctor": ("doctor", "Tell what is wrong with the set-up of this server."),
    "config": ("config", "List the configuration in force, and where it comes from."),
    "help": ("help", "Show the documentation, or the options of an action."),
    "check": ("check", "Tell whether a rollout could start."),
    "tag": ("tag", "Tag what is checked out, outside of a rollout."),
    "show": ("show", "List the releases that were live, newest first."),
    "show-tag": ("show_tag", "Print the rollout tag of what is checked out."),
    "log": ("log", "The commits of this rollout (`git log`)."),
    "diff": ("diff", "The changes of this rollout (`git diff`)."),
    "modified": ("modified", "The files that this rollout changes."),
}

# What git-deploy's users type as well. (Its actions may be typed in any case, too.)
ALIASES = {
    "begin": "start",
    "1": "start",
    "2": "sync",
    "good": "release",
    "end": "finish",
    "done": "finish",
    "3": "finish",
    "oops": "abort",
    "bail": "abort",
    "4": "abort",
    "0": "none",
    "latest": "show-tag",
    "showtag": "show-tag",
}
_HIDDEN = {"finnish": ("finnish", ""), "none": ("none", "")}


class Actions(click.Group):
    """Knows the actions by name, and imports one when it is needed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-"):
            from sartoris.cli.meant import behind_the_action

            args = behind_the_action(args, self.params)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        known = {**COMMANDS, **_HIDDEN}
        if cmd_name not in known:
            return None
        module = importlib.import_module(f"sartoris.cli.commands.{known[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's own, with the action that was probably meant."""
        action = ALIASES.get(args[0].lower(), args[0].lower())
        if action in COMMANDS or action in _HIDDEN:
            args = [action, *args[1:]]
        else:
            from sartoris.cli.meant import hint

            ctx.fail(f"There is no action {args[0]!r}. {hint(args[0], list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            with ExitStack() as until_the_end:
                ctx.meta[RUNNING] = until_the_end
                return self._invoke(ctx)
        except SartorisError as error:
            from sartoris.cli.context import name_deciding_files

            name_deciding_files(error)
            if ctx.meta.get("sartoris.json"):
                boundary.tell_json(error)
            raise
        except KeyboardInterrupt as interrupt:
            from sartoris.cli.interruption import interrupted

            raise interrupted(ctx.invoked_subcommand or "") from interrupt

    def _invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of an answer (head, less) has what it wanted
            for stream in (sys.stdout, sys.stderr):
                streams.silence(stream)
            return None
        except OSError as error:
            raise MachineTrouble.of(error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Actions"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=Actions,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    options_metavar="[options]",
    subcommand_metavar="ACTION [PREFIX] [options]",
)
@group_options
@click.version_option(__version__, "--version", "-V", prog_name="git-deploy")
@click.pass_context
def actions(context: click.Context) -> None:
    """Deploy this repository to its fleet: start, work with git as usual, sync.

    Every action has its own help: git deploy ACTION -h, and git deploy help lists the pages of
    the documentation.
    """
    if context.invoked_subcommand is None or any(map(typed().get, QUESTIONS)):
        from sartoris.cli.questions import answer

        answer()
        context.exit(0)


def main(arguments: Sequence[str] | None = None, **settings: Any) -> int | None:
    """Run one command; its exit code (None for 0). Raises what the command raises."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    result: object = actions.main(
        args=given,
        obj=tuple(given),
        prog_name="git deploy",
        standalone_mode=False,
        **settings,
    )
    return result if isinstance(result, int) else None


def git_deploy() -> None:
    """The executable `git-deploy`."""
    boundary.run("git-deploy", main)
