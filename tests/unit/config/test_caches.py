"""Where caches are, and what to ban there."""

from __future__ import annotations

import pytest

from sartoris.config.caches import parse_ban, parse_cache
from sartoris.config.values import BadValue

from .conftest import Site


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("cache1:6082", "cache1", 6082),
        ("192.0.2.7:1", "192.0.2.7", 1),
        ("[2001:db8::7]:6082", "2001:db8::7", 6082),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert parse_cache(text) == (host, port)
    assert str(parse_cache(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("cache1", ":6082", "cache1:", "2001:db8::7:6082", "a b:1", "-T:1", "a:1\n"),
        *("cache1:0", "cache1:65536", "/run/varnish", "unix:/run/varnish"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_cache(text)


@pytest.mark.parametrize(
    "text",
    [
        "req.url ~ .",
        "obj.http.x-release != {release}",
        r"req.url ~ ^/{prefix}/.{2,3}\\.png$ && req.http.host == {repo}.example.com",
        r"req.url ~ \\p{Lu}\"",
    ],
)
def test_a_ban_is_taken_as_it_is_typed_in_varnishadm(text: str) -> None:
    assert parse_ban(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("req.url ~ .\nvcl.use other", "control character"),
        ("req.url ~", "FIELD OPERATOR VALUE"),
        ("req.url ~ a b", "FIELD OPERATOR VALUE"),
        ("req.url ~ a || req.url ~ b", "FIELD OPERATOR VALUE"),
        ("req.url << END", "FIELD OPERATOR VALUE"),
        (r"req.url ~ \.png$", "wants two"),
        ('req.url ~ "a b"', "double quote"),
        ("obj.http.x != {relase}", "{relase}; there are: {prefix}, {repo}, {release}"),
    ],
)
def test_a_ban_that_varnish_would_not_understand_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadValue) as refusal:
        parse_ban(text)
    assert why in str(refusal.value)


def test_placeholders_are_filled_in_and_other_braces_are_left(site: Site) -> None:
    site.deploy("varnish-ban = req.url ~ ^/{prefix}/.{2,3} && obj.http.x != {repo}-{release}")
    ban = site.load().ban("slot0", "slot0-20261123-140200")
    assert ban == "req.url ~ ^/slot0/.{2,3} && obj.http.x != mediawiki-slot0-20261123-140200"
