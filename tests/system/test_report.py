"""Status, report, show, show-tag, log and diff tell how things are, to people and to scripts."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.system.site import Site


def test_status_of_a_repository_at_rest(site: Site) -> None:
    ran = site.deploy("status")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "No rollout of slot0 is in progress.\n"
    document = site.status()
    assert document["status"] == "none"
    assert document["lock"] is None
    assert document["rollout"] is None
    assert document["next"] == []


def test_status_of_a_started_rollout(site: Site) -> None:
    site.ok("start")
    ran = site.deploy("status")
    assert ran.code == 1
    (tag,) = site.tags()
    assert f"A rollout of slot0 is in progress ({tag}):" in ran.out
    assert "started, not synced yet" in ran.out
    assert "git deploy sync" in ran.out
    document = site.status()
    assert document["status"] == "started"
    assert document["lock"]["who"] == "Some Deployer <deployer@example.org>"
    assert document["next"] == ["git deploy sync", "git deploy abort"]


def test_status_of_a_rollout_that_the_gate_stopped(site: Site) -> None:
    site.break_target("web1")
    site.ok("start")
    site.deploy("sync")
    ran = site.deploy("status")
    assert ran.code == 2
    start_tag, tag = site.tags()
    assert f"({start_tag}..{tag})" in ran.out
    assert "no target was told to switch" in ran.out
    assert "git deploy resync" in ran.out
    assert site.status()["status"] == "tagged"


def test_status_of_blocked_deploys(site: Site) -> None:
    site.config("deploy.block-reason", "freeze")
    ran = site.deploy("status")
    assert ran.code == 3
    assert "Deploys are blocked: freeze" in ran.out
    assert site.status()["status"] == "blocked"


def test_status_shows_a_rollout_of_another_prefix_than_the_configured_one(site: Site) -> None:
    site.git("config", "--unset", "deploy.tag-prefix")
    site.ok("start", "slot7", "--new-prefix")
    ran = site.deploy("status")
    assert ran.code == 1
    assert "A rollout of slot7 is in progress" in ran.out


def test_report_names_each_target_and_what_is_live(deployed: Site) -> None:
    tag = deployed.desired()
    ran = deployed.ok("report")
    assert f"slot0 of wiki (/srv/site/php-slot0): {tag}" in ran.out
    for name in ("web1", "web2", "web3"):
        assert re.search(rf"{name} +{tag} +current", ran.out)
    assert "3 of 3 targets current." in ran.out
    assert re.search(rf"{tag} +deploy", ran.out)
    assert "Some Deployer" in ran.out


def test_report_of_a_site_that_was_never_deployed(site: Site) -> None:
    ran = site.ok("report")
    assert "nothing yet" in ran.out
    assert "nothing" in ran.out


def test_report_without_targets(site: Site) -> None:
    site.git("config", "--unset-all", "deploy.target")
    assert "no targets" in site.ok("report").out


def test_report_names_who_is_behind_and_how_to_bring_them(deployed: Site) -> None:
    deployed.set("deploy.max-failed", "1")
    deployed.break_target("web2")
    deployed.rollout({"index.php": "version 2\n"})
    deployed.mend_target("web2")
    ran = deployed.ok("report")
    assert re.search(r"web2 +\S+ +behind", ran.out)
    assert "2 of 3 targets current." in ran.out
    assert "Next: git deploy converge web2" in ran.out
    assert deployed.conditions() == {"web1": "current", "web2": "behind", "web3": "current"}


def test_report_names_what_did_not_come_to_its_end_and_what_brings_it_there(
    deployed: Site,
) -> None:
    deployed.set("deploy.max-failed", "1")
    deployed.live_hook('case "$GIT_DEPLOY_PATH" in */web2/*) exit 1 ;; esac')
    tag = deployed.rollout({"index.php": "version 2\n"})
    ran = deployed.ok("report", "--verify")
    assert re.search(rf"web2 +{tag} +unfinished: live hooks still due\n", ran.out)
    assert "2 of 3 targets current." in ran.out
    assert "Next: git deploy converge web2" in ran.out
    document = deployed.ok("report", "--json").document
    told = {one["target"]: one for one in document["slots"][0]["targets"]}
    assert (told["web2"]["condition"], told["web2"]["due"]) == ("unfinished", ["hooks"])
    assert (told["web1"]["condition"], told["web1"]["due"]) == ("current", [])


def test_a_release_that_is_damaged_and_unfinished_is_called_damaged(deployed: Site) -> None:
    deployed.set("deploy.max-failed", "1")
    deployed.live_hook('case "$GIT_DEPLOY_PATH" in */web2/*) exit 1 ;; esac')
    deployed.rollout({"index.php": "version 2\n"})
    (deployed.slot("web2") / "index.php").write_text("a hack on the server\n")
    assert deployed.conditions()["web2"] == "unfinished"
    assert deployed.conditions("--verify")["web2"] == "damaged"


def test_report_says_when_a_silent_target_was_last_heard_from(deployed: Site) -> None:
    deployed.target("web2").rename(deployed.root / "web2-is-off")
    ran = deployed.ok("report")
    assert re.search(
        r"web2 .*does not answer: unreachable.*last heard from \d+ (s|min) ago", ran.out
    )
    assert deployed.conditions()["web2"] == "silent"


def test_a_retired_target_is_no_longer_reported(deployed: Site) -> None:
    deployed.git("config", "--unset", "deploy.target", "^web2=")
    assert list(deployed.conditions()) == ["web1", "web3"]
    assert "web2" not in deployed.ok("report").out


def test_verify_finds_nothing_on_targets_that_are_in_order(deployed: Site) -> None:
    ran = deployed.ok("report", "--verify")
    assert ran.out.count("current, verified") == 3
    assert "3 of 3 targets current." in ran.out


def test_verify_finds_a_file_that_was_edited(deployed: Site) -> None:
    (deployed.slot("web2") / "index.php").write_text("a hack on the server\n")
    assert set(deployed.conditions().values()) == {"current"}
    assert deployed.conditions("--verify")["web2"] == "damaged"
    ran = deployed.ok("report", "--verify")
    assert re.search(r"web2 .*damaged: .*index\.php", ran.out)


def test_verify_finds_a_file_that_was_removed(deployed: Site) -> None:
    (deployed.slot("web3") / "lib" / "a.php").unlink()
    ran = deployed.ok("report", "--verify")
    assert re.search(r"web3 .*damaged", ran.out)
    document = deployed.ok("report", "--verify", "--json").document
    (web3,) = [one for one in document["slots"][0]["targets"] if one["target"] == "web3"]
    assert web3["complete"] is False or web3["changed"] == ["lib/a.php"]


def test_what_verify_found_is_mended_as_it_says(deployed: Site) -> None:
    (deployed.slot("web2") / "index.php").write_text("a hack on the server\n")
    ran = deployed.ok("report", "--verify")
    assert "git deploy converge" not in ran.out
    assert "git deploy start && git deploy --force sync" in ran.out
    deployed.ok("start")
    deployed.ok("--force", "sync")
    assert set(deployed.conditions("--verify").values()) == {"current"}
    assert deployed.files("web2")["index.php"] == "version 1\n"


def test_failures_with_one_cause_are_one_line(site: Site) -> None:
    for number in range(4, 13):
        site.add_target(f"web{number}")
    for number in range(2, 13):
        site.break_target(f"web{number}")
    site.ok("start")
    ran = site.deploy("sync")
    assert ran.code == 71
    (line,) = [line for line in ran.err.splitlines() if "11 targets: io-error" in line]
    assert "and 3 more" in line


def test_report_lists_as_many_rollouts_as_were_asked_for(deployed: Site) -> None:
    deployed.rollout({"index.php": "version 2\n"})
    assert len(deployed.ok("report", "--json", "--rollouts", "1").document["rollouts"]) == 1
    assert len(deployed.ok("report", "--json").document["rollouts"]) == 2


def test_show_lists_the_newest_first_and_marks_what_is_live(deployed: Site) -> None:
    first = deployed.desired()
    second = deployed.rollout({"index.php": "version 2\n"})
    heading, newest, before = deployed.ok("show").out.splitlines()
    assert heading.split() == ["no.", "release", "live", "since", "by", "subject"]
    assert re.fullmatch(rf"  0  {second}  \d+ \w+ ago +Some Deployer +live +.+", newest)
    assert re.fullmatch(rf"  1  {first}  \d+ \w+ ago +Some Deployer +before +.+", before)
    assert deployed.ok("show", "--names").out.split() == [second, first]
    shown = deployed.ok("show", "--json").document
    known = {name: shown[0][name] for name in ("tag", "commit", "current", "live", "number")}
    assert known == {
        "tag": second,
        "commit": deployed.head(),
        "current": True,
        "live": True,
        "number": 0,
    }


def test_show_lists_the_tags_as_git_deploy_does_when_asked(deployed: Site) -> None:
    second = deployed.rollout({"index.php": "version 2\n"})
    lines = deployed.ok("show", "--list").out.splitlines()
    assert lines[0] == f"{deployed.head()[:12]}.. *tag: {second:<25}  (live)"


def test_show_can_be_long_and_short(deployed: Site) -> None:
    deployed.rollout({"index.php": "version 2\n"})
    (line,) = deployed.ok("show", "--list", "--count", "1", "--long-digest").out.splitlines()
    assert line.startswith(deployed.head())


def test_show_knows_rollouts_from_before_the_journal(deployed: Site) -> None:
    tag = deployed.desired()
    for file in deployed.state_directory.glob("journal*"):
        file.unlink()
    assert tag in deployed.ok("show").out


def test_show_of_a_repository_without_rollouts(site: Site) -> None:
    ran = site.ok("show")
    assert ran.out == ""


def test_show_tag_prints_the_newest_tag(deployed: Site) -> None:
    """For programs, without a newline, as git-deploy has it."""
    assert deployed.ok("show-tag").out == deployed.desired()
    deployed.commit({"index.php": "later\n"})
    assert deployed.ok("show-tag").out == deployed.desired()


def test_the_option_prints_the_tag_of_what_is_checked_out(deployed: Site) -> None:
    assert deployed.ok("--show-tag").out == deployed.desired()
    deployed.commit({"index.php": "later\n"})
    assert deployed.ok("--show-tag").out == ""


def test_show_tag_knows_rollouts_from_before_the_journal(deployed: Site) -> None:
    tag = deployed.desired()
    for file in deployed.state_directory.glob("journal*"):
        file.unlink()
    assert deployed.ok("show-tag").out == tag
    assert deployed.ok("--show-tag").out == tag


@pytest.mark.parametrize("action", ["log", "diff"])
def test_log_and_diff_show_what_the_rollout_changes(deployed: Site, action: str) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"}, "the change")
    ran = deployed.run(action, "--stat")
    assert ran.code == 0
    assert "index.php" in ran.out
    assert "lib/a.php" not in ran.out
    assert ("the change" in ran.out) == (action == "log")


@pytest.mark.parametrize("action", ["log", "diff"])
def test_log_and_diff_take_gits_own_options_and_paths(deployed: Site, action: str) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n", "other.php": "o\n"}, "the change")
    ran = deployed.run(action, "--name-only", "--", "other.php")
    assert ran.code == 0
    assert "other.php" in ran.out
    assert "index.php" not in ran.out


@pytest.mark.parametrize("action", ["log", "diff"])
def test_log_and_diff_without_a_rollout_are_refused(deployed: Site, action: str) -> None:
    ran = deployed.run(action)
    assert ran.code == 1
    assert "no rollout has been started" in ran.err
    assert "git deploy start" in ran.err


@pytest.mark.parametrize("action", ["log", "diff"])
def test_the_exit_code_of_log_and_diff_is_gits_own(deployed: Site, action: str) -> None:
    deployed.ok("start")
    assert deployed.run(action, "--no-such-option").code not in (0, 1, 2)


def test_what_a_script_reads_is_on_standard_output_alone(deployed: Site) -> None:
    for words in (["status"], ["report"], ["show"], ["show-tag"]):
        ran = deployed.deploy(*words)
        assert ran.err == ""
        assert ran.out != ""
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    assert deployed.ok("sync").out == ""


@pytest.mark.parametrize("words", [["start"], ["finish"], ["revert", "x"], ["resync"], ["abort"]])
def test_with_json_an_error_is_a_line_of_json_too(deployed: Site, words: list[str]) -> None:
    if words == ["start"]:
        deployed.config("deploy.block-reason", "freeze")
    ran = deployed.deploy(*words, "--json")
    error = json.loads(ran.out.splitlines()[-1])
    assert error["event"] == "error"
    assert error["exit_code"] == ran.code == 1
    assert error["message"] in ran.err
    assert error["next"]


def test_a_reader_that_has_seen_enough_is_no_error(deployed: Site) -> None:
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program, "report"],
        cwd=deployed.repo,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("words", [["sync", "--json"], ["sync", "--verbose"]])
def test_a_sync_whose_reader_has_left_goes_on_to_its_end(deployed: Site, words: list[str]) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=deployed.repo,
        stdout=writer,
        stderr=writer,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0
    assert deployed.everywhere() == {deployed.desired()}
    assert deployed.files("web1")["index.php"] == "version 2\n"
    assert deployed.deploy("status").code == 0


def test_a_failed_sync_whose_reader_has_left_keeps_its_exit_code(deployed: Site) -> None:
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    deployed.break_target("web1")
    program = "from sartoris.cli.main import git_deploy; git_deploy()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program, "sync"],
        cwd=deployed.repo,
        stdout=writer,
        stderr=writer,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 71


def test_a_question_about_two_slots_is_recorded_once(deployed: Site) -> None:
    deployed.git("checkout", "--quiet", "-b", "wmf2")
    deployed.ok("--no-remote", "start", "slot1", "--new-prefix")
    deployed.commit({"index.php": "wmf2\n"})
    deployed.ok("--no-remote", "sync", "slot1")
    before = _recorded(deployed)
    deployed.ok("report")
    # Of each slot: the order, three answers, the end.
    assert _recorded(deployed) - before == 2 * 5


def _recorded(site: Site) -> int:
    with closing(sqlite3.connect(site.state_directory / "journal.sqlite")) as journal:
        count: int = journal.execute("SELECT count(*) FROM events").fetchone()[0]
        return count
