"""`git deploy show`."""

from __future__ import annotations

import time

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.listing import lines
from sartoris.cli.meant import say_what_else
from sartoris.cli.options import count, list_option, looking_options, prefix_argument, typed
from sartoris.cli.questions import selection
from sartoris.cli.releases import release_lines
from sartoris.display import streams
from sartoris.queries.listing import Listed, listing
from sartoris.queries.past_releases import past_releases, with_subjects
from sartoris.queries.show import show
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site


@click.command("show")
@looking_options
@list_option
@click.option("--names", is_flag=True, help="Nothing but the names.")
@prefix_argument
def command(prefix: str | None, as_tags: bool, names: bool) -> None:
    """List the releases that were live, newest first, with the numbers that `revert N` takes.

    0 is what is live (what the fleet should have: `git deploy report` asks it), 1 the one before,
    `bad` one that was reverted. The newest 20, or `--count` of them; 0 for all. With `--list`, and
    where no fleet had a release yet, the tags as git-deploy lists them: `*` marks what is checked
    out.
    """
    site = open_site(prefix)
    say_what_else(site, prefix)
    past = [] if as_tags else past_releases(site, site.prefix)[: count() or None]
    if names:
        listed = [] if past else listing(site, selection(everything=True))
        for name in [one.release for one in past] or [one.name for one in listed]:
            streams.print_line(name)
    elif not past:
        _print_tags(site)
    elif wants_json():
        head = site.repository.head()
        shown = with_subjects(site, past)
        streams.print_document(
            [
                {
                    "tag": one.release,
                    "commit": one.source,
                    "current": one.source == head,
                    **one.to_json(),
                    "live": one.now == "live",
                }
                for one in shown
            ]
        )
    else:
        for line in release_lines(with_subjects(site, past), time.time()):
            streams.print_line(line)


def _print_tags(site: Site) -> None:
    shown = show(site, Records(site), selection(everything=True))
    if wants_json():
        streams.print_document([_document(*pair) for pair in shown])
        return
    texts = lines([listed for listed, _ in shown], long=bool(typed().get("long_digest")))
    for text, (_, live) in zip(texts, shown, strict=True):
        streams.print_line(f"{text}  (live)" if live else text)


def _document(listed: Listed, live: bool) -> dict[str, object]:
    mine = {"tag": listed.name, "commit": listed.commit, "current": listed.current, "live": live}
    return {**mine, "same": list(listed.same)}
