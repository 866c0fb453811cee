"""A target with a list of what may be deployed to it: nothing else is, and nothing runs as root."""

from __future__ import annotations

import concurrent.futures
import contextlib
import io
import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent import child
from sartoris.agent.joined import joined, source
from sartoris.agent.outcome import perform
from sartoris.agent.packs import BadPack, Bring, Brought
from sartoris.releases.packs import Packs
from tests.agent.conftest import LIVE, Publisher, Target, program

USER = "www-data"
ACTIONS = ("fetch", "switch", "withdraw", "status", "verify", "service")

# As over ssh: the program and the order come over standard input, and there is no file of it.
_OVER_STDIN = """
import json, sys
order, root = json.loads({order!r}), {root!r}
print(json.dumps(perform(order, root)))
"""


@pytest.fixture(autouse=True)
def _only_root_can_become_another_user() -> None:
    if os.geteuid() != 0:
        assert os.environ.get("CI") != "true", "these tests have to run as root here"
        pytest.skip("only root can become another user")


@dataclass(frozen=True)
class Guarded(Target):
    """A target whose list has one deployment, of the user's."""

    @property
    def policy(self) -> Path:
        return self.root / "etc" / "sartoris" / "target.json"

    @property
    def directory(self) -> Path:
        return self.live.parent

    def entry(self, **more: str) -> dict[str, str]:
        fields = {"repository": "site", "path": LIVE, "user": USER, "url": str(self.publisher.path)}
        return {**fields, "service": "web", **more}

    def allow(self, *entries: dict[str, str]) -> None:
        self.policy.parent.mkdir(parents=True, exist_ok=True)
        self.policy.write_text(json.dumps({"version": 1, "deployments": entries}))

    def publish(self, tag: str, files: Any) -> str:
        commit = self.publisher.release(tag, files)
        # git hands out nothing of a repository on this machine that belongs to another user.
        subprocess.run(["chown", "-R", USER, str(self.publisher.path)], check=True)
        return commit

    def init_script(self, text: str) -> None:
        script = self.root / "etc" / "init.d" / "web"
        script.parent.mkdir(parents=True)
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    # pytest's own directories are closed to other users.
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    publish = top / "publish.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(publish)], check=True)
    target = Guarded(top / "web1", Publisher(publish))
    target.directory.mkdir(parents=True)
    shutil.chown(target.directory, USER, USER)
    target.allow(target.entry())
    yield target
    shutil.rmtree(top)


Way = Callable[[Target, dict[str, Any]], dict[str, Any]]


def among_threads(target: Target, order: dict[str, Any]) -> dict[str, Any]:
    """As the local transport does it."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(perform, order, str(target.root), source).result()


def over_stdin(
    target: Target, order: dict[str, Any], python: str = sys.executable, **options: Any
) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-"],
        input=program_text(target, order),
        capture_output=True,
        check=False,
        **{"extra_groups": (0, 4), **options},  # root's groups, which the user must not inherit
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def by(user: str) -> dict[str, Any]:
    """Options to run as a user from the beginning, with a Python that every user has."""
    python = shutil.which("python3", path=os.defpath)
    group = pwd.getpwnam(user).pw_gid
    return {"python": python, "user": user, "group": group, "extra_groups": (), "cwd": "/"}


def program_text(target: Target, order: dict[str, Any]) -> bytes:
    source = joined().partition('if __name__ == "__main__":')[0]
    return (source + _OVER_STDIN.format(order=json.dumps(order), root=str(target.root))).encode()


def owners(directory: Path) -> set[str]:
    return {path.owner() for path in (directory, *directory.rglob("*")) if not path.is_symlink()}


every_way = pytest.mark.parametrize("way", [among_threads, over_stdin])

TELL = "id -u; id -G; umask; pwd; echo $HOME $USER $SECRET; grep CapEff /proc/self/status"

LOOK = "cat /proc/$PPID/environ > seen; exit 0"


BroughtWay = Callable[[Target, dict[str, Any], Bring], dict[str, Any]]


def run_anew(target: Target, order: dict[str, Any], bring: Bring) -> dict[str, Any]:
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(perform, order, str(target.root), source, bring).result()


def forked(target: Target, order: dict[str, Any], bring: Bring) -> dict[str, Any]:
    """The tests' own process has threads only while somebody else runs some."""
    return perform(order, str(target.root), bring=bring)


def bringing(target: Target, commit: str, kind: str) -> Bring:
    """A file of root's, or what comes over a wire."""

    def bring(held: Sequence[str]) -> Brought | None:
        pack = Packs(target.publisher.path).to(commit, held)
        assert pack is not None
        pack.path.chmod(0o600)
        path, content = pack.path, pack.path.read_bytes()
        facts = (pack.sha256, pack.size, pack.base)
        if kind == "a file":
            return Brought(*facts, lambda: path.open("rb"), "a wire", path)
        return Brought(*facts, lambda: io.BytesIO(content), "a wire")

    return bring


every_brought_way = pytest.mark.parametrize(
    ("way", "kind"), [(run_anew, "a file"), (forked, "a wire"), (run_anew, "a wire")]
)


@every_way
def test_files_belong_to_the_user_and_hooks_run_as_the_user(
    guarded: Guarded, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of-root")
    hooks = {
        "deploy/target/prepare.sh": program(f"({TELL}) > told-by-prepare"),
        "deploy/target/live.sh": program(f"({TELL}) > told-by-live; {LOOK}"),
    }
    commit = guarded.publish("t1", {"index.php": "1", "lib/a.php": "a", **hooks})
    outcome: dict[str, Any] = {}
    for action in ("fetch", "switch", "verify"):
        outcome = way(guarded, guarded.order(action, "t1", commit))
        assert outcome["ok"], outcome["output"]
    assert (outcome["live"], outcome["complete"]) == ("t1", True)
    assert owners(guarded.directory) == {USER}
    account = pwd.getpwnam(USER)
    groups = " ".join(map(str, os.getgrouplist(USER, account.pw_gid)))
    tree = guarded.own / "releases" / "t1"
    home = f"{account.pw_dir} {USER}"
    told = [str(account.pw_uid), groups, "0022", str(tree), home, "CapEff:\t0000000000000000"]
    assert (tree / "told-by-prepare").read_text().splitlines()[3].endswith("/staging/slot0")
    assert (tree / "told-by-live").read_text().splitlines() == told
    # Of the process that had been root's, its own hooks can see nothing.
    assert (tree / "seen").read_bytes() == b""


@every_way
def test_the_service_is_acted_on_by_root_and_after_the_switch(guarded: Guarded, way: Way) -> None:
    guarded.init_script(f"echo $1 $(id -u) $(readlink {guarded.live}) >> {guarded.root}/acted")
    commit = guarded.publish("t1", {"index.php": "1"})
    for action in ("fetch", "switch", "switch", "service"):
        order = guarded.order(action, "t1", commit, service="web", service_action="reload")
        assert way(guarded, order)["ok"]
    acted = (guarded.root / "acted").read_text().splitlines()
    # Once after the switch, not again by the second, and by the action `service`.
    assert acted == ["reload 0 .sartoris/releases/t1"] * 2
    assert owners(guarded.directory) == {USER}


@every_way
def test_a_service_that_fails_is_told_and_tried_again_by_the_next_switch(
    guarded: Guarded, way: Way
) -> None:
    guarded.init_script(f"echo no such luck; test -e {guarded.root}/fixed")
    commit = guarded.publish("t1", {"index.php": "1"})
    more = {"service": "web", "service_action": "restart"}
    assert way(guarded, guarded.order("fetch", "t1", commit, **more))["ok"]
    failed = way(guarded, guarded.order("switch", "t1", commit, **more))
    assert (failed["ok"], failed["error"], failed["live"]) == (False, "service-failed", "t1")
    assert failed["message"] == "service web: restart failed, exit code 1"
    assert failed["output"] == "no such luck"
    (guarded.root / "fixed").touch()
    assert way(guarded, guarded.order("switch", "t1", commit, **more))["ok"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repository", "other"),
        ("path", "/srv/app/php-slot1"),
        ("path", "/srv/app/sub/php-slot0"),
        ("url", "/srv/elsewhere.git"),
        ("service", "ssh"),
    ],
)
def test_what_is_not_listed_is_refused_by_name_and_nothing_is_made(
    guarded: Guarded, field: str, value: str
) -> None:
    guarded.init_script(f"touch {guarded.root}/acted")
    commit = guarded.publish("t1", {"index.php": "1"})
    for action in ACTIONS:
        order = guarded.order(action, "t1", commit, service="web", service_action="restart")
        outcome = perform({**order, field: value}, str(guarded.root))
        assert outcome["error"] == "not-allowed", action
        assert f"does not list {field} '{value}'" in outcome["message"]
        assert f'"{field}": "{value}"' in outcome["message"]
    assert list(guarded.directory.iterdir()) == []
    assert not (guarded.root / "acted").exists()


def test_an_order_without_a_url_needs_none_listed(guarded: Guarded) -> None:
    commit = guarded.publish("t1", {"index.php": "1"})
    assert guarded.ask("fetch", "t1", commit)["ok"]
    assert guarded.ask("switch", "t1", commit, url="")["ok"]


def test_a_deployment_without_a_url_takes_none(guarded: Guarded) -> None:
    entry = guarded.entry()
    del entry["url"]
    guarded.allow(entry)
    assert guarded.ask("status")["error"] == "not-allowed"
    assert guarded.ask("status", url="")["ok"]


def test_a_password_in_a_url_is_not_told(guarded: Guarded) -> None:
    outcome = guarded.ask("status", url="https://deploy:secret@deploy.example.org/site.git")
    assert outcome["error"] == "not-allowed"
    assert "secret" not in json.dumps(outcome)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/app/php-slot1", True),
        ("/srv/app/php-", True),
        ("/srv/app/phpxslot1", False),
        ("/srv/app/php-a/b", False),
        ("/srv/other/php-slot1", False),
    ],
)
def test_a_star_stands_for_a_part_of_the_last_component(
    guarded: Guarded, path: str, allowed: bool
) -> None:
    guarded.allow(guarded.entry(path="/srv/app/php-*"))
    assert guarded.ask("status", path=path)["error"] == ("" if allowed else "not-allowed")


def _entry_with(**more: Any) -> str:
    entry = {"repository": "site", "path": LIVE, "user": USER, **more}
    return json.dumps({"version": 1, "deployments": [entry]})


BROKEN = {
    "is empty": "",
    "is interrupted": _entry_with()[:-3],
    "is not an object": "[]",
    "is of another version": '{"version": 2, "deployments": []}',
    "has a boolean for its version": '{"version": true, "deployments": []}',
    "has no deployments": '{"version": 1}',
    "has something more": '{"version": 1, "deployments": [], "default": "allow"}',
    "has deployments that are no list": '{"version": 1, "deployments": {}}',
    "has an entry that is no object": '{"version": 1, "deployments": ["site"]}',
    "has an entry without a user": '{"version": 1, "deployments": [{"repository": "site"}]}',
    "has an unknown field": _entry_with(comment="ours"),
    "has a number": _entry_with(user=33),
    "has an empty url": _entry_with(url=""),
    "has a relative path": _entry_with(path="srv/app"),
    "has a path that goes up": _entry_with(path="/srv/app/../php"),
    "has a star above the last component": _entry_with(path="/srv/*/php"),
    "has an option for a service": _entry_with(service="--force"),
    "has root for a user": _entry_with(user="root"),
    "has an unknown user": _entry_with(user="nobody-has-this-name"),
    "is nested too deeply": "[" * 100_000,
}


def _refuses_everything(guarded: Guarded) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    for action in ACTIONS:
        order = guarded.order(action, "t1", "a" * 40, service="web", service_action="restart")
        outcome = perform(order, str(guarded.root))
        assert outcome["error"] == "bad-policy", action
    assert list(guarded.directory.iterdir()) == []
    return outcome


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_everything_is_refused_when_the_list(guarded: Guarded, text: str) -> None:
    guarded.policy.write_text(text)
    assert "/etc/sartoris/target.json: " in _refuses_everything(guarded)["message"]


def _link(policy: Path) -> None:
    policy.unlink()
    policy.symlink_to("/nowhere")


def _directory_elsewhere(policy: Path) -> None:
    elsewhere = policy.parent.with_name("elsewhere")
    policy.parent.rename(elsewhere)
    policy.parent.symlink_to(elsewhere)


def _directory_nowhere(policy: Path) -> None:
    _directory_elsewhere(policy)
    shutil.rmtree(policy.parent.resolve())


def _no_directory(policy: Path) -> None:
    shutil.rmtree(policy.parent)
    policy.parent.touch()


def _directory(policy: Path) -> None:
    policy.unlink()
    policy.mkdir()


def _pipe(policy: Path) -> None:
    policy.unlink()
    os.mkfifo(policy)


SPOILT: dict[str, Callable[[Path], object]] = {
    "may be written by a group": lambda policy: policy.chmod(0o664),
    "may be written by everybody": lambda policy: policy.chmod(0o646),
    "belongs to another": lambda policy: shutil.chown(policy, USER),
    "is in another's directory": lambda policy: shutil.chown(policy.parent, USER),
    "is in an open directory": lambda policy: policy.parent.chmod(0o777),
    "is a link": _link,
    "is in a directory that is a link": _directory_elsewhere,
    "is in a directory that is a link to nothing": _directory_nowhere,
    "is in a directory that is none": _no_directory,
    "is a directory": _directory,
    "is a pipe": _pipe,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_everything_is_refused_when_the_file(
    guarded: Guarded, spoil: Callable[[Path], object]
) -> None:
    spoil(guarded.policy)
    _refuses_everything(guarded)


def test_without_the_directory_there_is_no_list(guarded: Guarded) -> None:
    shutil.rmtree(guarded.policy.parent)
    assert guarded.ask("status", path="/srv/other/php-slot0")["ok"]


OWN = ("", "/releases", "/meta", "/staging", "/state", "/index", "/lock", "/trash", "/site.git")


@pytest.mark.parametrize("inside", [f".sartoris{own}" for own in OWN])
def test_a_link_in_place_of_a_directory_of_the_agent_is_refused(
    guarded: Guarded, inside: str
) -> None:
    guarded.deploy("t1", guarded.publish("t1", {"index.php": "1"}))
    outside = guarded.root / "outside"
    (guarded.directory / inside).rename(outside)
    (guarded.directory / inside).symlink_to(outside)
    before = {path: path.lstat().st_ctime_ns for path in outside.rglob("*")}
    commit = guarded.publish("t2", {"index.php": "2"})
    for action in ("fetch", "switch", "withdraw", "status", "verify"):
        refused = guarded.ask(action, "t2", commit)
        assert refused["error"] == "path-leads-out", refused
        assert f"/srv/app/{inside} is a symbolic link" in refused["message"]
    assert {path: path.lstat().st_ctime_ns for path in outside.rglob("*")} == before


@pytest.mark.parametrize("part", ["srv", "srv/app"])
def test_a_listed_path_that_is_reached_through_a_link_is_refused(
    guarded: Guarded, part: str
) -> None:
    outside = guarded.root / "outside"
    (guarded.root / part).rename(outside)
    (guarded.root / part).symlink_to(outside)
    refused = guarded.ask("fetch", "t1", guarded.publish("t1", {"index.php": "1"}))
    assert refused["error"] == "path-leads-out"
    assert f"/{part} is a symbolic link" in refused["message"]
    assert [path for path in outside.rglob("*") if path.name != "app"] == []


def test_a_link_that_the_user_makes_at_the_last_moment_leads_to_nothing_of_roots(
    guarded: Guarded,
) -> None:
    """Whatever a check sees, the user can change afterwards; being the user is what protects."""
    outside = guarded.root / "outside"
    outside.mkdir(mode=0o755)
    away = f"cd {guarded.own} && mv meta meta-away && ln -s {outside} meta"
    files = {"index.php": "1", "deploy/target/prepare.sh": program(away)}
    outcome = guarded.ask("fetch", "t1", guarded.publish("t1", files))
    assert outcome["error"] == "permission"
    assert list(outside.iterdir()) == []


def test_a_directory_that_is_not_there_is_told_with_what_makes_it(guarded: Guarded) -> None:
    guarded.directory.rmdir()
    commit = guarded.publish("t1", {"index.php": "1"})
    refused = guarded.ask("fetch", "t1", commit)
    assert refused["error"] == "directory-not-ready"
    assert not guarded.directory.exists()
    _type_what_is_told(refused, guarded)
    assert guarded.ask("fetch", "t1", commit)["ok"]


def test_files_of_a_time_before_the_list_are_told_with_what_hands_them_over(
    guarded: Guarded,
) -> None:
    guarded.policy.rename(guarded.policy.with_suffix(".away"))
    commit = guarded.publisher.release("t1", {"index.php": "1"})
    shutil.chown(guarded.directory, "root")
    guarded.deploy("t1", commit)
    guarded.policy.with_suffix(".away").rename(guarded.policy)
    for expected in (f"chown {USER}: /srv/app", f"chown -R {USER}: /srv/app/.sartoris"):
        refused = guarded.ask("status")
        assert refused["error"] == "directory-not-ready"
        assert refused["message"].endswith(expected)
        _type_what_is_told(refused, guarded)
    guarded.deploy("t2", guarded.publish("t2", {"index.php": "2"}))


def _type_what_is_told(refused: dict[str, Any], guarded: Guarded) -> None:
    command = refused["message"].partition("on the target: ")[2].split()
    command[-1] = f"{guarded.root}{command[-1]}"
    subprocess.run(command, check=True)


@every_way
def test_a_child_that_is_killed_gives_an_outcome(guarded: Guarded, way: Way) -> None:
    files = {"deploy/target/prepare.sh": program("kill -9 $PPID")}
    outcome = way(guarded, guarded.order("fetch", "t1", guarded.publish("t1", files)))
    assert outcome["error"] == "killed"
    assert "as www-data ended by signal 9" in outcome["message"]


@every_way
def test_a_child_that_is_stopped_goes_on_when_its_time_is_up(guarded: Guarded, way: Way) -> None:
    files = {"deploy/target/prepare.sh": program("kill -STOP $PPID; exec sleep 60")}
    commit = guarded.publish("t1", files)
    outcome = way(guarded, guarded.order("fetch", "t1", commit, timeout=1))
    assert (outcome["error"], outcome["seconds"] < 15) == ("timeout", True)
    assert outcome["message"] == "the order took longer than 1 s and was ended"
    # It has ended what it ran: the slot is free.
    commit = guarded.publish("t2", {"index.php": "2"})
    assert way(guarded, guarded.order("fetch", "t2", commit))["ok"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_child_that_is_stopped_late_goes_on_as_well(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    """On a busy machine it may come to that after it was first told to go on."""
    monkeypatch.setattr(child, "_GO_ON", -2.0)
    monkeypatch.setattr(child, "_is_alone", lambda: alone)
    stop = "sleep 1.5; kill -STOP $PPID; exec sleep 60"
    commit = guarded.publish("t1", {"deploy/target/prepare.sh": program(stop)})
    outcome = guarded.ask("fetch", "t1", commit, timeout=3)
    assert (outcome["error"], outcome["seconds"] < 15) == ("timeout", True)


@pytest.mark.parametrize("alone", [True, False])
def test_a_child_that_is_stopped_again_and_again_is_killed(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    monkeypatch.setattr(child, "_AT_MOST", 1.5)
    monkeypatch.setattr(child, "_is_alone", lambda: alone)
    told = guarded.directory / "child"
    stop = f"trap '' TERM; echo $PPID > {told}; while kill -STOP $PPID; do :; done"
    commit = guarded.publish("t1", {"deploy/target/prepare.sh": program(stop)})
    outcome = guarded.ask("fetch", "t1", commit, timeout=3)
    assert (outcome["error"], outcome["seconds"] < 15) == ("timeout", True)
    assert outcome["message"] == "the order took longer than 3 s and was ended"
    assert not Path("/proc", told.read_text().strip()).exists()


@pytest.mark.parametrize(
    ("says", "error"), [({"answer": {"ok": False, "error": "none"}}, "none"), (None, "killed")]
)
def test_a_child_that_is_stopped_before_it_ends_is_not_waited_for(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, says: dict[str, Any] | None, error: str
) -> None:
    def stopped(descriptor: int) -> None:
        with socket.socket(fileno=descriptor) as end:
            channel = child.Channel(end)
            assert channel.receive()
            if says is not None:
                channel.send(says)
        os.kill(os.getpid(), signal.SIGSTOP)

    monkeypatch.setattr("sartoris.agent.outcome.carry_out_for_parent", stopped)
    monkeypatch.setattr(child, "_is_alone", lambda: True)
    monkeypatch.setattr(child, "_TO_END", 0.1)
    assert guarded.ask("status")["error"] == error


# Looks into each process of its user that a process lets run the agent, says so when it can, and
# stops it.
_ATTACK = r"""
import os, signal, sys
print("ready", flush=True)
uid = str(os.getuid())
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = open(f"/proc/{pid}/status").read()
            line = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        users = text.partition("Uid:")[2].partition(chr(10))[0].split()
        if "git_" "deploy" not in line or uid not in users or f"PPid:\t{sys.argv[2]}\n" not in text:
            continue
        try:
            print("looked", os.listdir(f"/proc/{pid}/fd"), flush=True)
        except OSError:
            pass
        if sys.argv[1] == "stop":
            try:
                os.kill(int(pid), signal.SIGSTOP)
                print("stopped", flush=True)
            except OSError:
                pass
"""


@contextlib.contextmanager
def attack(guarded: Guarded, how: str) -> Iterator[Path]:
    """What a program of the user, which is there before the order comes, says of its success."""
    said = guarded.root / "said"
    options = by(USER)
    with (
        said.open("w") as out,
        subprocess.Popen(
            [options.pop("python"), "-c", _ATTACK, how, str(os.getpid())], stdout=out, **options
        ) as attacker,
    ):
        while "ready" not in said.read_text():
            time.sleep(0.01)
        try:
            yield said
        finally:
            attacker.kill()


def test_no_program_of_the_user_looks_into_the_agent_before_it_has_closed_itself_off(
    guarded: Guarded,
) -> None:
    """It could take the socket and answer in its place."""
    commit = guarded.publish("t1", {"index.php": "1"})
    with attack(guarded, "look") as said:
        for action in ("fetch", "switch", "verify", "status"):
            assert among_threads(guarded, guarded.order(action, "t1", commit))["ok"]
        assert "looked" not in said.read_text()


def test_a_program_of_the_user_that_stops_every_agent_only_uses_its_time_up(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_AT_MOST", 1.0)
    commit = guarded.publish("t1", {"index.php": "1"})
    with attack(guarded, "stop") as said:
        outcome = among_threads(guarded, guarded.order("fetch", "t1", commit, timeout=2))
        assert "stopped" in said.read_text()
    assert (outcome["error"], outcome["seconds"] < 15) == ("timeout", True)
    assert among_threads(guarded, guarded.order("fetch", "t1", commit))["ok"]


@pytest.mark.parametrize(
    ("bytes_said", "why"),
    [
        (b"[1]\n", "is no JSON object"),
        (b"{\n", "is not JSON"),
        (b"[" * 100_000 + b"\n", "is not JSON"),
        (b'{"answer": 1}\n', "it is no JSON object"),
        (b'{"answer": {"ok": true, "held": 7}}\n', "its field held is not a list of releases"),
        (b"x" * (1 << 18), "is longer than any message"),
    ],
)
def test_root_passes_on_nothing_that_is_no_outcome(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, bytes_said: bytes, why: str
) -> None:
    def talk(descriptor: int) -> None:
        # The task: what is left unread takes what is said along when the socket is closed.
        os.read(descriptor, 1 << 20)
        with contextlib.suppress(OSError):
            os.write(descriptor, bytes_said)
        os.close(descriptor)

    monkeypatch.setattr("sartoris.agent.outcome.carry_out_for_parent", talk)
    monkeypatch.setattr(child, "_LONGEST_MESSAGE", 1 << 17)
    monkeypatch.setattr(child, "_is_alone", lambda: True)
    outcome = guarded.ask("status", timeout=5)
    assert outcome["error"] == "crashed"
    assert why in outcome["message"]


def test_a_child_dies_with_its_parent(guarded: Guarded) -> None:
    told = guarded.directory / "child"
    os.mkfifo(told)
    shutil.chown(told, USER)
    files = {"deploy/target/prepare.sh": program(f"echo $PPID > {told}; exec sleep 15")}
    order = guarded.order("fetch", "t1", guarded.publish("t1", files))
    with subprocess.Popen(
        [sys.executable, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as parent:
        assert parent.stdin is not None
        parent.stdin.write(program_text(guarded, order))
        parent.stdin.close()
        with os.fdopen(os.open(told, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
            assert select.select([pipe], [], [], 10)[0], "the hook did not run"
            child = os.pidfd_open(int(pipe.read()))
        parent.kill()
    try:
        assert select.select([child], [], [], 10)[0], "the child lives on"
    finally:
        os.close(child)


def test_an_agent_that_is_not_root_serves_its_own_user_only(guarded: Guarded) -> None:
    commit = guarded.publish("t1", {"index.php": "1"})
    order = guarded.order("fetch", "t1", commit)
    other = over_stdin(guarded, order, **by("nobody"))
    assert other["error"] == "not-allowed"
    assert "gives /srv/app/php-slot0 to www-data" in other["message"]
    own = over_stdin(guarded, order, **by(USER))
    assert own["ok"], own
    assert owners(guarded.directory) == {USER}


def test_a_list_that_the_agent_may_not_read_refuses_everything(guarded: Guarded) -> None:
    guarded.policy.chmod(0o600)
    order = guarded.order("status")
    outcome = over_stdin(guarded, order, **by(USER))
    assert outcome["error"] == "bad-policy"


@every_brought_way
def test_what_is_brought_is_handed_to_the_process_of_the_user(
    guarded: Guarded, way: BroughtWay, kind: str
) -> None:
    files = {f"file{number}": f"{number}\n" * 50 for number in range(9)}
    for number in range(2):
        commit = guarded.publish(f"t{number}", {**files, "index.php": f"{number}"})
        order = guarded.order("fetch", f"t{number}", commit, url="")
        outcome = way(guarded, order, bringing(guarded, commit, kind))
        assert outcome["ok"], outcome
        assert (outcome["came_by"], outcome["came_from"]) == ("pack", "a wire")
    assert owners(guarded.directory) == {USER}


@every_brought_way
def test_what_is_brought_and_cannot_be_read_is_told_by_the_process_of_the_user(
    guarded: Guarded, way: BroughtWay, kind: str
) -> None:
    commit = guarded.publish("t1", {"index.php": "1"})
    bring = bringing(guarded, commit, kind)

    def short(held: Sequence[str]) -> Brought | None:
        brought = bring(held)
        assert brought is not None
        return brought._replace(size=brought.size + 1)

    for broken, word in ((short, "ended after"), (lambda _: None, "no pack"), (_refuses, "a word")):
        outcome = way(guarded, guarded.order("fetch", "t1", commit, url=""), broken)
        assert outcome["error"] == "fetch-failed", str(outcome["message"])
        assert word in outcome["message"]


def _refuses(_: Sequence[str]) -> Brought | None:
    raise BadPack("a word")
