"""What the demo tells, in the order in which a site lives through it."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import click

from sartoris.demo import site
from sartoris.demo.site import TARGETS, WORKING
from sartoris.demo.stage import Stage, executables, fresh_directory


def run(directory: Path | None) -> None:
    """Play the whole story in `directory`, or in a new temporary one. Raises `DemoFailed`."""
    place = fresh_directory(directory or Path(tempfile.mkdtemp(prefix="sartoris-demo-")))
    stage = Stage(place)
    stage.say(f"A site in {place}: an origin, a working repository, and {', '.join(TARGETS)}")
    site.build(stage)
    stage.run("git", "config", "--get-regexp", "^deploy", at=WORKING)
    _first_deploy(stage)
    _core_change(stage)
    _other_slot(stage)
    _broken_target(stage)
    _live_hack(stage)
    _farewell(stage)


def _first_deploy(stage: Stage) -> None:
    stage.say("The first deploy, into slot0: fetch on every target, then one rename on each")
    _deploy(stage, "start")
    _deploy(stage, "sync")
    stage.run("ls", "-l", f"targets/{TARGETS[0]}/usr/local/apache/common/")
    stage.run("cat", _live("slot0", ".deploy"))


def _core_change(stage: Stage) -> None:
    stage.say("A change of the core: start, work with git as usual, sync")
    _deploy(stage, "start")
    stage.edit(f"{WORKING}/index.php", "<?php echo 'wiki 1.20wmf1, faster';")
    _commit(stage, "Make the front page faster")
    stage.run("git", "push", "--quiet", at=WORKING)
    stage.say("What would happen? (nothing does)")
    _deploy(stage, "sync", "--dry-run")
    _deploy(stage, "sync")
    stage.run("cat", _live("slot0", "index.php"))


def _other_slot(stage: Stage) -> None:
    stage.say("A new version on its own branch, into the other slot; slot0 stays as it is")
    stage.run("git", "checkout", "--quiet", "-b", "1.20wmf2", at=WORKING)
    stage.edit(f"{WORKING}/index.php", "<?php echo 'wiki 1.20wmf2';")
    _commit(stage, "Version 1.20wmf2")
    stage.run("git", "push", "--quiet", "-u", "origin", "1.20wmf2", at=WORKING)
    _deploy(stage, "start", "slot1", "--new-prefix")
    _deploy(stage, "sync", "slot1")
    stage.run("ls", "-l", f"targets/{TARGETS[0]}/usr/local/apache/common/")
    stage.run("git", "checkout", "--quiet", "main", at=WORKING)


def _broken_target(stage: Stage) -> None:
    broken = TARGETS[2]
    stage.say(f"{broken} dies. The gate stops the sync before anything live has changed")
    _deploy(stage, "start")
    stage.edit(f"{WORKING}/README", "A wiki, with a manual.")
    _commit(stage, "Mention the manual")
    stage.run("git", "push", "--quiet", at=WORKING)
    stage.run("mv", f"targets/{broken}", f"targets/{broken}.away")
    _deploy(stage, "sync", expect=71)
    stage.run("cat", _live("slot0", "README"))
    _deploy(stage, "status", expect=2)
    stage.say(f"{broken} is back. resync brings the rollout to its end")
    stage.run("mv", f"targets/{broken}.away", f"targets/{broken}")
    _deploy(stage, "resync")
    stage.run("cat", _live("slot0", "README"))


def _live_hack(stage: Stage) -> None:
    stage.say("An emergency, and the origin is gone too: a live hack without the network")
    stage.run("mv", "origin", "origin.away")
    _deploy(stage, "--no-remote", "start")
    stage.edit(f"{WORKING}/index.php", "<?php echo 'closed for repairs';")
    _commit(stage, "Emergency: close the wiki")
    _deploy(stage, "--no-remote", "sync")
    stage.run("cat", _live("slot0", "index.php"))
    stage.run("mv", "origin.away", "origin")
    stage.run("git", "push", "--quiet", at=WORKING)
    _deploy(stage, "report", "--verify")


def _farewell(stage: Stage) -> None:
    stage.say("The place is yours. Try:")
    click.echo(f"cd {shlex.quote(str(stage.directory / WORKING))}")
    click.echo(f"export PATH={shlex.quote(str(executables()))}:$PATH")
    for hint in (
        "git deploy show",
        "git deploy rollback        # to the release before",
        "git deploy revert N        # to any of the list",
        "git deploy report",
        "git deploy start           # and so on: git deploy -h",
    ):
        click.echo(hint)


def _deploy(stage: Stage, *arguments: str, expect: int = 0) -> None:
    stage.run("git", "deploy", *arguments, at=WORKING, expect=expect)


def _commit(stage: Stage, message: str) -> None:
    stage.run("git", "commit", "--quiet", "--all", "-m", message, at=WORKING)


def _live(slot: str, name: str) -> str:
    return f"targets/{TARGETS[0]}/usr/local/apache/common/php-{slot}/{name}"
