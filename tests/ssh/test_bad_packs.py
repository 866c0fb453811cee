"""Packs that are not what they should be, sent to real ssh servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.releases import packs
from tests.ssh.conftest import SshSite, started_with_a_change


def test_a_pack_that_breaks_off_is_one_target_s_failure_and_resync_goes_on(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = packs.Packs.to

    def truncated(self: packs.Packs, commit: str, held: list[str]) -> packs.Pack | None:
        pack = find(self, commit, held)
        assert pack
        return packs.Pack(pack.path, pack.base, pack.sha256, pack.size + 100)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", truncated)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "the pack is shorter on the deployment server's disk" in ran.err
    monkeypatch.setattr(packs.Packs, "to", find)
    deployed.ok("resync")
    assert deployed.files("web2")["index.php"] == "version 2\n"


def test_a_pack_whose_bytes_are_others_is_refused(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = packs.Packs.to

    def swapped(self: packs.Packs, commit: str, held: list[str]) -> packs.Pack | None:
        pack = find(self, commit, held)
        assert pack
        return packs.Pack(pack.path, pack.base, "0" * 64, pack.size)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", swapped)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "the pack is another one" in ran.err


def test_a_pack_that_somebody_has_removed_is_said_to_be_missing(
    deployed: SshSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(_: packs.Packs, __: str, ___: list[str]) -> packs.Pack:
        return packs.Pack(Path("/srv/nowhere.pack"), "", "0" * 64, 100)

    started_with_a_change(deployed)
    monkeypatch.setattr(packs.Packs, "to", removed)
    ran = deployed.deploy("sync")
    assert ran.code == 71
    assert "there is no pack of the release" in ran.err


def test_a_pack_that_is_removed_between_two_targets_is_made_anew(deployed: SshSite) -> None:
    """One after the other; a program of the release stands for whoever tidies up meanwhile."""
    directory = deployed.state_directory / "publish.packs"
    deployed.preparing(f"ls {directory} >> /srv/there\nrm -r {directory}")
    deployed.config("deploy.forks", "1")
    deployed.ok("start")
    deployed.ok("sync")
    for name, one in deployed.fleet.servers.items():
        assert ".pack" in (one.srv / "there").read_text(), name
    assert {deployed.live(name) for name in deployed.fleet.servers} == {deployed.desired()}
