"""What `doctor`, `report` and `status` advise is typed as it stands, and then it is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.rollout.transitions import TABLE, Situation
from tests.system.advice import is_for_a_person, leads_on, type_step
from tests.system.site import Site
from tests.system.test_advice import repeat_by_hand, sync_hook_failed


def bad(site: Site) -> list[tuple[str, str, list[str]]]:
    """Name, text and next steps of what is not well."""
    checks = site.deploy("doctor", "--json").document["checks"]
    return [(one["name"], one["text"], one["next"]) for one in checks if one["state"] != "ok"]


def test_what_doctor_finds_is_gone_once_its_advice_is_typed(deployed: Site) -> None:
    """All in one site, on a bad day: some advice works only once other advice was followed."""
    publish = deployed.state_directory / "publish.git"
    deployed.config("deploy.hook-dir", str(deployed.root / "hooks"))
    deployed.config("deploy.log-directory", str(deployed.root / "logs"))
    deployed.target("web2").rename(deployed.root / "away")
    deployed.git("checkout", "--quiet", "-b", "topic")
    deployed.config("deploy.branch", "topic")
    publish.rename(deployed.root / "lost")
    found = {name for name, _, _ in bad(deployed)}
    assert {"remote", "newest release", "hooks", "log", "answers"} <= found
    for _ in range(3):
        _type_all(deployed)
    assert [one for one in bad(deployed) if one[2]] == []
    assert deployed.files("web2") == deployed.files("web1")

    hook = deployed.hook("pre-sync.check")
    hook.chmod(0o644)
    (newest,) = (publish / "refs" / "tags").iterdir()
    newest.write_text("no commit\n")
    for number in range(150):
        (publish / "objects" / "pack" / f"tmp-{number}.pack").touch()
    assert {"hooks", "publish repository"} <= {name for name, _, _ in bad(deployed)}
    for _ in range(2):
        _type_all(deployed)
    assert [one for one in bad(deployed) if one[2]] == []


def _type_all(site: Site) -> None:
    for _, _, steps in bad(site):
        for step in steps:
            if not is_for_a_person(step) and leads_on(step, type_step(site, step)):
                break
    site.deploy("abort")  # a rollout that began, and met what the next round mends


def test_what_is_to_be_published_anew_waits_for_the_end_of_the_rollout(deployed: Site) -> None:
    (deployed.state_directory / "publish.git").rename(deployed.root / "lost")
    (deployed.slot("web1") / "index.php").write_text("edited\n")
    deployed.ok("start")
    ((_, _, (first, _)),) = [one for one in bad(deployed) if one[0] == "newest release"]
    assert first.startswith("git deploy status")
    said = deployed.ok("report", "--verify").out
    assert said.index("Next: git deploy status") < said.index("Next: git deploy start &&")


@pytest.mark.parametrize(
    ("build", "here", "index"),
    [
        (build, here, index)
        for build, here in (
            (repeat_by_hand, Situation.TAGGED_BY_HAND),
            (sync_hook_failed, Situation.TAGGED_BY_HOOK),
        )
        for index in range(len(TABLE[here].next_steps))
    ],
)
def test_what_status_advises_where_others_synchronise_leads_where_its_row_says(
    tmp_path: Path, build: object, here: Situation, index: int
) -> None:
    """(What it advises for a fleet is typed in tests/unit/actions.)"""
    site = Site.build(tmp_path / "site", targets=1)
    assert callable(build)
    build(site)
    steps = site.status()["next"]
    assert tuple(steps) == TABLE[here].next_steps
    ran = type_step(site, steps[index])
    assert ran.code == 0, ran.err
    assert site.status()["status"] == "none"
