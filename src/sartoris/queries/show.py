"""`git deploy show` and `show-tag`: the rollouts of this repository, by their tags."""

from __future__ import annotations

from sartoris.journal.store import Journal
from sartoris.queries.listing import Listed, Selection, listing
from sartoris.rollout.records import Records
from sartoris.rollout.site import Site


def show(site: Site, records: Records, selection: Selection) -> list[tuple[Listed, bool]]:
    """The selected tags, newest first, and of each whether the fleet should have it."""
    desired = records.desired.of(site.slot(site.prefix).name)
    live = (desired.rollout, desired.release) if desired else ()
    return [(listed, listed.name in live) for listed in listing(site, selection)]


def show_tag(site: Site, journal: Journal) -> str:
    """The newest rollout tag of the commit that is checked out; "" if it has none."""
    head = site.repository.head()
    if not head:
        return ""
    return journal.tag_of_commit(head, site.prefix) or tag_of(site, site.prefix, head)


def tag_of(site: Site, prefix: str, commit: str) -> str:
    """The newest tag of `prefix` on the commit, by the tags themselves; "" for none."""
    pointing = site.repository.git.lines(
        "for-each-ref",
        "--sort=-refname",
        "--count=1",
        "--format=%(refname:lstrip=2)",
        f"--points-at={commit}",
        f"refs/tags/{prefix}-[0-9]*",
    )
    return pointing[0] if pointing else ""
