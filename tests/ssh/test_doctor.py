"""`git deploy doctor` on real ssh servers: what a target lacks is known before the first fetch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import need
from tests.ssh.conftest import Build, SshSite

# A target's programs are its own: what is in this directory of it.
OWN_PROGRAMS = "SetEnv HOME=/srv PATH=/srv/bin\n"


def look(site: SshSite, name: str) -> list[tuple[str, str, list[str]]]:
    """State, text and next steps of what is found out about `name`."""
    document = site.deploy("doctor", "--json").document
    return [
        (one["state"], one["text"], one["next"])
        for one in document["checks"]
        if one["name"] == name
    ]


def fetch_says(site: SshSite) -> list[str]:
    """The words with which targets refuse the release."""
    site.ok("start")
    events = site.deploy("sync", "--json").events
    outcomes = [one["outcome"] for one in events if one["event"] == "target-answered"]
    return [one["error"] for one in outcomes if not one["ok"]]


def test_a_target_without_git_and_one_that_is_read_only_are_named_before_any_fetch(
    build: Build,
) -> None:
    """They are so in the same words as the fetch that follows."""
    site = build(["web1", "web2"], OWN_PROGRAMS)
    for name, server in site.fleet.servers.items():
        (server.srv / "bin").mkdir()
        (server.srv / "bin" / "sh").symlink_to("/bin/sh")
        (server.srv / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
        if name == "web2":
            (server.srv / "bin" / "git").symlink_to(shutil.which("git") or "")
    site.fleet.servers["web2"].mount("-o", "remount,bind,ro", "/srv")
    ssh = site.fleet.program
    assert look(site, "needs") == [
        (
            "wrong",
            "git-missing: git is not installed, or not in PATH (web1)",
            [f"{ssh} -t web1 apt-get install -y git"],
        ),
        (
            "wrong",
            "read-only: the file system of /srv is mounted read-only (web2)",
            [f"{ssh} web2 findmnt --target /srv"],
        ),
    ]
    assert sorted(path.name for path in site.fleet.servers["web1"].srv.iterdir()) == ["bin"]
    assert sorted(fetch_says(site)) == ["git-missing", "read-only"]


@pytest.fixture
def for_nobody(build: Build) -> SshSite:
    """A target whose agent runs as the user nobody."""
    need("sudo")
    site = build(["web1"])
    site.config("deploy.target-user", "nobody")
    return site


def test_a_place_that_is_not_the_target_user_s_is_opened_by_the_step_that_is_advised(
    for_nobody: SshSite,
) -> None:
    web1 = for_nobody.fleet.servers["web1"]
    web1.srv.chmod(0o755)
    ((state, text, steps),) = look(for_nobody, "needs")
    assert (state, text) == ("wrong", "permission: nobody may not write to /srv (web1)")
    for step in steps:
        subprocess.run(step, shell=True, check=True, stdin=subprocess.DEVNULL)
    assert [state for state, _, _ in look(for_nobody, "needs")] == ["ok"]
    assert fetch_says(for_nobody) == []


def test_a_sudo_that_refuses_is_named_with_the_rule_that_it_needs(
    for_nobody: SshSite, tmp_path: Path
) -> None:
    rules = tmp_path / "sudoers"
    rules.write_text("nobody ALL=(ALL) ALL\n")
    rules.chmod(0o440)
    for_nobody.fleet.servers["web1"].mount("--bind", str(rules), "/etc/sudoers")
    found = {state: (text, steps) for state, text, steps in look(for_nobody, "answers")}
    text, steps = found["wrong"]
    assert "login-refused: sudo" in text
    ssh, rule = for_nobody.fleet.program, "root ALL=(nobody) NOPASSWD: ALL"
    assert steps == [
        f"{ssh} web1 sudo -n -u nobody true   # by hand",
        f"{ssh} -t web1 visudo -f /etc/sudoers.d/sartoris   # for sudo, the rule: {rule}",
        "ssh-copy-id web1   # if it is ssh that is refused",
    ]
