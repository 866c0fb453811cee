"""A rollout that an older Sartoris has begun is brought to its end by this one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.system.old_site import STATES, unpack
from tests.system.site import Site

OPEN = [state for state in STATES if state not in ("starting", "started")]


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    return unpack(request.param, tmp_path / "old")


def before(site: Site) -> str:
    """The release that was live before the rollout."""
    state = json.loads((site.state_directory / "rollout.json").read_text())
    return str(state["start_tag"])


def lose_state(site: Site) -> None:
    (site.state_directory / "rollout.json").write_text('{"half": ')


def has_ended(site: Site) -> None:
    assert site.deploy("status").code == 0
    assert site.everywhere() == {site.desired()}
    assert set(site.conditions("--verify").values()) == {"current"}
    site.ok("converge")


@pytest.mark.parametrize("site", STATES, indirect=True)
@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
class TestInEachState:
    def test_status_explains_it(self, site: Site, lost: bool) -> None:
        whole = site.status()
        if lost:
            lose_state(site)
        found = site.status()
        # The old journal knows of a tag only once it is pushed, and nothing is sent before that.
        tag_is_known = not lost or whole["rollout"]["progress"] != "tagged"
        assert found["status"] == (whole["status"] if tag_is_known else "started")
        assert "git deploy abort" in found["next"]
        assert bool(found["rollout"]["rebuilt"]) is lost

    def test_an_abort_goes_back(self, site: Site, lost: bool) -> None:
        live = before(site)
        if lost:
            lose_state(site)
        site.ok("abort")
        assert site.desired() == live
        assert site.head() == site.commit_of(live)
        has_ended(site)


@pytest.mark.parametrize("site", STATES, indirect=True)
def test_a_lost_state_is_rebuilt_as_it_was_from_an_old_journal(site: Site) -> None:
    """But for what an older Sartoris did not record, after which nothing is forgotten."""
    whole = site.status()["rollout"]
    lose_state(site)
    rebuilt = site.status()["rollout"]
    differ = {name for name in whole if whole[name] != rebuilt[name]}
    assert "cannot be read" in rebuilt["rebuilt"]
    not_recorded = {"work_tree", "tagged_at", "rebuilt"}
    progress = (whole["progress"], rebuilt["progress"])
    if progress == ("synced", "switching"):
        not_recorded |= {"progress", "before"}
    if progress == ("switching", "switching"):
        not_recorded |= {"before"}
    if progress == ("tagged", "started"):  # it was killed before the journal knew of the tag
        not_recorded |= {"progress", "rollout_tag", "release", "source", "message", "before"}
    if progress == ("started", "starting"):
        not_recorded |= {"progress"}
    assert differ <= not_recorded, {name: (whole[name], rebuilt[name]) for name in differ}
    if whole["before"] and rebuilt["before"]:
        for name in ("release", "commit", "source", "path", "slot", "prefix"):
            assert whole["before"][name] == rebuilt["before"][name]


@pytest.mark.parametrize("site", OPEN, indirect=True)
def test_a_resync_brings_it_to_its_end(site: Site) -> None:
    site.ok("resync")
    assert site.files("web3")["index.php"] == "version 2\n"
    has_ended(site)


@pytest.mark.parametrize("site", ["published", "switching", "synced"], indirect=True)
def test_so_does_a_resync_where_the_state_is_lost(site: Site) -> None:
    lose_state(site)
    site.ok("resync")
    assert site.files("web3")["index.php"] == "version 2\n"
    has_ended(site)


@pytest.mark.parametrize("site", STATES, indirect=True)
@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
def test_a_revert_ends_it(site: Site, lost: bool) -> None:
    live = before(site)
    if lost:
        lose_state(site)
    site.ok("--force", "revert", live)
    assert site.everywhere() == {live}
    has_ended(site)


@pytest.mark.parametrize("site", ["started"], indirect=True)
def test_a_sync_goes_on_from_its_start(site: Site) -> None:
    site.ok("sync")
    assert site.files("web3")["index.php"] == "version 2\n"
    has_ended(site)


@pytest.mark.parametrize("site", ["starting"], indirect=True)
def test_a_start_clears_an_old_start_away(site: Site) -> None:
    (site.root / "hooks").mkdir()  # which its configuration names
    assert "an interrupted start of yours is cleared away" in site.ok("start").err


@pytest.mark.parametrize("site", ["synced"], indirect=True)
def test_a_finish_ends_what_is_live(site: Site) -> None:
    site.ok("finish")
    has_ended(site)


@pytest.mark.parametrize("site", ["synced"], indirect=True)
@pytest.mark.parametrize("damage", ["", "[1]", "lost"])
def test_a_lost_desired_state_is_rebuilt_from_an_old_journal(site: Site, damage: str) -> None:
    path = site.state_directory / "desired.json"
    (whole,) = site.ok("report", "--json").document["slots"]
    if damage == "lost":
        path.unlink()
    else:
        path.write_text(damage)
    report = site.ok("report", "--json").document
    (slot,) = report["slots"]
    assert "rebuilt from the journal" in report["note"]
    for name in ("release", "commit", "source", "path", "rollout"):
        assert slot["desired"][name] == whole["desired"][name]
    assert "rebuilt from the journal" in site.ok("converge").err


@pytest.mark.parametrize("site", ["switching"], indirect=True)
def test_old_files_are_written_with_a_version(site: Site) -> None:
    lock = json.loads((site.state_directory / "lock").read_text())
    assert "version" not in lock
    assert site.deploy("finish").code == 1
    lock = json.loads((site.state_directory / "lock").read_text())
    assert (lock["version"], lock["action"]) == (1, "finish")


@pytest.mark.parametrize("site", ["switching"], indirect=True)
def test_a_journal_that_had_stopped_before_the_switch_is_not_believed(site: Site) -> None:
    """The desired state names a release of a rollout that the journal does not have."""
    lose_state(site)
    with sqlite3.connect(site.state_directory / "journal.sqlite") as journal:
        (tagged,) = journal.execute("SELECT MAX(id) FROM events WHERE event = 'tagged'").fetchone()
        journal.execute("DELETE FROM events WHERE id >= ?", (tagged,))
    journal.close()
    ran = site.deploy("resync")
    assert ran.code == 1
    assert "the journal and the desired state do not agree" in ran.err
    ran = site.deploy("abort")
    assert ran.code == 71
    assert "on web1, web2" in ran.err
    assert "on web3" in ran.err
    assert site.desired() == ""
