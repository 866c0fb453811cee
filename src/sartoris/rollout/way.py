"""How the releases of a site get to its servers."""

from __future__ import annotations

from sartoris.rollout.deployment import Deployment
from sartoris.rollout.state import Way


def way_of(d: Deployment) -> Way:
    """By the site's sync hook where it has one, by us to the fleet, or by hand."""
    return way_to(d, d.prefix)


def way_to(d: Deployment, prefix: str) -> Way:
    """As `way_of`, for any prefix."""
    if d.hooks.sync_hook(prefix) is not None:
        return "hook"
    return "fleet" if d.has_fleet else "hand"
