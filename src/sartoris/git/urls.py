"""URLs of remotes as they may be shown: without what lets others in."""

from __future__ import annotations

import re

_HTTP = ("http://", "https://")


def has_secret(url: str) -> bool:
    """Whether there is a password, or what may be a token."""
    return without_secret(url) != url


def without_secret(url: str) -> str:
    """The URL as it may be shown. Over HTTP the name of the user may be a token, and goes too;
    ssh needs it.
    """
    if url.lower().startswith(_HTTP):
        return re.sub(r"(?<=://)[^/]*@", "", url)
    return re.sub(r"(?<=://)([^/:@]*):[^/]*@", r"\1@", url)


def masked(text: str) -> str:
    """Text that has URLs in it, as it may be kept."""
    return re.sub(r"(?<=://)[^/\s]+@", "***@", text)
