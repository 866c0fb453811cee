"""`git deploy config`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import click

from sartoris.cli.context import here, wants_json
from sartoris.cli.options import common_options_but
from sartoris.config.entries import Entry
from sartoris.config.sources import Source, of_slots, sources
from sartoris.display import streams
from sartoris.display.table import table
from sartoris.errors import WrongUsage
from sartoris.git.repository import Repository


@click.command("config")
@common_options_but("--adopt", "--check-clean/--no-check-clean")
@click.argument("key", required=False)
def command(key: str | None) -> None:
    """List every key of the configuration with its value in force and where that comes from.

    With a KEY (with or without `deploy.`) only that. A value that another file makes ineffective is
    named with it. It sets nothing: `git config` does.
    """
    repository = Repository.meant(here())
    found = sources(repository.git, git_dir=repository.git_dir, top=repository.top)
    of_slot = of_slots(repository.git, git_dir=repository.git_dir, top=repository.top)
    if key is not None:
        found = [_named(found, key.lower().removeprefix("deploy."))]
        of_slot = [one for one in of_slot if one.key == found[0].name]
    if wants_json():
        streams.print_document([*map(_to_json, found), *map(_entry_to_json, of_slot)])
        return
    for line in _lines(found, of_slot):
        streams.print_line(line)


def _named(found: Iterable[Source], name: str) -> Source:
    known = {one.name: one for one in found}
    if name not in known:
        meant = get_close_matches(name, known, n=1)
        hint = f"; did you mean deploy.{meant[0]}?" if meant else ""
        raise WrongUsage(f"there is no key deploy.{name}{hint}")
    return known[name]


def _lines(found: Iterable[Source], of_slot: Iterable[Entry]) -> Iterator[str]:
    rows = []
    for one in found:
        first, *more = one.value.split("\n")
        rows.append((f"deploy.{one.name}", first, one.place))
        rows += [("", value, "") for value in more]
        rows += [("", "", f"wins over {entry}") for entry in one.shadowed]
    rows += [(one.name, one.value or "", one.place) for one in of_slot]
    yield from table(("key", "value", "from"), rows)


def _to_json(one: Source) -> dict[str, object]:
    return {
        "key": f"deploy.{one.name}",
        "values": one.value.split("\n") if one.value else [],
        "from": one.place,
        "shadowed": [str(entry) for entry in one.shadowed],
    }


def _entry_to_json(entry: Entry) -> dict[str, object]:
    values = [] if entry.value is None else [entry.value]
    return {"key": entry.name, "values": values, "from": entry.place, "shadowed": []}
