"""`sartoris`: the operators' command."""

from __future__ import annotations

from pathlib import Path

import click

from sartoris import __version__
from sartoris.cli import boundary
from sartoris.display import streams
from sartoris.errors import WrongUsage


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="sartoris")
def operators() -> None:
    """Set up and try Sartoris. Deployers use `git deploy`."""


@operators.command("demo", short_help="Make a small site, deploy to it, break it, fix it.")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def demo(directory: Path | None) -> None:
    """Make a small site in DIRECTORY (default: a temporary one), deploy to it, break it, fix it.

    Prints each command as it runs it, and leaves the place for you to play in.
    """
    from sartoris.demo.story import run

    run(directory)


@operators.command("formula", short_help="Write the Salt formula into DIRECTORY.")
@click.argument("directory", type=click.Path())
@click.option("--force", is_flag=True, help="Replace files there that it did not write.")
def formula(directory: str, force: bool) -> None:
    """Write the Salt formula into DIRECTORY, a file root of a Salt master.

    Prints what the master's configuration needs to use it. Done again by a later version, it
    replaces what it wrote itself.
    """
    from sartoris.salt.formula import export, master_configuration

    if not directory:  # as of a variable that is not set; a Path of it is the current directory
        message = "the DIRECTORY for the formula is empty"
        raise WrongUsage(message, next_steps=["sartoris formula /srv/salt"])
    root = Path(directory).absolute()
    changed = export(root, force)
    streams.say(f"{root}: {len(changed)} files written or removed")
    streams.print_text(master_configuration(root).rstrip("\n"))


def sartoris() -> None:
    """The executable `sartoris`."""
    boundary.run("sartoris", lambda: operators.main(prog_name="sartoris", standalone_mode=False))
