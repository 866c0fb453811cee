"""`sync --dry-run` tells the story of a sync, and changes nothing."""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.system.conftest import with_targets
from tests.system.kept import Kept
from tests.system.site import Ran, Site

Snapshot = dict[str, object]


def snapshot(site: Site) -> Snapshot:
    """Everything there is: refs here and at the origin, our own directory, the targets."""
    journal = sqlite3.connect(site.state_directory / "journal.sqlite")
    rows = [journal.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]
    journal.close()
    return {
        "refs": site.git("for-each-ref"),
        "publish refs": site.git("for-each-ref", at=site.state_directory / "publish.git"),
        "origin refs": site.git("for-each-ref", at=site.origin),
        "status": site.git("status", "--porcelain", "--ignored"),
        "journal": rows,
        "state": files(site.state_directory, skipped=("publish.git", "journal.sqlite")),
        "targets": files(site.root / "targets"),
    }


TABLES = ("rollouts", "events", "targets")


def files(top: Path, skipped: tuple[str, ...] = ()) -> dict[str, tuple[int, bytes]]:
    found = {}
    for directory, directories, names in os.walk(top):
        directories[:] = [name for name in directories if name not in skipped]
        for name in names:
            if not name.startswith(skipped or "\0"):
                path = Path(directory, name)
                mode = path.lstat().st_mode
                content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(top))] = (mode, content)
    return found


def ready_to_sync(site: Site) -> None:
    """A change of the code, and of a submodule by two commits."""
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n"}, "Cite")
    site.ok("start")
    site.ok("sync")
    for number in (2, 3):
        (source / "Cite.php").write_text(f"{number}\n")
        site.git("commit", "--quiet", "--all", "-m", f"Cite {number}", at=source)
    site.ok("start")
    site.git("pull", "--quiet", "origin", "main", at=site.repo / "ext" / "Cite")
    site.commit({"index.php": "version 2\n"}, "Make it faster")
    (site.repo / "lib" / "a.php").unlink()
    site.commit({"b c.php": "b\n"}, "Put a where b is")
    site.push()


@pytest.fixture
def ready(kept: Kept) -> Site:
    return kept.site(with_targets, ready_to_sync)


def tag_in(ran: Ran) -> str:
    line = next(line for line in ran.err.splitlines() if "annotated tag" in line)
    return line.split("annotated tag ")[1].split(" ")[0]


def test_nothing_changes_anywhere(ready: Site) -> None:
    before = snapshot(ready)
    ran = ready.ok("sync", "--dry-run")
    assert "Dry run: nothing was tagged, sent or switched" in ran.err
    assert snapshot(ready) == before
    ready.ok("sync", "--dry-run", "--json")
    assert snapshot(ready) == before
    ready.ok("sync")
    assert ready.everywhere() == {ready.desired()}


def test_a_dry_run_before_the_first_sync_changes_nothing_either(site: Site) -> None:
    site.ok("start")
    before = files(site.root / "targets"), site.tags(), site.git("for-each-ref", at=site.origin)
    ran = site.ok("sync", "--dry-run")
    assert "the first release here: 2 files" in ran.err
    assert before == (
        files(site.root / "targets"),
        site.tags(),
        site.git("for-each-ref", at=site.origin),
    )
    assert site.deploy("status").code == 1
    assert not list((site.root / "targets").glob("*/*"))


def test_it_tells_the_tag_and_where_it_would_be_pushed(ready: Site) -> None:
    ran = ready.ok("sync", "--dry-run", "-m", "the train")
    tag = tag_in(ran)
    assert f"would make the annotated tag {tag} on {ready.head()[:12]}: the train" in ran.err
    pushed = next(line for line in ran.err.splitlines() if "would push to origin: " in line)
    assert tag in pushed


def test_without_the_remote_nothing_would_be_pushed(ready: Site) -> None:
    assert "would push" not in ready.ok("--no-remote", "sync", "--dry-run").err


def test_the_tag_is_the_one_that_a_sync_would_choose(ready: Site) -> None:
    told = tag_in(ready.ok("sync", "--dry-run"))
    ready.ok("sync")
    apart = moment(ready.desired()) - moment(told)
    assert timedelta(0) <= apart < timedelta(seconds=30)


def moment(tag: str) -> datetime:
    return datetime.strptime(tag, "slot0-%Y%m%d-%H%M%S").astimezone()


def test_it_tells_which_commits_and_files_would_ship(ready: Site) -> None:
    told = ready.ok("sync", "--dry-run").err
    assert "2 commits, 4 files changed" in told
    for line in ("Make it faster (", "Put a where b is (", "M index.php", "A b c.php"):
        assert line in told
    assert "D lib/a.php" in told
    assert "M ext/Cite" in told


def test_it_tells_which_commits_inside_a_moved_submodule_would_ship(ready: Site) -> None:
    lines = ready.ok("sync", "--dry-run").err.splitlines()
    heading = next(n for n, line in enumerate(lines) if "submodule ext/Cite " in line)
    assert lines[heading + 1].endswith("  Cite 3")
    assert lines[heading + 2].endswith("  Cite 2")


def test_what_cannot_be_known_of_a_submodule_is_called_not_known(ready: Site) -> None:
    """The commit that is live is not in the submodule's repository any more."""
    inside = ready.repo / "ext" / "Cite"
    source = ready.root / "origin" / "Cite"
    ready.git("fetch", "--quiet", "--depth=1", str(source.as_uri()), "main", at=inside)
    for ref in ready.git("for-each-ref", "--format=%(refname)", at=inside).splitlines():
        if "HEAD" not in ref:
            ready.git("update-ref", "-d", ref, at=inside)
    ready.git("checkout", "--quiet", "--detach", "FETCH_HEAD", at=inside)
    ready.git("reflog", "expire", "--expire=all", "--all", at=inside)
    ready.git("gc", "--quiet", "--prune=now", at=inside)
    told = ready.ok("sync", "--dry-run").err
    assert "(its commits are not here, so what they change is not known)" in told


def test_it_tells_what_would_be_sent_to_whom(ready: Site) -> None:
    told = ready.ok("sync", "--dry-run").err
    tag = tag_in(ready.ok("sync", "--dry-run"))
    assert "would send `fetch` of slot0-" in told
    assert "to 3 targets (web1, web2, web3); whether they can take it is not known" in told
    assert "would send `switch` of slot0-" in told
    assert "the gate would stop here if more than 0 of 3 failed" in told
    assert tag.startswith("slot0-")


def test_the_canary_would_switch_first(ready: Site) -> None:
    ready.config("deploy.canary", "web3")
    told = ready.ok("sync", "--dry-run").err
    sent = [line.split(" to ")[1] for line in told.splitlines() if "send `switch`" in line]
    assert sent[0].startswith("1 target (web3)")
    assert sent[1].startswith("2 targets (web1, web2)")


def test_json_tells_the_same_as_events_and_no_outcome(ready: Site) -> None:
    events = ready.ok("sync", "--dry-run", "--json").events
    asked = [event for event in events if event.get("stage") == "status"]  # what is at the path
    kinds = [event["event"] for event in events if event not in asked]
    story = ["will-ship", "planned", "stage-started", "gate-decided"]
    story += story[1:]
    assert [kind for kind in kinds if kind in story] == story
    ships = next(event for event in events if event["event"] == "will-ship")
    assert ships["commit_count"] == 2
    assert all(event["dry_run"] for event in events)
    assert "target-answered" not in kinds


def test_hooks_are_named_and_do_not_run(ready: Site) -> None:
    trace = ready.root / "ran"
    ready.hook("pre-sync.10-check", f"touch '{trace}'")
    ready.hook("post-sync.10-tell", f"touch '{trace}'", prefix="slot0")
    told = ready.ok("sync", "--dry-run").err
    assert "would run the pre-sync hook" in told
    assert "pre-sync.10-check, which may stop the rollout" in told
    assert "post-sync.10-tell" in told
    assert not trace.exists()


@pytest.mark.parametrize("reason", ["dirty", "detached", "not pushed", "blocked", "nothing new"])
def test_it_is_refused_for_the_same_reasons_as_a_sync(deployed: Site, reason: str) -> None:
    deployed.ok("start")
    if reason != "nothing new":
        deployed.commit({"index.php": "version 2\n"})
    if reason != "not pushed":
        deployed.push()
    if reason == "dirty":
        (deployed.repo / "index.php").write_text("not committed\n")
    elif reason == "detached":
        deployed.git("checkout", "--quiet", "--detach")
    elif reason == "blocked":
        deployed.config("deploy.block-reason", "the race is on")
    before = snapshot(deployed)
    rehearsed = deployed.deploy("sync", "--dry-run")
    assert snapshot(deployed) == before
    real = deployed.deploy("sync")
    said = real.err.replace("is ended, and its lock is free", "would be ended, and its lock free")
    assert (rehearsed.code, rehearsed.err) == (1, said)
    assert real.code == 1


def test_without_a_start_there_is_nothing_to_rehearse(site: Site) -> None:
    ran = site.deploy("sync", "--dry-run")
    assert ran.code == 1
    assert "no rollout has been started" in ran.err


def test_a_submodule_that_is_not_checked_out_is_noticed_in_the_rehearsal(ready: Site) -> None:
    ready.git("submodule", "--quiet", "deinit", "--force", "ext/Cite")
    ran = ready.deploy("sync", "--dry-run")
    assert ran.code == 1
    assert "the submodule ext/Cite is not checked out" in ran.err


def test_a_submodule_that_goes_back_says_behind_how_many_commits(site: Site) -> None:
    source = site.add_submodule("ext/Cite", {"Cite.php": "1\n"})
    for text in ("2\n", "3\n"):
        (source / "Cite.php").write_text(text)
        site.git("commit", "--quiet", "-am", "more", at=source)
    site.git("-C", "ext/Cite", "pull", "--quiet", "origin", "main")
    site.commit({}, "newest Cite")
    site.push()
    site.ok("start")
    site.ok("sync")
    site.ok("start")
    site.git("-C", "ext/Cite", "checkout", "--quiet", "HEAD~2")
    site.commit({}, "the old Cite")
    site.push()
    assert "goes back, behind 2 commits" in site.ok("sync", "--dry-run").err
