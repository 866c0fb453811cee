"""Which packs an order to fetch names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.events import EventStream
from sartoris.fleet.fleet import Fleet
from sartoris.fleet.offers import Offers
from sartoris.fleet.release_spec import ReleaseSpec
from sartoris.orders import Order
from sartoris.releases.packs import Packs
from sartoris.releases.publish import PublishRepository
from sartoris.transports.recording import RecordingTransport
from sartoris.transports.source import FetchedFrom
from tests.unit.git.sample import Sample

URL = "http://deploy/wiki.packs"
SOURCE = FetchedFrom("http://deploy/wiki.git", (URL,), (("http://r/p", ("web1", "web2")),))


@pytest.fixture
def commits(tmp_path: Path) -> dict[str, str]:
    """Five releases by name, the newest last."""
    site = Sample.create(tmp_path / "site")
    publish = PublishRepository(tmp_path / "publish.git", site.git)
    publish.prepare()
    made = {}
    for number in range(5):
        commit = site.write(index=f"{number}").commit()
        made[f"slot0-{number}"] = publish.publish(f"slot0-{number}", commit).commit
    return made


def offered(
    tmp_path: Path, commits: dict[str, str], held: dict[str, tuple[str, ...]], action: str = "fetch"
) -> Order:
    transport = RecordingTransport([f"web{number}" for number in range(1, 10)])
    order = Order(action="status", repository="wiki", slot="slot0", path="/srv/wiki")
    offers = Offers(Packs(tmp_path / "publish.git"), SOURCE, lambda: held)
    fleet = Fleet(transport, order, EventStream(), offers=offers)
    release = ReleaseSpec(release="slot0-4", commit=commits["slot0-4"])
    getattr(fleet, action)(release, fleet.targets)
    return transport.orders[0][0]


def test_the_bases_are_what_most_targets_held_last(tmp_path: Path, commits: dict[str, str]) -> None:
    held: dict[str, tuple[str, ...]] = {
        **{f"web{n}": ("slot0-0", "slot0-3") for n in range(1, 5)},
        **{f"web{n}": ("slot0-2",) for n in range(5, 8)},
        "web8": ("slot0-1",),
    }  # and web9 has never said anything
    order = offered(tmp_path, commits, held)
    bases = [one["from"] for one in order.packs]
    assert bases == [commits["slot0-3"], commits["slot0-2"], commits["slot0-1"]]
    assert order.pack_urls == (URL,)
    assert order.relays == ({"url": "http://r/p", "targets": ["web1", "web2"]},)
    for one in order.packs:
        file = tmp_path / "publish.packs" / f"{one['sha256']}.pack"
        assert file.stat().st_size == one["size"]


def test_targets_that_hold_nothing_get_everything(tmp_path: Path, commits: dict[str, str]) -> None:
    assert [one["from"] for one in offered(tmp_path, commits, {}).packs] == [""]


def test_a_release_that_is_not_known_here_is_no_base(
    tmp_path: Path, commits: dict[str, str]
) -> None:
    held: dict[str, tuple[str, ...]] = {f"web{n}": ("elsewhere-1",) for n in range(1, 10)}
    assert offered(tmp_path, commits, held).packs == ()


def test_a_switch_names_none(tmp_path: Path, commits: dict[str, str]) -> None:
    order = offered(tmp_path, commits, {}, "switch")
    assert (order.packs, order.pack_urls, order.relays) == ((), (), ())
    assert not (tmp_path / "publish.packs").exists()


def test_an_order_that_is_kept_names_the_packs_that_there_are(
    tmp_path: Path, commits: dict[str, str]
) -> None:
    packs = Packs(tmp_path / "publish.git")
    offers = Offers(packs, SOURCE, dict)
    kept = Order(
        action="switch",
        repository="wiki",
        slot="slot0",
        path="/srv/wiki",
        release="slot0-4",
        commit=commits["slot0-4"],
    )
    assert offers.with_packs_made(kept).packs == ()
    assert not packs.directory.exists()
    made = packs.to(commits["slot0-4"], [commits["slot0-3"]])
    order = offers.with_packs_made(kept)
    assert made
    assert order.packs == ({"from": made.base, "sha256": made.sha256, "size": made.size},)
    assert (order.pack_urls, order.action) == ((URL,), "switch")
