"""`git deploy history`: what happened, and who did it, from the journal."""

from __future__ import annotations

import re

import pytest

from tests.system.site import Site


@pytest.fixture
def told(deployed: Site) -> tuple[Site, str]:
    """A site with one finished rollout more, in which a hook wrote something; and its tag."""
    deployed.hook("post-sync.10-say", "echo all is well")
    with deployed.typed_by("Ann"):
        return deployed, deployed.rollout({"index.php": "version 2\n"}, "fix the login")


def test_rollouts_are_listed_newest_first_with_who_and_how_they_ended(
    told: tuple[Site, str],
) -> None:
    site, tag = told
    site.ok("start")
    site.ok("abort")
    site.ok("start")
    heading, *rows = site.ok("history").out.splitlines()
    assert heading.split() == ["rollout", "kind", "result", "when", "took", "by"]
    assert [re.split(r"  +", row)[:3] for row in rows[:3]] == [
        ["(no tag)", "deploy", "open"],
        ["(no tag)", "deploy", "aborted"],
        [tag, "deploy", "finished"],
    ]
    assert rows[2].endswith("  Ann")
    assert len(rows) == 4
    assert len(site.ok("--count", "2", "history").out.splitlines()) == 3


def test_a_rollout_is_told_event_by_event(told: tuple[Site, str]) -> None:
    site, tag = told
    lines = site.ok("history", tag).out.splitlines()
    assert lines[0] == f"{tag}: start of slot0 by Ann <ann@example.org>"
    text = "\n".join(lines)
    assert "Ann <ann@example.org>: git deploy start   (process " in text
    assert f"tagged as {tag}, pushed" in text
    assert "web2: fetch done in " in text
    assert "gate after fetch, all: open, 0 of 3 failed, 0 may" in text
    assert re.search(rf"web2: switch done in [0-9.]+ s; live: {tag}", text)
    assert "| all is well" in text
    assert "post-sync.10-say: exit code 0 after" in text
    assert "the rollout is finished" in text
    assert "sync ended with exit code 0 after" in text
    clocks = [line[:12] for line in lines if re.match(r"\d\d:\d\d:\d\d\.\d{3}  ", line)]
    assert len(clocks) > 30
    order = ["git deploy start", "tagged as", "web1: fetch", "web1: switch", "is finished"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_failure_is_told_with_the_target_and_its_error(deployed: Site) -> None:
    deployed.break_target("web2")
    deployed.ok("start")
    deployed.commit({"index.php": "version 2\n"})
    deployed.push()
    assert deployed.deploy("sync").code == 71
    text = deployed.ok("history", deployed.tags()[-1]).out
    assert "web2: fetch FAILED, io-error: " in text
    assert "gate after fetch, all: CLOSED, 1 of 3 failed (web2), 0 may" in text
    assert "sync ended with exit code 71 after" in text


def test_who_was_refused_meanwhile_is_told_too(deployed: Site) -> None:
    deployed.ok("start")
    with deployed.typed_by("Bob"):
        assert deployed.deploy("sync").code == 1
    session = deployed.ok("history", "--json").document["rollouts"][0]["session"]
    text = deployed.ok("history", "--session", session).out
    assert "Bob <bob@example.org>: git deploy sync" in text
    assert "sync ended with exit code 1" in text


def test_json_is_one_document(told: tuple[Site, str]) -> None:
    site, tag = told
    every = site.ok("history", "--json").document
    assert every["rollouts"][0]["tag"] == tag
    one = site.ok("history", tag, "--json").document
    assert one["rollout"]["tag"] == tag
    assert one["rollout"]["result"] == "finished"
    numbers = [event["seq"] for event in one["events"]]
    assert numbers == sorted(numbers)
    assert {event["session"] for event in one["events"]} == {one["rollout"]["session"]}


@pytest.mark.parametrize("words", [["slot0-1"], ["--session", "nobody"]])
def test_what_the_journal_does_not_know_is_refused(site: Site, words: list[str]) -> None:
    kind = "session" if len(words) > 1 else "rollout"
    for before in ("status", "start"):  # without a journal, and with one
        site.ok(before)
        ran = site.deploy("history", *words)
        assert ran.code == 1
        assert f"the journal has no {kind} {words[-1]}" in ran.err
        assert "git deploy history" in ran.err


def test_a_tag_and_a_session_are_one_too_many(site: Site) -> None:
    assert site.deploy("history", "slot0-1", "--session", "x").code == 2


def test_before_the_first_rollout_there_is_none_and_no_journal_is_made(site: Site) -> None:
    ran = site.ok("history")
    assert (ran.out, ran.err) == ("", "There are no rollouts yet.\n")
    assert site.ok("history", "--json").document == {"rollouts": []}
    assert not site.state_directory.exists()
