"""What `git deploy` answers without an action: lists of tags, and what it would use."""

from __future__ import annotations

import sys
from contextlib import closing

from sartoris.actions.tag import tag
from sartoris.cli.context import open_command, open_site
from sartoris.cli.listing import lines
from sartoris.cli.options import count, typed
from sartoris.cli.standing import tell_standing
from sartoris.display import streams
from sartoris.errors import NoPrefix, Refused, WrongUsage
from sartoris.journal.store import Journal
from sartoris.queries.listing import Listed, Selection, listing
from sartoris.queries.show import show_tag
from sartoris.rollout.deploy_file import current_text
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site


def answer() -> None:
    """Answer the first question that was typed; the list of tags when none was."""
    said = typed()
    if said.get("make_tag"):
        streams.print_line(_make_tag())
        return
    site = open_site()
    if said.get("show_prefix"):
        streams.write_answer(_prefix(site))
    elif said.get("show_hook_dir"):
        streams.print_line(_hook_dir(site))
    elif said.get("show_deploy_file"):
        streams.print_text(current_text(site, Records(site)).rstrip("\n"))
    elif said.get("show_tag"):
        streams.write_answer(_tag_of_head(site))
    else:
        print_list(site, everything=bool(said.get("list_all")))
        if not said and sys.stderr.isatty():
            tell_standing(site)
        elif not said:
            streams.say("(git deploy -h lists the actions)")


def print_list(site: Site, *, everything: bool) -> None:
    """The tags of what is checked out, or all of them, as git-deploy lists them."""
    found = listing(site, selection(everything=everything))
    if not found:
        streams.say("No tags match HEAD" if not everything else "There are no tags")
    for line in _lines(found):
        streams.print_line(line)


def selection(*, everything: bool) -> Selection:
    """What to list, by the options that were typed."""
    said = typed()
    return Selection(
        everything=everything,
        branches=bool(said.get("include_branches")),
        older_than=said.get("ignore_older_than") or "20080101",
        count=count(),
    )


def _lines(found: list[Listed]) -> list[str]:
    if typed().get("tag_only"):
        return [one.name for one in found]
    return lines(found, long=bool(typed().get("long_digest")))


def _prefix(site: Site) -> str:
    try:
        return site.prefix
    except NoPrefix as error:  # the question is answered; with 19 it would be what was missing
        raise Refused(error.message, next_steps=error.next_steps) from error


def _hook_dir(site: Site) -> str:
    directory = site.config.hook_dir
    if directory is None or not directory.is_dir():
        raise Refused(
            "there is no hook directory" if directory is None else f"{directory} does not exist",
            next_steps=["git config deploy.hook-dir DIRECTORY"],
        )
    return str(directory)


def _tag_of_head(site: Site) -> str:
    with closing(Journal.read_only(Records(site).journal)) as journal:
        return show_tag(site, journal)


def _make_tag() -> str:
    command = open_command(name="tag")
    if not command.site.options.message:
        raise WrongUsage("--make-tag needs a --message")
    return tag(command, deploy_file=False)
