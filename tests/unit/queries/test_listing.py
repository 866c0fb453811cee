"""Lists of tags: by date, newest first."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sartoris.cli.listing import lines
from sartoris.config.values import parse_date_format
from sartoris.events import Published, RolloutEnded, RolloutStarted
from sartoris.events import Tagged as TagMade
from sartoris.journal.store import Journal, MadeTag
from sartoris.queries.listing import Listed, Selection, date_of, listing, newest
from sartoris.queries.past import Past
from sartoris.rollout.options import Options
from sartoris.rollout.site import Site


class Tagged:
    """A repository with two commits and whatever tags a test gives it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.git("init", "--quiet", str(top), at=top.parent)
        self.git("commit", "--quiet", "--allow-empty", "-m", "old")
        self.git("commit", "--quiet", "--allow-empty", "-m", "new")
        self.git("config", "deploy.tag-prefix", "slot0")
        self.new, self.old = self.git("rev-parse", "HEAD", "HEAD^").split()

    def git(self, *arguments: str, at: Path | None = None, stdin: str = "") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=at or self.top,
            input=stdin,
            text=True,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def tag(self, *names: str, on: str = "") -> None:
        for name in names:
            self.git("tag", "-m", name, name, on or self.old)

    def many(self, count: int, prefix: str = "slot0") -> None:
        """Packed, as git would: to make thousands of refs takes it longer than to list them."""
        dates = (f"{2000 + n // 280:04}{n // 28 % 10 + 1:02}{n % 28 + 1:02}" for n in range(count))
        with (self.top / ".git" / "packed-refs").open("a") as packed:
            packed.writelines(f"{self.old} refs/tags/{prefix}-{day}-120000\n" for day in dates)

    def listed(self, **selection: Any) -> list[Listed]:
        everything = {"everything": True, **selection}
        return listing(Site.at(self.top, Options()), Selection(**everything))

    def names(self, **selection: Any) -> list[str]:
        return [listed.name for listed in self.listed(**selection)]


@pytest.fixture
def repository(tmp_path: Path) -> Tagged:
    return Tagged(tmp_path / "repository")


def test_the_newest_date_comes_first_whatever_the_form(repository: Tagged) -> None:
    wanted = [
        "slot0-20261124-140201",
        "slot0-20261124-140200",
        "slot0-20261124-1402",
        "slot0-20261124",
        "slot0-20251231-235959",
    ]
    repository.tag(*sorted(wanted))
    assert repository.names() == wanted


def test_other_prefixes_are_not_listed(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200", "slot1-20261124-140200", "slot0-x", "v1.0")
    repository.tag("slot00-20261124-140200", "my-slot0-20261124-140200")
    assert repository.names() == ["slot0-20261124-140200"]


def test_a_dot_lists_all_prefixes(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200", "slot1-20261125-140200", "v1.0")
    assert repository.names() == ["slot0-20261124-140200"]
    assert repository.names(prefix=".") == [
        "slot1-20261125-140200",
        "slot0-20261124-140200",
        "v1.0",
    ]


def test_tags_from_before_a_date_are_left_out(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200", "slot0-20261125-140200", "slot0-20071231-140200")
    assert repository.names(older_than="20261125") == ["slot0-20261125-140200"]
    assert "slot0-20071231-140200" not in repository.names()
    assert "slot0-20071231-140200" in repository.names(older_than="20000101")


def test_as_many_as_asked_for(repository: Tagged) -> None:
    repository.many(30)
    assert len(repository.names(older_than="0")) == 20
    assert len(repository.names(older_than="0", count=3)) == 3
    assert len(repository.names(older_than="0", count=0)) == 30


def test_only_what_is_checked_out_unless_everything_is_asked_for(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200")
    repository.tag("slot0-20261125-140200", on=repository.new)
    assert repository.names(everything=False) == ["slot0-20261125-140200"]


def test_what_is_checked_out_is_marked(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200")
    repository.tag("slot0-20261125-140200", on=repository.new)
    marks = {listed.name: listed.current for listed in repository.listed()}
    assert marks == {"slot0-20261124-140200": False, "slot0-20261125-140200": True}


def test_other_names_of_one_commit_are_known(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200", "slot0-20261125-140200", "slot0-20261126-140200")
    newest = repository.listed()[0]
    assert set(newest.same) == {"slot0-20261124-140200", "slot0-20261125-140200"}


def test_other_names_are_known_though_they_are_not_shown(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200", "slot0-20261125-140200")
    (newest,) = repository.listed(count=1)
    assert newest.same == ("slot0-20261124-140200",)


def test_branches_are_listed_where_asked_for(repository: Tagged) -> None:
    repository.tag("slot0-20261124-140200")
    repository.git("branch", "stable", repository.old)
    listed = repository.listed(branches=True)
    assert [(one.name, one.kind) for one in listed] == [
        ("slot0-20261124-140200", "tag"),
        ("main", "branch"),
        ("stable", "branch"),
    ]
    assert listed[0].same == ("stable",)
    assert all(one.kind == "tag" for one in repository.listed())


def test_lightweight_tags_are_as_good(repository: Tagged) -> None:
    repository.git("tag", "slot0-20261124-140200", repository.old)
    assert repository.listed()[0].commit == repository.old


def test_a_repository_without_tags_has_an_empty_list(repository: Tagged) -> None:
    assert repository.listed() == []


def test_thousands_of_tags_of_one_commit_are_listed(repository: Tagged) -> None:
    repository.many(2000)
    assert len(repository.names(older_than="0", count=0)) == 2000


def test_a_few_of_many_are_listed(repository: Tagged) -> None:
    repository.many(20_000)
    assert len(lines(repository.listed(older_than="0", count=20))) == 20


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("slot0-20261124-140200", "20261124140200"),
        ("slot0-20261124-140200_reverted", "20261124140200"),
        ("slot0_20261124", "20261124"),
        ("slot0-202611241402", "202611241402"),
        ("slot0-2026-11-24_140200", "20261124140200"),
        ("slot0-2026.11.24T14-02-00_reverted", "20261124140200"),
        ("slot0-2026-330-140200", ""),
        ("v20.1", ""),
        ("slot20261124-x", "20261124"),
        ("slot-19991124", ""),
    ],
)
def test_dates_in_names(name: str, date: str) -> None:
    assert date_of(name) == date


def test_lines_are_git_deploys() -> None:
    listed = Listed("slot0-20261124-140200", "tag", "a" * 40, True, ("slot0-20261123-140200",))
    other = Listed("main", "branch", "b" * 40, False, ())
    same = "== slot0-20261123-140200"
    assert [" ".join(line.split()) for line in lines([listed, other])] == [
        f"aaaaaaaaaaaa.. *tag: slot0-20261124-140200 {same}",
        "bbbbbbbbbbbb.. branch: main",
    ]
    (line,) = lines([other], long=True)
    assert line.startswith(f"{'b' * 40}  branch: main")
    (line,) = lines([other], numbered=True)
    assert line.startswith("   1.\tbbbbbbbbbbbb..  branch: main")


FORMATS = ["%Y-%m-%d_%H%M%S", "%Y.%m.%dT%H-%M-%S", "%Y%m%dT%H%M%S%z", "%y%m%d%H%M%S", "%s"]
FORMATS += ["%Y%j%H%M%S", "%Y-%j-%H%M%S", "%Y%m%d-%H%M%S"]


@pytest.mark.parametrize("date_format", FORMATS)
class TestEveryDateFormat:
    @pytest.fixture
    def made(self, repository: Tagged, date_format: str) -> list[str]:
        """Tags of the format, newest first: from years ago to this second, and the next."""
        parse_date_format(date_format)
        repository.git("config", "deploy.date-fmt", date_format)
        now = datetime.now().astimezone().replace(microsecond=0)
        ages = [timedelta(days=n) for n in (900, 420, 250, 200, 130, 101, 40, 20, 2, 1, 0)]
        for age in ages:
            self._tag(repository, now - age, now - age, date_format)
        self._tag(repository, now + timedelta(seconds=1), now, date_format)
        return repository.git("tag", "--sort=-refname").split()

    def _tag(self, repository: Tagged, named: datetime, made: datetime, date_format: str) -> None:
        at = f"GIT_COMMITTER_DATE={made.timestamp():.0f} +0000"
        name = f"slot0-{named.strftime(date_format)}"
        command = ["env", at, "git", "tag", "-m", "x", name, repository.old]
        subprocess.run(command, cwd=repository.top, check=True)

    def test_lists_are_newest_first(self, repository: Tagged, made: list[str]) -> None:
        assert repository.names(count=0) == made

    def test_the_newest_is_found(self, repository: Tagged, made: list[str]) -> None:
        for expected in made:
            assert newest(Site.at(repository.top, Options())) == expected
            repository.git("tag", "--delete", expected)

    def test_tags_from_before_a_date_are_left_out(
        self, repository: Tagged, made: list[str]
    ) -> None:
        since = datetime.now().astimezone() - timedelta(days=30)
        assert repository.names(older_than=f"{since:%Y%m%d}") == made[:5]


def test_a_reverted_mark_comes_after_its_tag_whatever_the_format(repository: Tagged) -> None:
    repository.git("config", "deploy.date-fmt", "%s")
    repository.tag("slot0-1795689093", "slot0-1795689093_reverted")
    assert repository.names() == ["slot0-1795689093", "slot0-1795689093_reverted"]


def test_a_format_that_was_changed_leaves_the_order(repository: Tagged) -> None:
    today = datetime.now().astimezone()
    old, new = f"slot0-{today:%Y%m%d}-000001", f"slot0-{today:%Y-%m-%d}_000002"
    repository.tag(old, new)
    repository.git("config", "deploy.date-fmt", "%Y-%m-%d_%H%M%S")
    assert repository.names() == [new, old]
    assert newest(Site.at(repository.top, Options())) == new


class TestWhatTheJournalKnows:
    """It saw them being made; their names have the local time of whoever did."""

    def rollout(self, repository: Tagged, tag: str, at: float, *, ended: bool = True) -> None:
        journal = Journal(repository.top / ".git/deploy/journal.sqlite")
        started = RolloutStarted(
            session=tag,
            action="start",
            prefix="slot0",
            slot="slot0",
            start_tag="",
            start_commit=repository.old,
            by="A",
            host="h",
            why="",
            at=at,
        )
        journal.record(started)
        source = repository.old
        journal.record(TagMade(session=tag, tag=tag, commit=source, message="", pushed=True))
        journal.record(Published(session=tag, release=tag, commit=source, source=source))
        if ended:
            journal.record(RolloutEnded(session=tag, result="finished", message=""))
        journal.close()

    def test_its_order_counts_and_not_that_of_the_names(self, repository: Tagged) -> None:
        now = datetime.now().astimezone()
        elsewhere = f"slot0-{now + timedelta(hours=9):%Y%m%d-%H%M%S}"
        here = f"slot0-{now:%Y%m%d-%H%M%S}"
        repository.tag(elsewhere, here, "slot0-20200101-000000", f"{here}_reverted")
        self.rollout(repository, elsewhere, now.timestamp())
        self.rollout(repository, here, now.timestamp() + 1)
        expected = [here, f"{here}_reverted", elsewhere, "slot0-20200101-000000"]
        assert repository.names() == expected
        assert newest(Site.at(repository.top, Options())) == here

    def test_a_clock_that_was_set_back_changes_nothing(self, repository: Tagged) -> None:
        first, second, third = "slot0-20261124-140000", "slot0-20261124-120000", "slot0-20261125-1"
        repository.tag(first, second, third)
        for at, tag in ((9e8, first), (8e8, second), (7e8, third)):
            self.rollout(repository, tag, at)
        assert repository.names() == [third, second, first]

    def test_a_release_whose_tag_was_pruned_is_listed(self, repository: Tagged) -> None:
        repository.tag("slot0-20261123-120000", "slot0-20261125-120000")
        self.rollout(repository, "slot0-20261124-120000", 1795500000)
        assert "slot0-20261124-120000" in repository.names()

    def test_one_that_never_came_to_its_end_is_not(self, repository: Tagged) -> None:
        self.rollout(repository, "slot0-20261124-120000", 1795500000, ended=False)
        assert repository.names() == []

    def test_a_start_tag_that_was_found_keeps_its_place(self, repository: Tagged) -> None:
        repository.tag("slot0-20200101-000000", "slot0-20200102-000000")
        at = 1795500000.0
        tags = [
            MadeTag("slot0-20200101-000000", repository.old, at, "start"),
            MadeTag("slot0-20261124-000000", repository.old, at, "tagged"),
        ]
        assert list(Past.from_tags(tags).made) == ["slot0-20261124-000000"]

    def test_a_journal_that_cannot_be_read_leaves_the_names(self, repository: Tagged) -> None:
        repository.tag("slot0-20200101-000000", "slot0-20200102-000000")
        (repository.top / ".git/deploy").mkdir()
        (repository.top / ".git/deploy/journal.sqlite").write_text("no database " * 99)
        assert repository.names() == ["slot0-20200102-000000", "slot0-20200101-000000"]
