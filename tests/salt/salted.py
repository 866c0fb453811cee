"""A site whose targets are Salt minions."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sartoris.salt import made
from tests.salt.cluster import Cluster, Minion, program
from tests.system.site import Ran, Site

FORMULA = Path(made.__file__).parent


def install(cluster: Cluster) -> None:
    """The execution module and the runner, where the master looks for them."""
    texts = made.texts()
    for name, directory in (
        ("_modules", cluster.files / "_modules"),
        ("_runners", cluster.runners),
    ):
        directory.mkdir(exist_ok=True)
        (directory / "git_deploy.py").write_text(texts[f"{name}/git_deploy.py"])


def make_old(minion: Minion) -> None:
    """Let a minion have the module of an earlier level."""
    give_module(minion, lambda text: text.replace("\nLEVEL = 3", "\nLEVEL = 1"))


def give_module(minion: Minion, change: Callable[[str], str]) -> None:
    """Let a minion have another module, and not the one that Python compiled."""
    minion.cluster.sync_modules(minion.id)
    (module,) = minion.directory.rglob("extmods/modules/git_deploy.py")
    module.write_text(change(module.read_text()))
    # Python goes by the size, which may be the same, and the second in which it was written.
    shutil.rmtree(module.parent / "__pycache__", ignore_errors=True)
    os.utime(module, (0, 0))


def deployed(fleet: Cluster, root: Path, names: Sequence[str]) -> SaltSite:
    """A site whose fleet has the release `before` live, and may fail in one target."""
    dead = [name for name in names if not fleet.minions[name].daemon.running]
    if dead:
        fleet.start_minions(*dead)
    site = SaltSite.on(fleet, root, names, "G@deployment_target:mediawiki")
    site.ship("before")
    site.ok("sync")
    site.set("deploy.max-failed", "1")
    return site


@dataclass
class SaltSite(Site):
    """The minions `names` of `cluster` are the targets, `names` its compound expression."""

    cluster: Cluster = field(kw_only=True)
    names: Sequence[str] = field(kw_only=True)

    @classmethod
    def on(cls, cluster: Cluster, root: Path, names: Sequence[str], targets: str) -> SaltSite:
        plain = Site.build(root, targets=0)
        site = cls(plain.root, cluster=cluster, names=tuple(names))
        site.config("deploy.transport", "salt")
        site.config("deploy.salt-config", str(cluster.master_directory))
        site.config("deploy.targets", targets)
        site.set("deploy.path", f"/srv/{root.parent.name}/php-{{prefix}}")
        site.config("deploy.url", str(site.state_directory / "publish.git"))
        return site

    def target(self, name: str) -> Path:
        return self.cluster.minions[name].root

    def slot(self, target: str, slot: str = "slot0") -> Path:
        return self.target(target) / "srv" / self.root.parent.name / f"php-{slot}"

    def everywhere(self, slot: str = "slot0") -> set[str]:
        return {self.live(name, slot) for name in self.names}

    def ship(self, text: str, files: Mapping[str, str] | None = None) -> None:
        """Start, commit with what was written before, push; what is left is the sync."""
        self.git("stash", "--include-untracked")
        assert self.deploy("start").code == 0
        if self.git("stash", "list"):
            self.git("stash", "pop")
        self.commit({"index.php": f"{text}\n", **(files or {})}, text)
        self.push()

    def report_of(self, slot: str) -> list[dict[str, Any]]:
        """The targets of a slot in `git deploy report`."""
        slots = self.deploy("report", "--json").document["slots"]
        targets: list[dict[str, Any]]
        (targets,) = [one["targets"] for one in slots if one["slot"] == slot]
        return targets

    def begin(self, *arguments: str) -> Begun:
        """Type a command, and do something else meanwhile."""
        return Begun(self, arguments)

    def target_hook(self, name: str, script: str) -> None:
        """A program of the release that runs on targets; it is committed with the next `ship`."""
        path = self.repo / "deploy" / "target" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def hold(self, kind: str, *names: str) -> None:
        """Let `prepare` or `live` hooks of the next release wait on some targets for `let_go`."""
        self.target_hook(f"{kind}.hold", _HOLD)
        for name in names:
            (self.target(name) / "hold").touch()

    def held(self, *names: str) -> None:
        """Wait until the hooks are there."""
        for name in names:
            wait_for((self.target(name) / "hold.here").exists, f"the hook on {name}")

    def let_go(self, *names: str) -> None:
        for name in names:
            (self.target(name) / "hold").unlink()
            (self.target(name) / "hold.here").unlink(missing_ok=True)


_HOLD = """\
hold="${GIT_DEPLOY_PATH%%/srv/*}/hold"
[ -e "$hold" ] || exit 0
touch "$hold.here"
while [ -e "$hold" ]; do sleep 0.05; done
"""


class Begun:
    """A command that runs."""

    def __init__(self, site: SaltSite, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [str(program("git-deploy")), *arguments],
            cwd=site.repo,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self, limit: float = 90) -> Ran:
        out, err = self._process.communicate(timeout=limit)
        return Ran(self._process.returncode, out.decode(), err.decode())


def wait_for(what: Callable[[], bool], name: str, limit: float = 60) -> None:
    """Wait until something is so."""
    until = time.monotonic() + limit
    while not what():
        assert time.monotonic() < until, f"{name} did not come within {limit} s"
        time.sleep(0.02)
