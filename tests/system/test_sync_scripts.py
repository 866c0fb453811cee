"""Sync scripts of a site's own, as in docs/examples, run by `git deploy` as its sync hook."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sartoris.journal.store import Journal
from tests.programs import need
from tests.system.site import Ran, Site

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

BEGIN = """#!/usr/bin/env python3
import os, signal, subprocess, sys
from pathlib import Path
from sartoris.script import Sync
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in PATH for a site's own programs. `python3` is the one with Sartoris."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    return directory


def program(programs: Path, name: str, script: str = "exit 0") -> None:
    """A program of the site's own; each call is a line in the file `calls`."""
    path = programs / name
    path.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >>{programs}/calls\n{script}\n')
    path.chmod(0o755)


def calls(programs: Path) -> list[str]:
    file = programs / "calls"
    return file.read_text().splitlines() if file.exists() else []


def install(site: Site, script: str) -> Path:
    """Make a script, an example by its name or a text, the sync hook of slot0."""
    hook = site.sync_hook()
    example = EXAMPLES / f"{script}.sync"
    hook.write_text(example.read_text() if "\n" not in script else BEGIN + script)
    return hook


def sync(site: Site, text: str = "version 2\n") -> Ran:
    site.ok("start")
    site.commit({"index.php": text})
    site.push()
    return site.run("sync")  # a process of its own, which shows what the script writes


# The script that does what there is without a script.


def test_the_minimal_script_brings_the_release_to_every_target(deployed: Site) -> None:
    install(deployed, "minimal")
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert "is synchronised by the sync hook" in ran.err
    assert deployed.everywhere() == {deployed.desired()}
    assert deployed.files("web2")["index.php"] == "version 2\n"
    assert deployed.deploy("status").code == 0
    assert deployed.desired() == deployed.ok("show-tag").out.strip()


def test_a_script_leaves_the_same_record_as_a_sync_without_one(deployed: Site) -> None:
    install(deployed, "minimal")
    sync(deployed)
    deployed.sync_hook().unlink()
    shown = deployed.ok("show", "--json").document
    assert [one["live"] for one in shown][:2] == [True, False]
    assert set(deployed.conditions("--verify").values()) == {"current"}
    deployed.rollout({"index.php": "version 3\n"})
    assert deployed.files("web1")["index.php"] == "version 3\n"


def test_the_deploy_file_on_a_target_says_what_the_script_was_told(deployed: Site) -> None:
    install(deployed, "minimal")
    sync(deployed)
    on_target = (deployed.slot("web1") / ".deploy").read_text()
    assert f"tag: {deployed.desired()}\n" in on_target
    assert on_target == (deployed.repo / ".deploy").read_text()


def test_a_script_makes_the_first_sync_of_a_site(site: Site) -> None:
    install(site, "minimal")
    site.ok("start")
    assert site.deploy("sync").code == 0
    assert site.everywhere() == {site.desired()}


def test_a_closed_gate_leaves_the_rollout_open_and_everything_live_as_it_was(
    deployed: Site,
) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    deployed.break_target("web2")
    ran = sync(deployed)
    assert ran.code == 71
    assert "Nothing has switched, anywhere.\n" in ran.err
    assert f"Live is {before} on web1, web3\n" in ran.err
    assert "is published, and no target was told to switch" in ran.err
    assert "git deploy finish" not in ran.err
    assert deployed.live("web1") == before == deployed.desired()
    assert deployed.deploy("status").code == 2


def test_a_rollout_that_the_gate_of_a_script_stopped_cannot_be_finished(deployed: Site) -> None:
    install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    ran = deployed.deploy("finish")
    assert ran.code == 1
    assert "has not reached the fleet" in ran.err


def test_resync_runs_the_script_again(deployed: Site) -> None:
    install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    deployed.mend_target("web2")
    ran = deployed.deploy("resync")
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {deployed.desired()}
    assert deployed.files("web2")["index.php"] == "version 2\n"


def test_an_abort_after_a_closed_gate_succeeds_although_the_target_is_still_broken(
    deployed: Site,
) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    ran = deployed.run("abort")
    assert ran.code == 0, ran.err
    assert deployed.live("web1") == before == deployed.desired()


def test_who_was_left_behind_is_named_and_converges(deployed: Site) -> None:
    deployed.config("deploy.max-failed", "1")
    install(deployed, "minimal")
    deployed.break_target("web2")
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert "Left behind: web2" in ran.err
    assert deployed.live("web1") == deployed.live("web3") == deployed.desired()
    deployed.mend_target("web2")
    deployed.ok("converge", "web2")
    assert deployed.everywhere() == {deployed.desired()}


def in_the_way(site: Site, name: str) -> None:
    """While this target fetches the next release, something gets in the place of its link."""
    place = site.slot(name)
    hook = "deploy/target/prepare.in-the-way"
    script = f"""#!/bin/sh
if [ "$GIT_DEPLOY_PATH" = '{place}' ]; then rm '{place}'; mkdir '{place}'; fi
"""
    site.commit({hook: script})
    (site.repo / hook).chmod(0o755)
    site.commit({})
    site.push()


def test_too_many_that_fail_to_switch_take_everyone_back(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    in_the_way(deployed, "web3")
    ran = sync(deployed)
    assert ran.code == 71
    said = ran.err
    assert "switch failed on 1 of 3 targets" in said
    assert f"Live is {before} on web1, web2" in said
    assert deployed.live("web1") == deployed.live("web2") == before == deployed.desired()


def test_abort_takes_the_fleet_back_by_the_script(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    deployed.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    assert sync(deployed).code == 72
    assert deployed.everywhere() != {before}
    ran = deployed.run("abort")
    assert ran.code == 0, ran.err
    assert f"==> roll back {before}" in ran.err
    assert deployed.everywhere() == {before} == {deployed.desired()}
    assert deployed.files("web1")["index.php"] == "version 1\n"
    assert deployed.holder is None


def test_an_abort_goes_back_to_the_release_that_targets_hold_and_fetches_nothing_anew(
    deployed: Site,
) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    deployed.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    sync(deployed)
    deployed.ok("abort")
    rollback = deployed.tags()[-1]
    held = {path.name for path in (deployed.slot("web1").parent / ".sartoris/releases").iterdir()}
    assert before in held
    assert rollback not in held
    assert deployed.commit_of(rollback) == deployed.commit_of(before)


def test_an_abort_tells_who_did_not_come_back(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    deployed.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    sync(deployed)
    deployed.break_target("web2")
    ran = deployed.run("abort")
    assert ran.code == 71
    assert "Not back: web2" in ran.err
    assert "git deploy converge" in ran.err
    assert deployed.live("web1") == deployed.live("web3") == before == deployed.desired()
    assert deployed.holder is None
    deployed.mend_target("web2")
    deployed.ok("converge")
    assert deployed.everywhere() == {before}


def test_an_abort_of_the_first_rollout_leaves_nothing_live(site: Site) -> None:
    install(site, "minimal")
    site.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    site.ok("start")
    assert site.deploy("sync").code == 72
    assert site.everywhere() == {site.tags()[-1]}
    ran = site.run("abort")
    assert ran.code == 0, ran.err
    assert site.everywhere() == {""}
    assert site.desired() == ""


def test_a_script_that_is_gone_is_no_reason_to_stay_with_the_aborted_release(
    deployed: Site,
) -> None:
    before = deployed.desired()
    hook = install(deployed, "minimal")
    deployed.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    sync(deployed)
    hook.unlink()
    ran = deployed.run("abort")
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {before}


def test_a_revert_by_a_script_names_the_release_that_targets_hold(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, "minimal")
    sync(deployed)
    bad = deployed.desired()
    ran = deployed.deploy("revert", before)
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {before} == {deployed.desired()}
    assert deployed.files("web1")["index.php"] == "version 1\n"
    deployed.git("reset", "--quiet", "--hard", bad)
    assert f"{bad}, which was found bad" in deployed.deploy("start").err


# A script with an order of its own.


@pytest.fixture
def ordered(deployed: Site, programs: Path) -> Site:
    install(deployed, "own_order")
    for name in ("site-smoke-test", "site-watch", "site-purge"):
        program(programs, name)
    return deployed


def test_own_steps_run_between_the_steps_of_the_sync(ordered: Site, programs: Path) -> None:
    ran = sync(ordered)
    assert ran.code == 0, ran.err
    release = ordered.desired()
    assert calls(programs) == [
        f"site-smoke-test {release} web1",
        "site-watch web1",
        "site-purge slot0",
    ]
    assert ordered.everywhere() == {release}


def test_a_smoke_test_that_fails_stops_before_anything_is_live(
    ordered: Site, programs: Path
) -> None:
    before = ordered.desired()
    program(programs, "site-smoke-test", "exit 1")
    ran = sync(ordered)
    assert ran.code == 71
    said = ran.err
    assert "the smoke test of the staged release failed" in said
    assert f"Live is still: {before}" in said
    assert ordered.everywhere() == {before} == {ordered.desired()}
    assert ordered.status()["status"] == "tagged"


def test_a_canary_that_does_not_do_well_is_taken_back(ordered: Site, programs: Path) -> None:
    before = ordered.desired()
    program(programs, "site-watch", f"readlink {ordered.slot('web1')} >>{programs}/calls; exit 1")
    ran = sync(ordered)
    assert ran.code == 71
    assert calls(programs)[-1] != f".sartoris/releases/{before}"  # it was live when it was watched
    assert ordered.everywhere() == {before} == {ordered.desired()}
    assert "site-purge slot0" not in calls(programs)


def test_resync_after_the_repair_takes_all_steps_again(ordered: Site, programs: Path) -> None:
    program(programs, "site-smoke-test", "exit 1")
    sync(ordered)
    program(programs, "site-smoke-test")
    ran = ordered.deploy("resync")
    assert ran.code == 0, ran.err
    assert ordered.everywhere() == {ordered.desired()}
    assert calls(programs)[-1] == "site-purge slot0"


def test_a_purge_that_fails_is_told_and_the_release_is_known_to_be_live(
    ordered: Site, programs: Path
) -> None:
    program(programs, "site-purge", "exit 3")
    ran = sync(ordered)
    assert ran.code == 71
    said = ran.err
    assert "slot0.sync: `site-purge slot0` ended with 3" in said
    assert "Traceback" not in said
    assert "is live on the fleet" in ran.err
    assert ordered.everywhere() == {ordered.desired()}
    assert "its sync hook or what follows it" in ordered.deploy("status").out
    ordered.ok("finish")
    assert ordered.holder is None


def test_an_abort_runs_the_own_steps_too_but_tests_nothing(ordered: Site, programs: Path) -> None:
    before = ordered.desired()
    program(programs, "site-purge", "exit 3")
    sync(ordered)
    program(programs, "site-purge")
    (programs / "calls").unlink()
    ran = ordered.run("abort")
    assert ran.code == 0, ran.err
    assert calls(programs) == ["site-purge slot0"]
    assert ordered.everywhere() == {before} == {ordered.desired()}


# Scripts that do as they like.


def test_a_script_that_asks_no_gate_is_asked_at_its_end(deployed: Site) -> None:
    before = deployed.desired()
    install(
        deployed,
        "with Sync.of_this_rollout() as s:\n    r = s.publish()\n    s.fetch(r)\n    s.switch(r)\n",
    )
    deployed.break_target("web2")
    assert sync(deployed).code == 71
    assert deployed.live("web1") == before == deployed.desired()


def test_a_script_may_switch_some_targets_and_the_others_are_named(deployed: Site) -> None:
    install(
        deployed,
        """
with Sync.of_this_rollout() as sync:
    release = sync.publish()
    sync.gate(sync.fetch(release))
    sync.gate(sync.switch(release, ["web3"]))
""",
    )
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert "Left behind: web1 web2" in ran.err
    assert deployed.conditions() == {"web1": "behind", "web2": "behind", "web3": "current"}


def test_a_gate_that_closes_after_some_have_switched_takes_them_back(deployed: Site) -> None:
    before = deployed.desired()
    install(
        deployed,
        """
with Sync.of_this_rollout() as sync:
    release = sync.publish()
    for target in sync.targets:
        sync.gate(sync.fetch(release, [target]))
        sync.gate(sync.switch(release, [target]))
""",
    )
    deployed.break_target("web3")
    assert sync(deployed).code == 71
    assert deployed.live("web1") == deployed.live("web2") == before == deployed.desired()
    deployed.mend_target("web3")
    deployed.ok("resync")
    assert deployed.everywhere() == {deployed.desired()}


def test_a_target_that_does_not_exist_is_refused_by_name(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, "with Sync.of_this_rollout() as s:\n    s.fetch(s.publish(), ['web9'])\n")
    ran = sync(deployed)
    assert ran.code == 71
    assert "not a target of this repository: web9" in ran.err
    assert deployed.everywhere() == {before}


def test_a_bug_in_a_script_is_shown_as_it_is(deployed: Site) -> None:
    install(deployed, "with Sync.of_this_rollout() as sync:\n    sync.nonsense\n")
    ran = sync(deployed)
    assert ran.code == 71
    said = ran.err
    assert "AttributeError" in said
    assert "bug in Sartoris" not in said
    assert "exited with 1" in ran.err


KILLED = """
with Sync.of_this_rollout() as sync:
    release = sync.publish()
    sync.gate(sync.fetch(release))
    sync.switch(release, ["web1"])
    if not Path("../fixed").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    sync.gate(sync.switch(release))
"""


def test_a_script_that_is_killed_half_way_is_brought_to_its_end_by_resync(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, KILLED)
    ran = sync(deployed)
    assert ran.code == 71
    assert "was killed by SIGKILL" in ran.err
    assert "may be live on some targets" in ran.err
    assert deployed.live("web1") != before == deployed.live("web2")
    assert "switching was interrupted" in deployed.deploy("status").out
    (deployed.root / "fixed").touch()
    ran = deployed.deploy("resync")
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {deployed.desired()}


def test_a_script_that_is_killed_half_way_is_taken_back_by_abort(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, KILLED)
    sync(deployed)
    (deployed.root / "fixed").touch()
    ran = deployed.run("abort")
    assert ran.code == 0, ran.err
    assert deployed.everywhere() == {before} == {deployed.desired()}


def test_a_script_that_fails_to_go_back_leaves_the_fleet_to_converge(deployed: Site) -> None:
    before = deployed.desired()
    install(deployed, KILLED)
    sync(deployed)
    ran = deployed.run("abort")  # and killed again, on the way back
    assert ran.code == 71
    assert deployed.holder is None
    assert deployed.desired() == before
    deployed.ok("converge")
    assert deployed.everywhere() == {before}


class Pipe:
    """A named pipe that a script and its test talk by. Nobody waits for ever for the other."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._end = os.open(path, os.O_RDWR)

    def write(self, text: str) -> None:
        os.write(self._end, text.encode())

    def read_until(self, words: str) -> str:
        text = ""
        while words not in text:
            ready, _, _ = select.select([self._end], [], [], 30)
            assert ready, f"{words!r} was not said: {text}"
            text += os.read(self._end, 65_536).decode()
        return text


def test_a_script_that_outlives_its_command_stops_before_its_next_step(
    deployed: Site, tmp_path: Path
) -> None:
    before = deployed.desired()
    go, said = Pipe(tmp_path / "go"), Pipe(tmp_path / "said")
    install(
        deployed,
        f"""
sys.stderr = open({str(said.path)!r}, "w")
with Sync.of_this_rollout() as sync:
    release = sync.publish()
    sync.gate(sync.fetch(release))
    print("fetched", file=sys.stderr, flush=True)
    open({str(go.path)!r}).readline()
    sync.switch(release)
""",
    )
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    with deployed.spawn("sync") as command:
        said.read_until("fetched")
        command.kill()
        command.wait()
    go.write("go\n")
    said.read_until("has ended, so the script stops too")
    assert deployed.everywhere() == {before} == {deployed.desired()}


def test_a_script_may_be_typed_by_hand_to_repeat_it(deployed: Site) -> None:
    hook = install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    deployed.mend_target("web2")
    release = deployed.status()["rollout"]["rollout_tag"]
    assert by_hand(deployed, hook, DEPLOY_ROLLOUT_TAG=release) == (0, "")
    assert deployed.everywhere() == {release}
    deployed.ok("finish")
    assert deployed.desired() == release


def by_hand(site: Site, hook: Path, **environment: str) -> tuple[int, str]:
    """Type the script; its exit code, and the error if there was one."""
    done = subprocess.run(
        [str(hook)],
        cwd=site.repo,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr if done.returncode else ""


def test_a_script_outside_of_a_rollout_is_refused(deployed: Site) -> None:
    hook = install(deployed, "minimal")
    code, said = by_hand(deployed, hook)
    assert code == 2
    assert "which `git deploy sync` runs" in said
    code, said = by_hand(deployed, hook, DEPLOY_ROLLOUT_TAG=deployed.desired())
    assert code == 1
    assert "no rollout has been started" in said


def test_a_script_for_another_tag_than_the_one_under_way_is_refused(deployed: Site) -> None:
    hook = install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    code, said = by_hand(deployed, hook, DEPLOY_ROLLOUT_TAG=deployed.desired())
    assert code == 1
    assert (
        f"this script is to bring {deployed.desired()}, and the rollout in progress is of" in said
    )


def test_a_script_typed_by_somebody_else_is_refused(deployed: Site) -> None:
    hook = install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    tag = deployed.status()["rollout"]["rollout_tag"]
    with deployed.typed_by("Mallory"):
        code, said = by_hand(deployed, hook, DEPLOY_ROLLOUT_TAG=tag)
    assert code == 1
    assert "a rollout is in progress" in said


def test_a_script_needs_a_fleet(plain: Site) -> None:
    install(plain, "minimal")
    ran = sync(plain)
    assert ran.code == 71
    assert "no targets are configured" in ran.err


def test_adopt_reaches_the_script(site: Site) -> None:
    install(site, "minimal")
    site.slot("web1").mkdir(parents=True)
    (site.slot("web1") / "old.php").write_text("was here before\n")
    site.ok("start")
    assert site.deploy("sync").code == 71
    ran = site.deploy("--adopt", "resync")
    assert ran.code == 0, ran.err
    assert site.everywhere() == {site.desired()}


# A script that uses no library.


@pytest.fixture
def shipped_by_rsync(plain: Site) -> Site:
    need("rsync")
    install(plain, "rsync")
    for name in ("a", "b"):
        place = plain.root / "servers" / name
        place.mkdir(parents=True)
        plain.config("rsync.destination", f"{place}/")
    return plain


def on_server(site: Site, name: str) -> dict[str, str]:
    top = site.root / "servers" / name
    return {
        str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()
    }


def test_rsync_ships_what_is_checked_out_with_its_deploy_file(shipped_by_rsync: Site) -> None:
    site = shipped_by_rsync
    site.add_submodule("ext/Cite", {"Cite.php": "cite\n"})
    ran = sync(site)
    assert ran.code == 0, ran.err
    for name in ("a", "b"):
        files = on_server(site, name)
        assert files["index.php"] == "version 2\n"
        assert files["ext/Cite/Cite.php"] == "cite\n"
        assert f"tag: {site.ok('show-tag').out}" in files[".deploy"]
        assert not [file for file in files if file.startswith(".git/")]


def test_rsync_that_fails_for_one_server_ships_to_the_others_and_resync_repeats_it(
    shipped_by_rsync: Site,
) -> None:
    site = shipped_by_rsync
    (site.root / "servers" / "a").rmdir()
    (site.root / "servers" / "a").write_text("in the way\n")
    ran = sync(site)
    assert ran.code == 71
    assert "did not get to: " in ran.err
    assert on_server(site, "b")["index.php"] == "version 2\n"
    assert site.status()["status"] == "tagged"
    (site.root / "servers" / "a").unlink()
    site.ok("resync")
    assert on_server(site, "a")["index.php"] == "version 2\n"


def test_an_abort_ships_what_was_there_before_by_rsync(shipped_by_rsync: Site) -> None:
    site = shipped_by_rsync
    sync(site)
    site.hook("post-sync.fails", '[ "$GIT_DEPLOY_RESULT" != complete ]')
    assert sync(site, "version 3\n").code == 72
    assert on_server(site, "b")["index.php"] == "version 3\n"
    ran = site.run("abort")
    assert ran.code == 0, ran.err
    assert on_server(site, "a")["index.php"] == on_server(site, "b")["index.php"] == "version 2\n"


def test_every_example_is_executable() -> None:
    examples = sorted(EXAMPLES.iterdir())
    assert [path.name for path in examples] == ["minimal.sync", "own_order.sync", "rsync.sync"]
    assert all(os.access(path, os.X_OK) for path in examples)


# What a script does is in the stream of the command that called it.


def test_json_shows_the_targets_stages_and_gates_of_a_script(deployed: Site) -> None:
    install(deployed, "minimal")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    events = deployed.ok("sync", "--json").events
    answered = [
        (one["stage"], one["outcome"]["target"])
        for one in events
        if one["event"] == "target-answered"
    ]
    names = ["web1", "web2", "web3"]
    assert sorted(answered) == [(stage, name) for stage in ("fetch", "switch") for name in names]
    assert [one["stage"] for one in events if one["event"] == "gate-decided"][:2] == [
        "fetch",
        "switch",
    ]
    numbers = [one["seq"] for one in events]
    assert len(numbers) == len(set(numbers))
    assert {one["session"] for one in events} == {events[0]["session"]}
    assert {one["command"] for one in events} == {"sync"}
    kinds = [one["event"] for one in events]
    assert kinds.index("published") < kinds.index("hook-ran") < kinds.index("command-ended")


def test_a_step_of_a_script_is_in_the_timing_log_and_shown_once(deployed: Site) -> None:
    logs = deployed.root / "logs"
    logs.mkdir()
    deployed.config("deploy.log-directory", str(logs))
    deployed.config("deploy.log-timing-data", "true")
    install(
        deployed,
        """
with Sync.of_this_rollout() as sync:
    release = sync.publish()
    sync.gate(sync.fetch(release))
    with sync.step("smoke test"):
        pass
    sync.gate(sync.switch(release))
""",
    )
    ran = sync(deployed)
    assert ran.code == 0, ran.err
    assert ran.err.count("==> smoke test") == 1
    (timing,) = (path for path in logs.glob("timing*") if "\tsync" in path.read_text())
    tags = [line.split("\t")[0] for line in timing.read_text().splitlines()[1:]]
    assert tags.index("smoke_test__start") < tags.index("smoke_test__end") < len(tags) - 1
    log = (logs / "git-deploy.log").read_text()
    assert log.count("INFO: smoke test") == 1


def test_a_script_typed_by_hand_is_a_command_of_its_own(deployed: Site, programs: Path) -> None:
    hook = install(deployed, "minimal")
    deployed.break_target("web2")
    sync(deployed)
    deployed.mend_target("web2")
    with closing(Journal(deployed.state_directory / "journal.sqlite")) as journal:
        before = journal.last_seq()
        done = subprocess.run(
            [hook],
            cwd=deployed.repo,
            env={**os.environ, "DEPLOY_ROLLOUT_TAG": deployed.tags()[-1]},
            capture_output=True,
            text=True,
            check=False,
        )
        events = journal.since(before)
    del programs
    assert done.returncode == 0, done.stderr
    assert (events[0]["event"], events[0]["argv"]) == ("command-started", [hook.name])
    assert (events[-1]["event"], events[-1]["exit_code"]) == ("command-ended", 0)
    assert {event["command"] for event in events} == {"sync script"}


def test_a_script_loads_nothing_of_the_command_line() -> None:
    program = "import sys, sartoris.script; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in loaded if name == "click" or name.startswith("sartoris.cli")] == []
