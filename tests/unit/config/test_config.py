"""What a `Config` answers, and that it agrees with the table of keys and the manual."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import types
import typing
from pathlib import Path

import pytest

from sartoris.config import Config, ConfigError, CountOrPercent
from sartoris.config.keys import ACTIONS, KEYS, find_key
from sartoris.config.reference import render
from sartoris.config.values import parse_boolean

from .conftest import Site

ROOT = Path(__file__).parents[3]
HINTS = typing.get_type_hints(Config)


def test_every_supported_key_has_an_attribute_and_every_attribute_a_key() -> None:
    attributes = {field.name for field in dataclasses.fields(Config)}
    attributes -= {"repo_name", "unknown", "slot", "slots"}

    assert {key.attribute for key in KEYS if not key.planned} <= attributes
    assert attributes <= {key.attribute for key in KEYS}


def test_every_name_in_the_table_is_there_once() -> None:
    names = [name for key in KEYS for name in key.names]

    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_is_documented_and_its_example_and_default_are_good(key: typing.Any) -> None:
    assert key.meaning.endswith(".")
    assert key.planned or bool(key.unset) != (key.default is not None)
    example = key.kind.parse(key.example)
    if not key.planned and not key.many and not key.family:
        assert _fits(example, HINTS[key.attribute])
        assert _fits(key.default_value(), HINTS[key.attribute])


def _fits(value: object, hint: typing.Any) -> bool:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    return isinstance(value, typing.get_origin(hint) or hint)


def test_the_reference_is_what_the_table_says_now() -> None:
    command = [sys.executable, "-m", "sartoris.config.reference"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert (ROOT / "docs" / "configuration.md").read_text() == printed


def test_the_reference_has_every_key() -> None:
    page = render()

    for key in KEYS:
        planned = f"| `deploy.{key.name}` |"
        assert (planned if key.planned else f"### deploy.{key.name}\n") in page


def test_a_family_stands_for_its_members() -> None:
    for action in ACTIONS:
        assert find_key(f"send-mail-on-{action}") is find_key("send-mail-on-start")
    assert find_key("send-mail-on-holiday") is None
    assert find_key("pool-socket") is not None


@pytest.mark.parametrize(
    ("share", "total", "most", "at_least_one"),
    [
        (CountOrPercent(0), 10, 0, 1),
        (CountOrPercent(3), 10, 3, 3),
        (CountOrPercent(30), 10, 10, 10),
        (CountOrPercent(10, percent=True), 19, 1, 1),
        (CountOrPercent(10, percent=True), 9, 0, 1),
        (CountOrPercent(100, percent=True), 7, 7, 7),
        (CountOrPercent(29, percent=True), 100, 29, 29),
    ],
)
def test_a_share_is_rounded_down(
    share: CountOrPercent, total: int, most: int, at_least_one: int
) -> None:
    assert share.of(total) == most
    assert share.at_least_one(total) == at_least_one


def test_a_share_is_shown_as_it_is_written() -> None:
    assert (str(CountOrPercent(3)), str(CountOrPercent(3, percent=True))) == ("3", "3%")


@pytest.mark.parametrize("value", ["true", "YES", "on", "1", "0x10", "-1", "1k"])
def test_what_git_takes_for_true_is_true(value: str) -> None:
    assert parse_boolean(value) is True


@pytest.mark.parametrize("value", ["false", "No", "OFF", "0", "00", "0k", ""])
def test_what_git_takes_for_false_is_false(value: str) -> None:
    assert parse_boolean(value) is False


@pytest.mark.parametrize(
    ("written", "number"), [("10", 10), ("010", 8), ("0x10", 16), ("1k", 1024), ("2M", 2 << 20)]
)
def test_numbers_are_written_as_git_writes_them(site: Site, written: str, number: int) -> None:
    site.deploy(f"forks = {written}")
    by_git = site.git.text("config", "--int", "deploy.forks")

    assert site.load().forks == number == int(by_git)


@pytest.mark.parametrize("value", ["none", "silent"])
def test_an_announcement_to_nobody_is_no_announcement(site: Site, value: str) -> None:
    site.deploy(f"announce-mail = {value}")

    assert site.load().announce_mail is None


def test_the_path_of_a_release_has_prefix_and_repository_filled_in(site: Site) -> None:
    site.deploy("path = /srv/{repo}/php-{prefix}")

    assert site.load().release_path("slot0") == "/srv/mediawiki/php-slot0"


def test_without_a_path_there_is_no_release_path_and_a_way_to_set_one(site: Site) -> None:
    with pytest.raises(ConfigError, match=r"deploy\.path is not set") as caught:
        site.load().release_path("slot0")

    assert caught.value.next_steps == ("git config deploy.path '/srv/mediawiki-{prefix}'",)


@pytest.mark.parametrize("prefix", ["../etc", "a/b", "", "-x", "a b", "slot.lock"])
def test_a_prefix_that_is_not_safe_does_not_get_into_a_path(site: Site, prefix: str) -> None:
    site.deploy("path = /srv/php-{prefix}")

    with pytest.raises(ConfigError, match="is not a safe name"):
        site.load().release_path(prefix)


def test_the_slot_is_the_prefix_where_each_prefix_has_a_path_of_its_own(site: Site) -> None:
    site.deploy("path = /srv/{prefix}/current")

    assert site.load().slot_name("slot0") == "slot0"


def test_the_slot_is_the_end_of_the_path_where_all_prefixes_share_one(site: Site) -> None:
    site.deploy("path = /srv/common/php")

    assert site.load().slot_name("slot0") == site.load().slot_name("slot1") == "php"


def test_a_path_whose_end_is_no_safe_name_gives_a_safe_slot_of_its_own(site: Site) -> None:
    names = set()
    for path in ("/srv/php now", "/srv/php_now", "/srv/-php now", "/srv/..php", "/srv/php.lock"):
        site.deploy(f"path = {path}")
        names.add(site.load().slot_name("slot0"))

    assert len(names) == 5
    for name in names:
        assert "/" not in name
        assert " " not in name
        assert ".." not in name
        assert not name.startswith("-")
        assert not name.endswith(".lock")


def test_a_path_is_checked_again_when_it_is_filled_in(site: Site) -> None:
    site.deploy("path = /srv/{repo}")
    config = dataclasses.replace(site.load(), repo_name="..")

    with pytest.raises(ConfigError, match=r'becomes "/srv/\.\.", which has'):
        config.release_path("slot0")
