"""A real Salt: a master and minions on this machine, each minion with a directory for its `/`."""

from __future__ import annotations

import json
import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.programs import need
from tests.salt.answer import Answer
from tests.salt.daemon import Daemon, Keeper
from tests.salt.events import Events
from tests.salt.keys import KeyPair
from tests.salt.metadata import hide_sartoris
from tests.salt.users import as_user

Key = Literal["accepted", "unknown", "rejected"]

_LISTENER = Path(__file__).with_name("listener.py")
_UP = 60.0
_KEYS_OF = {"accepted": "minions", "unknown": None, "rejected": "minions_rejected"}

_QUICK_MASTER = {
    "worker_threads": 3,
    "timeout": 5,
    "gather_job_timeout": 15,  # a machine that runs tests is busy
    "fileserver_list_cache_time": 0,  # else a new file is not there for 20 seconds
    "log_level_logfile": "info",
}

# At once what minions do at leisure elsewhere; and nothing of what they find out about hardware.
_QUICK_MINION = {
    "acceptance_wait_time": 1,
    "random_reauth_delay": 0,
    "recon_default": 100,
    "recon_max": 500,
    "recon_randomize": False,
    "retry_dns": 0,
    "mine_enabled": False,
    "enable_fqdns_grains": False,
    "enable_gpu_grains": False,
    "log_level_logfile": "info",
}


class Minion:
    """`root` stands for this target's `/`; the minion knows it as `git_deploy.root`."""

    def __init__(self, cluster: Cluster, name: str, config: Mapping[str, Any]) -> None:
        self.id = name
        self.cluster = cluster
        self.directory = cluster.directory / "minions" / name
        self.root = self.directory / "root"
        self.root.mkdir(parents=True)
        cluster.write_config(
            self.directory / "minion",
            {
                "id": name,
                "master": "127.0.0.1",
                "publish_port": cluster.publish_port,
                "master_port": cluster.ret_port,
                "git_deploy.root": str(self.root),
                **_QUICK_MINION,
                **config,
            },
        )
        self.daemon = cluster.daemon(
            ["salt-minion", "--disable-keepalive"], self.directory, self.directory / "printed"
        )

    def start(self, wait: bool = True) -> None:
        """Start it, and wait until it is ready to work, unless told not to."""
        since = self.cluster.events.count
        self.daemon.start()
        if wait:
            self.cluster.events.wait(f"salt/minion/{self.id}/start", since=since, limit=_UP)

    def kill(self) -> None:
        """Kill it with everything it started."""
        self.daemon.kill()

    def stop(self) -> None:
        """End it as its service manager would."""
        self.daemon.stop()

    def remove(self) -> None:
        """Kill it, and let the master forget it and its key."""
        self.kill()
        for directory in (self.cluster.master_directory / "pki").glob("minions*"):
            (directory / self.id).unlink(missing_ok=True)
        shutil.rmtree(self.directory)
        del self.cluster.minions[self.id]

    def log(self) -> str:
        log = self.directory / "log"
        return log.read_text(errors="replace") if log.exists() else ""


class Cluster:
    """A master with its files, and the minions made by `minion`.

    `files` is the file root (`files/_modules`, states), `pillar` the pillar root, `runners` the
    directory of runners; `master` is merged into the master's configuration. With `installed` Salt
    finds the modules of the Sartoris in this Python, as after `salt-pip install sartoris`; without,
    it has those that are synced or stand in `runners`.

    Use it in a `with` statement: everything ends there, or when this process dies.
    """

    def __init__(self, master: Mapping[str, Any] | None = None, installed: bool = False) -> None:
        # Unix sockets in it have a limit of 107 bytes for their paths: pytest's directories are too
        # long, and closed to other users.
        self.directory = Path(tempfile.mkdtemp(prefix="salt-", dir="/tmp"))
        self.directory.chmod(0o755)
        self._installed = installed
        self.keeper = Keeper(self.directory)
        self.master_directory = self.directory / "master"
        self.files = self._make("files")
        self.pillar = self._make("pillar")
        self.runners = self._make("runners")
        self.publish_port, self.ret_port = free_ports(2)
        self.minions: dict[str, Minion] = {}
        self._daemons: list[Daemon] = []
        self._key = KeyPair.generate()
        self._configure_master(master or {})
        self._master = self.daemon(
            ["salt-master"], self.master_directory, self.master_directory / "printed"
        )
        self.events = Events(self._listener())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Kill every process and remove every file."""
        self.keeper.end()
        for daemon in self._daemons:
            daemon.wait()

    # The master

    def start(self) -> Self:
        """Start the master, and wait until it takes orders."""
        sockets = self.master_directory / "s"
        for left in sockets.iterdir():
            left.unlink()
        self._master.start()
        self.events.start(_UP)
        until = time.monotonic() + _UP
        while not (_answers(self.ret_port) and (sockets / "publish_pull.ipc").exists()):
            assert time.monotonic() < until, f"the master takes no orders after {_UP} s"
            time.sleep(0.02)
        return self

    def kill_master(self) -> None:
        self._master.kill()

    def restart_master(self) -> None:
        """Kill the master and start it again. Minions that run may need a moment: see `ping`."""
        self._master.kill()
        self.start()

    def configure_master(self, settings: Mapping[str, Any]) -> None:
        """Change the master's configuration; it counts from the next start."""
        self._configure_master(settings)

    def master_log(self) -> str:
        return (self.master_directory / "log").read_text(errors="replace")

    def _configure_master(self, settings: Mapping[str, Any]) -> None:
        config = {
            "interface": "127.0.0.1",
            "publish_port": self.publish_port,
            "ret_port": self.ret_port,
            "file_roots": {"base": [str(self.files)]},
            "pillar_roots": {"base": [str(self.pillar)]},
            "runner_dirs": [str(self.runners)],
            **_QUICK_MASTER,
            **settings,
        }
        self.write_config(self.master_directory / "master", config)
        self._admit(config.get("publisher_acl", {}))

    def _admit(self, users: Mapping[str, Any]) -> None:
        """Let the users of publisher_acl read the event bus, as a site must too.

        A master gives its event socket the mode 0660; with this default list that mode counts for
        these users as well, and the sockets with the mode 0600 stay closed to them.
        """
        entries = ",".join(f"u:{name}:rw" for name in users)
        if entries:
            where = str(self.master_directory / "s")
            subprocess.run([need("setfacl"), "-d", "-m", entries, where], check=True)

    # Minions

    def minion(
        self,
        name: str,
        grains: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        key: Key = "accepted",
    ) -> Minion:
        """Make a minion; it does not run yet. `key` is what the master says to its key."""
        minion = Minion(self, name, {"grains": dict(grains or {}), **(config or {})})
        pair = self._key if key == "accepted" else KeyPair.generate()
        pair.write(minion.directory / "pki", "minion")
        if accepted_or_rejected := _KEYS_OF[key]:
            keys = self.master_directory / "pki" / accepted_or_rejected
            keys.mkdir(parents=True, exist_ok=True)
            (keys / name).write_bytes(pair.public)
        self.minions[name] = minion
        return minion

    def start_minions(self, *names: str) -> None:
        """Start minions, all at once; without names, all of them."""
        since = self.events.count
        chosen = names or tuple(self.minions)
        for name in chosen:
            self.minions[name].start(wait=False)
        self.events.wait(*(f"salt/minion/{name}/start" for name in chosen), since=since, limit=120)

    # Commands

    def salt(self, *arguments: str, user: str | None = None, limit: float = 60) -> Answer:
        """`salt`; its document is an object with the minions' answers. `user` is an account."""
        options = ["--config-dir", str(self.master_directory), "--out=json"]
        return self._command(["salt", *options, *arguments], user, limit)

    def sync_modules(self, target: str = "*") -> None:
        """Bring the execution modules of the file root to minions, however busy the machine is."""
        answer = self.salt("--timeout=120", target, "saltutil.sync_modules", limit=180)
        assert answer.code == 0, answer

    def run(self, *arguments: str, user: str | None = None, limit: float = 60) -> Answer:
        """`salt-run`; its document is what the runner returned."""
        options = ["--config-dir", str(self.master_directory), "--out=json"]
        return self._command(["salt-run", *options, *arguments], user, limit)

    def call(self, minion: Minion, *arguments: str, limit: float = 60) -> Answer:
        """`salt-call` on a minion; its document is `{"local": ...}`."""
        options = ["--config-dir", str(minion.directory), "--out=json"]
        return self._command(["salt-call", *options, *arguments], None, limit)

    def deploy(self, repository: Path, *arguments: str, user: str) -> Answer:
        """`git-deploy` in a repository that belongs to `user`, an account."""
        return self._command(["git-deploy", *arguments], user, 60, repository)

    def ping(self, *names: str, limit: float = _UP) -> None:
        """Wait until minions answer, all that run unless named. For after `restart_master`."""
        wanted = set(names or (name for name, it in self.minions.items() if it.daemon.running))
        until = time.monotonic() + limit
        while wanted:
            answer = self.salt("-L", ",".join(sorted(wanted)), "--timeout=1", "test.ping")
            answers = answer.document if answer.out.startswith("{") else {}
            wanted -= {name for name, said in answers.items() if said is True}
            assert time.monotonic() < until, f"no answer after {limit} s: {wanted}"

    def _command(
        self,
        command: Sequence[str],
        user: str | None,
        limit: float,
        directory: Path = Path("/"),
    ) -> Answer:
        account = pwd.getpwnam(user) if user else None
        found = [str(program(command[0])), *command[1:]]
        done = subprocess.run(
            as_user(account, found, self.directory / "aside") if account else found,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            check=False,
            cwd=directory,
            env=self._environment(account),
        )
        out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        return Answer(done.returncode, out, err)

    # What all of these need

    def daemon(self, command: Sequence[str], config: Path, printed: Path) -> Daemon:
        """One of Salt's daemons with its configuration directory; it does not run yet."""
        arguments = [str(program(command[0])), *command[1:], "--config-dir", str(config)]
        return self._daemon(arguments, printed)

    def write_config(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Write a daemon's configuration, with its directories beside it. JSON is YAML."""
        here = path.parent
        (here / "s").mkdir(parents=True, exist_ok=True)
        places = {"pki_dir": "pki", "cachedir": "cache", "sock_dir": "s", "pidfile": "pid"}
        config = {
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "root_dir": str(here),
            "log_file": str(here / "log"),
            **{setting: str(here / name) for setting, name in places.items()},
            **settings,
        }
        path.write_text(json.dumps(config, indent=1))

    def _listener(self) -> Daemon:
        command = [sys.executable, "-P", str(_LISTENER), str(self.master_directory / "master")]
        return self._daemon(command, self.directory / "events")

    def _daemon(self, command: Sequence[str], printed: Path) -> Daemon:
        daemon = Daemon(command, self.keeper, printed, self._environment(None))
        self._daemons.append(daemon)
        return daemon

    def _make(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir()
        return path

    def _environment(self, account: pwd.struct_passwd | None) -> dict[str, str]:
        """No one's git configuration, a home of its own, and no measuring of Salt's coverage."""
        home = self.directory / "homes" / (account.pw_name if account else "root")
        if not home.exists():
            home.mkdir(parents=True)
            if account:
                shutil.chown(home, account.pw_uid, account.pw_gid)
        ours = ("GIT_", "COV", "PYTEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        environment = {**kept, **quiet, "HOME": str(home)}
        if self._installed:
            return environment
        return hide_sartoris(self.directory / "hidden", environment)


def program(name: str) -> Path:
    """One of Salt's programs, beside the Python that runs the tests."""
    return Path(sys.executable).with_name(name)


def free_ports(count: int) -> list[int]:
    """Ports below those that outgoing connections get, so that a master can restart on its own."""
    free: list[int] = []
    while len(free) < count:
        port = random.randrange(20000, 32000)
        if port not in free and not _answers(port):
            free.append(port)
    return free


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
