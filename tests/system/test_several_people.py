"""Several users of one deployment server: docs/several-people.md, as it is lived for a day."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.people import GROUP, NO_GROUP, Person, a_place_for_all, need_root
from tests.system.site import Site


@dataclass
class Office:
    """Anna set it up, Ben deploys as well, Otto is to look. Nobody trusts anybody yet."""

    site: Site
    anna: Person
    ben: Person
    otto: Person

    @property
    def published(self) -> Path:
        return self.site.state_directory / "publish.git"

    def trust(self, *people: Person) -> None:
        for person in people:
            person.trusts(self.site, self.site.repo, self.published, self.site.origin)

    def rollout(self, person: Person, text: str) -> None:
        assert person.deploy(self.site, "start").code == 0
        line = f"echo {text} > index.php && git commit -qam {text} && git push -q origin HEAD"
        typed = person.shell(self.site, line)
        assert typed.code == 0, typed.err
        synced = person.deploy(self.site, "sync")
        assert synced.code == 0, synced.err


@pytest.fixture
def umask() -> int:
    return 0o022


@pytest.fixture
def office(umask: int) -> Iterator[Office]:
    """Everything is of Anna and the group, and shared with it as docs/several-people.md says."""
    need_root()
    with a_place_for_all() as root:
        site = Site.build(root / "site", targets=2)
        for repository in (site.repo, site.origin):
            site.git("config", "core.sharedRepository", "group", at=repository)
        site.ok("doctor")  # so that whatever it needs is in memory
        site.ok("start")
        site.ok("sync")
        anna, ben, otto = (
            Person.with_home(name, 64001 + number, group, umask, root / "home")
            for number, (name, group) in enumerate(
                (("anna", GROUP), ("ben", GROUP), ("otto", NO_GROUP))
            )
        )
        for path in (site.root, *site.root.rglob("*")):
            os.lchown(path, anna.number, GROUP)
            if not path.is_symlink():
                mode = path.stat().st_mode | 0o060 | (0o2010 if path.is_dir() else 0)
                path.chmod(mode & 0o7777)
        yield Office(site, anna, ben, otto)


@pytest.mark.parametrize("umask", [0o002, 0o022])
def test_a_day_of_two_deployers_and_one_who_looks(office: Office) -> None:
    site, anna, ben, otto = office.site, office.anna, office.ben, office.otto
    office.trust(anna, ben, otto)
    office.rollout(anna, "morning")
    office.rollout(ben, "noon")
    office.rollout(anna, "afternoon")
    assert site.files("web1")["index.php"] == "afternoon\n"

    assert ben.deploy(site, "start").code == 0
    refused = anna.deploy(site, "sync")
    assert refused.code == 1
    assert refused.err.split("Next:")[1].split("\n")[1].startswith("  git deploy status")
    taken = anna.deploy(site, "--force", "abort")
    assert taken.code == 0, taken.err
    reverted = ben.deploy(
        site, "revert", otto.deploy(site, "report", "--json").document["rollouts"][1]["tag"]
    )
    assert reverted.code == 0, reverted.err
    assert site.files("web2")["index.php"] == "noon\n"
    for person in (anna, ben):
        examined = person.deploy(site, "doctor")
        assert examined.code == 0, examined.out


def test_who_may_only_read_sees_what_is_live_and_is_told_that_this_is_all(office: Office) -> None:
    site, otto = office.site, office.otto
    office.trust(office.anna, otto)
    office.rollout(office.anna, "morning")
    for words in (("status",), ("report",), ("report", "--verify"), ("history",), ("show",)):
        ran = otto.deploy(site, *words)
        assert ran.code == 0, ran.err
    refused = otto.deploy(site, "start")
    assert refused.code == 1
    assert "you may look at this repository" in refused.err
    examined = otto.deploy(site, "doctor")
    assert examined.code == 1
    assert "you may look, and not deploy" in examined.out
    assert "let root type, if you are to deploy: usermod -aG" in examined.out
    for destructive in (" mv ", " rm ", "mkdir"):
        assert f"Next:{destructive}" not in examined.out


def test_a_repository_of_another_user_is_told_by_its_reason_and_the_way_on_works(
    office: Office,
) -> None:
    """Each refusal names the one command that is missing, until the rollout goes through."""
    site, ben = office.site, office.ben
    ben.trusts(site, site.origin)
    for trusted in (site.repo, office.published):
        refused = ben.deploy(site, "start")
        assert refused.code == 1
        assert "of another user" in refused.err
        step = refused.err.split("Next:\n")[1].split("\n")[0].strip()
        assert step.startswith(f"git config --global --add safe.directory {trusted}")
        assert ben.shell(site, step).code == 0
    assert ben.deploy(site, "start").code == 0
    synced = ben.deploy(site, "--force", "sync")
    assert synced.code == 0, synced.err


def test_what_is_missing_where_only_root_may_make_it_is_root_s_to_make(office: Office) -> None:
    """Never by opening what is above it, which may be /srv; and root's command is right as told."""
    site, anna, ben = office.site, office.anna, office.ben
    office.trust(anna, ben)
    of_root = site.root.parent
    for key, place in (("log-directory", "logs"), ("publish-dir", "published/wiki.git")):
        assert anna.shell(site, f"git config deploy.{key} {of_root / place}").code == 0
    examined = ben.deploy(site, "doctor", "--json").document["checks"]
    told = {one["name"]: one["next"] for one in examined if one["state"] != "ok"}
    for name, made in (("log", "logs"), ("publish repository", "published")):
        (step,) = told[name]
        assert step == f"let root type: install -d -o {ben.number} {of_root / made}"
        subprocess.run(step.removeprefix("let root type: ").split(), check=True)
    examined = ben.deploy(site, "doctor", "--json").document["checks"]
    assert {one["name"] for one in examined if one["state"] != "ok"} <= {"newest release", "url"}


def test_who_is_not_in_the_group_of_the_deployers_is_told_to_be_added_to_it(office: Office) -> None:
    site, anna, otto = office.site, office.anna, office.otto
    office.trust(anna, otto)
    published, logs = site.root.parent / "publish", site.root.parent / "logs"
    for made in (published, logs):
        made.mkdir()
        os.chown(made, 0, GROUP)
        made.chmod(0o2775)
    assert anna.shell(site, f"git config deploy.publish-dir {published}/wiki.git").code == 0
    assert anna.shell(site, f"git config deploy.log-directory {logs}").code == 0
    examined = otto.deploy(site, "doctor", "--json").document["checks"]
    for name in ("publish repository", "log"):
        (step,) = next(one["next"] for one in examined if one["name"] == name)
        assert step.startswith("let root type, if you are to deploy: usermod -aG ")
