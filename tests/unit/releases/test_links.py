"""Symbolic links of a release that lead out of it."""

from __future__ import annotations

import pytest

from sartoris.releases.links import Link, LinksLeadOut, require_links_inside

OUT = [
    ("S", "../private/S"),
    ("S", ".."),
    ("S", "./../S"),
    ("lib/S", "../../private"),
    ("lib/S", "../x/../../private"),
    ("S", "../php/lib"),  # its own name beside a checkout, which no release has
    ("a/b/c", "../../../.."),
]
INSIDE = [
    ("S", "lib/x"),
    ("S", "."),
    ("lib/S", "../x"),
    ("lib/S", "../lib/../x"),
    ("S", "/etc/passwd"),
    ("S", "..."),
    ("lib/S", "..hidden"),
    ("S", "nowhere"),
]


@pytest.mark.parametrize(("path", "text"), OUT)
def test_a_relative_link_out_is_refused_by_name_with_what_lets_it_be(path: str, text: str) -> None:
    with pytest.raises(LinksLeadOut) as refused:
        require_links_inside([Link(path, text), Link("fine", "x")], [])

    assert f"a link leads out of the release, and would be broken live: {path} -> {text};" in str(
        refused.value
    )
    assert refused.value.next_steps == (f"git config --add deploy.link-out {path}",)


@pytest.mark.parametrize(("path", "text"), INSIDE)
def test_links_that_stay_inside_and_absolute_ones_are_fine(path: str, text: str) -> None:
    require_links_inside([Link(path, text)], [])


@pytest.mark.parametrize("pattern", ["*", "a/b", "a", "a/*", "*/b"])
def test_a_pattern_lets_links_out(pattern: str) -> None:
    require_links_inside([Link("a/b", "../../x")], ["other", pattern])


@pytest.mark.parametrize("pattern", ["b", "A/b", "a/b/", "a/bc"])
def test_a_pattern_lets_no_others_out(pattern: str) -> None:
    with pytest.raises(LinksLeadOut):
        require_links_inside([Link("a/b", "../../x")], [pattern])


def test_of_many_some_are_named_and_the_rest_counted() -> None:
    many = [Link(f"l{number}", "../x") for number in range(9)]

    with pytest.raises(LinksLeadOut) as refused:
        require_links_inside(many, [])

    assert "9 links lead out" in str(refused.value)
    assert "l4 -> ../x and 4 more;" in str(refused.value)
