"""`git deploy ship`, as a job of CI types it."""

from __future__ import annotations

from tests.system.site import Site


def test_one_command_ships_and_the_next_one_finds_nothing_new(deployed: Site) -> None:
    deployed.push_elsewhere({"index.php": "from CI\n"})
    ran = deployed.ok("ship")
    assert f"{deployed.desired()} is live on 3 of 3 targets" in ran.err
    assert deployed.everywhere() == {deployed.desired()}
    assert deployed.files("web1")["index.php"] == "from CI\n"
    assert deployed.deploy("status").code == 0
    live = deployed.desired()
    ran = deployed.ok("ship")
    assert "Nothing new to ship. No rollout is open." in ran.err
    assert (deployed.desired(), deployed.holder) == (live, None)


def test_a_sync_that_fails_is_put_back_with_abort_and_exits_as_the_sync(deployed: Site) -> None:
    live, head = deployed.desired(), deployed.head()
    deployed.push_elsewhere({"index.php": "from CI\n"})
    deployed.break_target("web2")
    ran = deployed.deploy("ship", "--abort")
    assert ran.code == 71
    assert "Nothing has switched, anywhere" in ran.err
    assert (deployed.desired(), deployed.head(), deployed.holder) == (live, head, None)
