"""The fleets of a site's slots, over one transport."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sartoris.config import Configured
from sartoris.config.values import CountOrPercent
from sartoris.events import EventStream, Warned
from sartoris.fleet.desired import Desired
from sartoris.rollout.fleets import Fleets
from sartoris.rollout.site import Site
from sartoris.transports.base import DesiredStateRecord, KeepsDesiredState, Transport
from sartoris.transports.recording import RecordingTransport
from tests.unit.actions.world import World

DESIRED = Desired(
    slot="slot0",
    prefix="slot0",
    path="/srv/wiki/php-slot0",
    release="slot0-1",
    commit="a" * 40,
    source="b" * 40,
    rollout="slot0-1",
    since=0.0,
    deploy_text="tag: slot0-1\n",
)


class Asked(RecordingTransport, KeepsDesiredState):
    """Remembers what it was asked to keep, and warns."""

    def publish_desired_state(self, wanted: DesiredStateRecord) -> str:
        self.wanted = wanted
        return "the master is away"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, settings={"canary": ("web2",), "batch": CountOrPercent(1)})


def test_the_transport_is_made_once_and_only_when_it_is_needed(world: World) -> None:
    made: list[Transport] = []

    def connect(_: Site) -> Transport:
        made.append(RecordingTransport(["web1"]))
        return made[-1]

    site = world.site()
    fleets = Fleets(site, EventStream(), connect)
    fleets.close()
    assert made == []
    fleets.of(site.slot("slot0"))
    fleets.of(site.slot("slot1"))
    assert len(made) == 1


def test_a_slot_on_other_targets_has_a_transport_of_its_own(world: World) -> None:
    made: list[str] = []

    def connect(site: Site) -> Transport:
        made.append(site.config.transport)
        return RecordingTransport(["web1"])

    plain = world.site()
    far = replace(plain.config, transport="ssh", slot="far", tag_prefix="far")
    site = replace(plain, configured=Configured(plain.config, {"far": far}))
    fleets = Fleets(site, EventStream(), connect)
    for prefix in ("slot0", "far", "slot1"):
        fleets.of(site.slot(prefix))
    assert made == ["local", "ssh"]


def test_orders_of_a_slot_go_to_its_path_and_its_plan_is_as_configured(world: World) -> None:
    site = world.site()
    fleet = Fleets(site, EventStream(), lambda _: RecordingTransport(["web1", "web2"])).of(
        site.slot("slot1")
    )
    assert fleet.fleet.order.path == "/srv/wiki/php-slot1"
    waves = [wave.targets for wave in fleet.planner.in_waves("switch", fleet.targets).waves]
    assert waves == [("web2",), ("web1",)]


def test_what_targets_should_have_is_published_as_orders_to_catch_up(world: World) -> None:
    site, transport, events = world.site(), Asked(["web1"]), EventStream()
    warned: list[str] = []
    events.subscribe(
        lambda event: warned.append(event.message) if isinstance(event, Warned) else None
    )
    Fleets(site, events, lambda _: transport).publish_desired(
        site.slot("slot0"), current=None, pending=DESIRED
    )
    wanted = transport.wanted
    assert wanted.current is None
    assert wanted.pending is not None
    assert (wanted.pending.action, wanted.pending.release) == ("switch", "slot0-1")
    assert wanted.pending.catch_up
    assert warned == ["the master is away"]
