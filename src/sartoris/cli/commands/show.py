"""`git deploy show`."""

from __future__ import annotations

import click

from sartoris.cli.context import open_site, wants_json
from sartoris.cli.listing import lines
from sartoris.cli.options import common_options, prefix_argument, typed
from sartoris.cli.questions import selection
from sartoris.display import streams
from sartoris.queries.listing import Listed
from sartoris.queries.show import show
from sartoris.rollout.records import Records


@click.command("show")
@common_options
@prefix_argument
def command(prefix: str | None) -> None:
    """List the rollouts, newest first. `*` marks what is checked out, `live` what the fleet has.

    The newest 20, or `--count` of them; 0 for all.
    """
    site = open_site(prefix)
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
