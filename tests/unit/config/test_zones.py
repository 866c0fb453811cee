"""Zones, relays, and where packs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.config.values import BadValue
from sartoris.config.zones import Relay, Zone, beside, parse_pack_url, parse_relay, parse_zone
from sartoris.transports.configured import source_of
from sartoris.transports.source import FetchedFrom
from tests.unit.config.conftest import Site

PUBLISH = Path("/srv/publish.git")


def test_a_zone_is_a_name_and_its_targets() -> None:
    assert parse_zone("rack1=web1, web2") == Zone("rack1", ("web1", "web2"))


@pytest.mark.parametrize("text", ["rack1", "=web1", "rack1=", "rack1=web1,,web2", "r 1=web1"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_zone(text)


def test_a_relay_is_a_zone_and_a_url() -> None:
    assert parse_relay("rack1=http://r:80/x?a=b") == Relay("rack1", "http://r:80/x?a=b")


@pytest.mark.parametrize(
    "text",
    ["rack1", "rack1=", "=http://r/", "rack1=/srv/x", "rack1=http://", "rack1=http://u@r/x"],
)
def test_what_is_no_relay_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_relay(text)


@pytest.mark.parametrize("text", ["/srv/packs", "git://x/y", "http://u:p@x/y", "None"])
def test_packs_are_got_by_http_alone(text: str) -> None:
    with pytest.raises(BadValue):
        parse_pack_url(text)


@pytest.mark.parametrize(
    ("url", "packs"),
    [
        ("https://d/wiki.git", "https://d/wiki.packs"),
        ("HTTP://d/wiki/", "HTTP://d/wiki.packs"),
        ("git://d/wiki.git", ""),
        ("deploy@d:/srv/wiki.git", ""),
        ("/srv/wiki.git", ""),
    ],
)
def test_packs_are_beside_what_is_served_by_http(url: str, packs: str) -> None:
    assert beside(url) == packs


def test_targets_of_a_zone_have_its_relays(site: Site) -> None:
    site.deploy(
        "transport = salt",
        "url = https://d/wiki.git",
        "zone = rack1=web1,web2",
        "zone = rack2=web3",
        "relay = rack1=http://r1/p",
        "relay = rack1=http://r2/p",
        "relay = rack9=http://r9/p",
    )
    assert source_of(site.load(), PUBLISH) == FetchedFrom(
        "https://d/wiki.git",
        ("https://d/wiki.packs",),
        (("http://r1/p", ("web1", "web2")), ("http://r2/p", ("web1", "web2"))),
    )


def test_packs_may_be_elsewhere_or_nowhere(site: Site) -> None:
    site.deploy("transport = salt", "url = git://d/wiki.git")
    assert source_of(site.load(), PUBLISH) == FetchedFrom("git://d/wiki.git")
    site.deploy("pack-url = https://cdn/wiki")
    found = source_of(site.load(), PUBLISH)
    assert found == FetchedFrom("git://d/wiki.git", ("https://cdn/wiki",))
    site.deploy("url = https://d/wiki.git", "pack-url = none")
    assert source_of(site.load(), PUBLISH) == FetchedFrom("https://d/wiki.git")
