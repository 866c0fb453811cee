"""The kinds of value that tell of caches: where they are, and what to ban there."""

from __future__ import annotations

import re
from typing import NamedTuple

from sartoris.config.values import PLACEHOLDERS, BadValue, Kind, no_control_characters

BAN_PLACEHOLDERS = (*PLACEHOLDERS, "release")

# A host's name, an IPv4 address, or an IPv6 address in brackets.
_CACHE = r"(?:\[([0-9A-Fa-f:.]+(?:%[^\[\]/\s]+)?)\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]*))):([0-9]{1,5})"
# What may follow a backslash in a command to varnishd.
_BAN_ESCAPE = r'\\(?:[nrt"\\]|[0-3][0-7]{2}|x[0-9A-Fa-f]{2})'
# Not the braces of a pattern: `[a-z]{2,3}`, `\p{Lu}`.
_BAN_BRACED = r"(?<!\\[A-Za-z])\{([A-Za-z_-]+)\}"


class CacheServer(NamedTuple):
    """Where a Varnish listens for commands."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_cache(text: str) -> CacheServer:
    """`HOST:PORT`, as `varnishadm -T` takes it."""
    match = re.fullmatch(_CACHE, text)
    if not match:
        raise BadValue("is not HOST:PORT, as in cache1:6082 or [2001:db8::7]:6082")
    if not 0 < int(match[3]) < 65536:
        raise BadValue("has a port that does not exist; Varnish's own is often 6082")
    return CacheServer(match[1] or match[2], int(match[3]))


def parse_ban(text: str) -> str:
    """A ban expression, as it is typed after `ban` in varnishadm.

    Only its form is checked: which fields there are depends on the Varnish.
    """
    no_control_characters(text)
    _only_known_placeholders(text)
    rest = re.sub(_BAN_ESCAPE, "", text) if "\\" in text else text
    if "\\" in rest:
        raise BadValue(r"has a single backslash in it; Varnish wants two, as in \\.png$")
    if '"' in rest:  # it takes them away, and then sees more words than there should be
        raise BadValue(r"has a double quote in it; for a space in a pattern, write \\s")
    words = text.split()
    if len(words) % 4 != 3 or any(word != "&&" for word in words[3::4]) or "<<" in words:
        raise BadValue(
            "is not FIELD OPERATOR VALUE, or several of these with && between them;"
            r" for a space in a pattern, write \\s"
        )
    return text


def _only_known_placeholders(text: str) -> None:
    unknown = set(re.findall(_BAN_BRACED, text) if "{" in text else ()) - {*BAN_PLACEHOLDERS}
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in BAN_PLACEHOLDERS)
        raise BadValue(f"has the unknown placeholder {{{min(unknown)}}}; there are: {known}")


CACHE = Kind("`HOST:PORT`; an IPv6 address in brackets", parse_cache, commands=True)
BAN = Kind(
    "a ban expression, with `{prefix}`, `{repo}` and `{release}` filled in",
    parse_ban,
    commands=True,
)
