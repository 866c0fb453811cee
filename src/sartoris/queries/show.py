"""`git deploy show` and `show-tag`: the rollouts of this repository, by their tags."""

from __future__ import annotations

from sartoris.queries.listing import Listed, Selection, listing
from sartoris.rollout.deployment import Deployment


def show(d: Deployment, selection: Selection) -> list[tuple[Listed, bool]]:
    """The selected tags, newest first, and of each whether the fleet should have it."""
    desired = d.desired.of(d.slot)
    live = (desired.rollout, desired.release) if desired else ()
    return [(listed, listed.name in live) for listed in listing(d, selection)]


def show_tag(d: Deployment) -> str:
    """The newest rollout tag of the commit that is checked out; "" if it has none."""
    head = d.repository.head()
    if not head:
        return ""
    return d.journal.tag_of_commit(head, d.prefix) or tag_of(d, head)


def tag_of(d: Deployment, commit: str) -> str:
    """The newest tag of the prefix on the commit, by the tags themselves; "" for none."""
    pointing = d.repository.git.lines(
        "for-each-ref",
        "--sort=-refname",
        "--count=1",
        "--format=%(refname:lstrip=2)",
        f"--points-at={commit}",
        f"refs/tags/{d.prefix}-[0-9]*",
    )
    return pointing[0] if pointing else ""
