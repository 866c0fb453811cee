"""URLs of remotes as they may be shown: without what lets others in."""

from __future__ import annotations

import re

_PASSWORD = r"(?<=://)([^/:@]*):[^/]*@"


def has_password(url: str) -> bool:
    """Whether there is a password beside the name of a user."""
    return re.search(_PASSWORD, url) is not None


def without_password(url: str) -> str:
    """The URL with the name of the user only: ssh needs it."""
    return re.sub(_PASSWORD, r"\1@", url)


def without_secret(url: str) -> str:
    """The URL as it may be shown. Over HTTP the name of the user may be a token, and goes too."""
    if url.startswith(("http://", "https://")):
        return re.sub(r"//[^/@]*@", "//", url)
    return without_password(url)


def masked(text: str) -> str:
    """Text that has URLs in it, as it may be kept."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)
