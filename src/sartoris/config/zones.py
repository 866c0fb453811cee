"""The kinds of value that tell what fails together, and from where its targets get packs."""

from __future__ import annotations

from typing import NamedTuple

from sartoris.config.values import BadValue, Kind, check_target_name, no_control_characters

_HTTP = ("http://", "https://")


class Zone(NamedTuple):
    """What fails together, such as a rack, and the targets that are in it."""

    name: str
    targets: tuple[str, ...]


class Relay(NamedTuple):
    """Where the targets of a zone ask first for packs."""

    zone: str
    url: str


def parse_zone(text: str) -> Zone:
    """`ZONE=TARGET,TARGET`."""
    name, equals, listed = text.partition("=")
    if not equals:
        raise BadValue("has no targets; write ZONE=TARGET,TARGET as in rack1=web1,web2")
    return Zone(_name(name), tuple(_name(one.strip()) for one in listed.split(",")))


def parse_relay(text: str) -> Relay:
    """`ZONE=URL`."""
    name, equals, url = text.partition("=")
    if not equals:
        raise BadValue("has no URL; write ZONE=URL, as in rack1=http://relay1:8080/mediawiki.packs")
    return Relay(_name(name), parse_http(url))


def parse_http(text: str) -> str:
    """A URL that a web server answers, without a user in it: everybody could read that."""
    no_control_characters(text)
    scheme = next((one for one in _HTTP if text.lower().startswith(one)), "")
    host = text[len(scheme) :].partition("/")[0]
    if not scheme or not host or " " in text:
        raise BadValue("is not a URL that begins with http:// or https://")
    if "@" in host:
        raise BadValue("has a user or a password in it, which everybody could read on each target")
    return text


def parse_pack_url(text: str) -> str:
    return text if text == "none" else parse_http(text)


def beside(url: str) -> str:
    """The URL of the packs beside a publish repository that is reached by HTTP; "" for others."""
    if not url.lower().startswith(_HTTP):
        return ""
    return f"{url.rstrip('/').removesuffix('.git')}.packs"


def _name(text: str) -> str:
    try:
        return check_target_name(text)
    except BadValue as error:
        raise BadValue(f'"{text}" {error}') from error


ZONE = Kind("`ZONE=TARGET,TARGET`", parse_zone, commands=True)
RELAY = Kind("`ZONE=URL`", parse_relay, commands=True)
PACK_URL = Kind("an HTTP URL, or `none`", parse_pack_url, commands=True)
