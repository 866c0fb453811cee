"""The transports are peers in one table, and nobody else knows which one it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import sartoris
from sartoris.config import ConfigError
from sartoris.config.keys import find_key
from sartoris.config.values import BadValue
from sartoris.orders import Order, Outcome
from sartoris.transports import configured
from sartoris.transports.base import BeginsEarly, HasChecks, KeepsDesiredState, Transport
from sartoris.transports.local import LocalTransport
from sartoris.transports.recording import RecordingTransport
from sartoris.transports.salt import SaltTransport
from sartoris.transports.source import BroughtFrom, FetchedFrom, require
from sartoris.transports.table import TRANSPORTS, Kind
from tests.unit.config.conftest import Site, site

__all__ = ["site"]

PUBLISH = Path("/srv/publish.git")
WITH_TARGETS = {
    "ssh": "target = deploy@web1.example.com:2222",
    "local": "target = web1=/srv/web1",
    "salt": "targets = web*",
}


@pytest.mark.parametrize("name", TRANSPORTS)
def test_the_configuration_takes_every_transport_of_the_table(name: str) -> None:
    key = find_key("transport")
    assert key is not None
    assert key.kind.parse(name) == name
    assert f"`{name}`" in key.kind.words


def test_the_configuration_takes_no_other_transport() -> None:
    key = find_key("transport")
    assert key is not None
    assert set(re.findall("`(.*?)`", key.kind.words)) == set(TRANSPORTS)
    with pytest.raises(BadValue):
        key.kind.parse("pigeon")


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_fleet_is_there_when_the_transport_s_own_key_names_targets(site: Site, name: str) -> None:
    site.deploy(f"transport = {name}")
    assert not configured.has_targets(site.load())
    site.deploy(WITH_TARGETS[name])
    assert configured.has_targets(site.load())


@pytest.mark.parametrize("name", TRANSPORTS)
def test_what_is_to_be_typed_for_targets_gives_it_some(site: Site, name: str) -> None:
    site.deploy(f"transport = {name}")
    git, *words = shlex.split(
        configured.how_to_configure_targets(site.load()).replace("=ROOT", "=/srv/web1"),
        comments=True,
    )
    assert git == "git"
    site.git.run(*words)
    assert configured.has_targets(site.load())


def test_each_can_do_what_it_says_it_can() -> None:
    kinds = (BeginsEarly, KeepsDesiredState, HasChecks)
    can = {
        kind: {one for one in kinds if issubclass(kind, one)}
        for kind in (LocalTransport, SaltTransport, RecordingTransport)
    }
    assert can == {
        LocalTransport: {HasChecks},
        SaltTransport: set(kinds),
        RecordingTransport: set(),
    }


def test_a_dry_run_has_the_fleet_of_the_transport_and_makes_no_target(
    site: Site, tmp_path: Path
) -> None:
    site.deploy(f"target = web1={tmp_path / 'web1'}")
    assert configured.questions_only(site.load(), PUBLISH).fleet() == ("web1",)
    assert not (tmp_path / "web1").exists()
    configured.configured(site.load(), PUBLISH, ())
    assert (tmp_path / "web1").exists()


def test_a_new_target_that_cannot_be_made_is_unreachable_and_the_others_are_there(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    site.deploy(f"target = web1={tmp_path / 'file/web1'}", f"target = web2={tmp_path / 'web2'}")

    fleet = configured.configured(site.load(), PUBLISH, ())
    order = Order(action="status", repository="wiki", slot="slot0", path="/srv/wiki")

    errors = {one.target: one.error for one in fleet.run(order, ("web1", "web2"))}
    assert errors == {"web1": "unreachable", "web2": ""}


def test_targets_on_this_machine_fetch_from_the_publish_repository(site: Site) -> None:
    assert configured.source_of(site.load(), PUBLISH) == FetchedFrom(str(PUBLISH))
    site.deploy("url = https://deploy.example.com/wiki.git")
    source = FetchedFrom("https://deploy.example.com/wiki.git")
    assert configured.source_of(site.load(), PUBLISH) == source


def test_targets_elsewhere_have_to_be_told_where_to_fetch_from(site: Site) -> None:
    site.deploy("transport = salt", "targets = web*")
    source = configured.source_of(site.load(), PUBLISH)
    assert source.url == ""
    with pytest.raises(ConfigError, match=r"deploy\.url is not set") as refused:
        require(source, site.load())
    assert refused.value.next_steps[0].startswith("git config deploy.url https://")
    site.deploy("url = https://deploy.example.com/wiki.git")
    require(configured.source_of(site.load(), PUBLISH), site.load())


def test_a_source_that_the_transport_brings_along_needs_no_url(site: Site) -> None:
    require(BroughtFrom(PUBLISH), site.load())
    assert BroughtFrom(PUBLISH).url == ""


class Pigeons(Transport):
    """The least that a transport has to be."""

    def fleet(self) -> tuple[str, ...]:
        return ("loft",)

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        for target in targets:
            yield Outcome(action=order.action, target=target, ok=True)

    def close(self) -> None:
        """They are home."""


def test_a_new_transport_is_a_class_and_a_line_in_the_table(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Kind(
        lambda *_: Pigeons(),
        has_targets=lambda _: True,
        targets_key="deploy.loft",
        add_targets="git config deploy.loft NAME",
        source=lambda _, publish: BroughtFrom(publish),
    )
    monkeypatch.setitem(TRANSPORTS, "pigeon", line)
    config = replace(site.load(), transport="pigeon")
    assert configured.has_targets(config)
    assert configured.how_to_configure_targets(config).endswith("loft NAME")
    assert configured.source_of(config, PUBLISH) == BroughtFrom(PUBLISH)
    assert configured.configured(config, PUBLISH, ()).fleet() == ("loft",)
    assert configured.questions_only(config, PUBLISH).fleet() == ("loft",)


def test_nothing_outside_asks_which_transport_it_is() -> None:
    asks = re.compile(r"transport\s*(?:==|!=|in)\s*[\"'(]|import (?:Local|Salt|Ssh)Transport")
    source = Path(sartoris.__file__).parent
    outside = [path for path in source.rglob("*.py") if "transports" not in path.parts]
    assert [str(path) for path in outside if asks.search(path.read_text())] == []
