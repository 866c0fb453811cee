"""A revert asks which release, by a list; or is told by number or tag, and asks nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.system.conftest import with_targets, without_targets
from tests.system.kept import Kept
from tests.system.site import Ran, Site


@dataclass
class History:
    """A site with three releases; the newest is bad. `tags` and `commits` are in their order."""

    site: Site
    tags: list[str]
    commits: list[str]

    def is_at(self, number: int) -> bool:
        return self.site.head() == self.commits[number]


def three_releases(site: Site) -> None:
    for number in (1, 2, 3):
        site.ok("start")
        site.commit({"index.php": f"release {number}\n"})
        site.push()
        site.ok("sync")
        if site.status()["status"] != "none":
            site.ok("finish")


def history(site: Site) -> History:
    commits = site.git("rev-list", "--reverse", "--max-count=3", "HEAD").split()
    return History(site, [site.git("tag", "--points-at", one) for one in commits], commits)


@pytest.fixture
def hand(kept: Kept) -> History:
    return history(kept.site(without_targets, three_releases))


def with_a_sync_hook(site: Site) -> None:
    site.sync_hook(f'echo "$DEPLOY_ROLLOUT_TAG" >> "{site.root}/shipped"')


@pytest.fixture
def hooked(kept: Kept) -> History:
    """The releases went out by a sync hook, which notes what it ships."""
    return history(kept.site(without_targets, with_a_sync_hook, three_releases))


@pytest.fixture
def fleet(kept: Kept) -> History:
    return history(kept.site(with_targets, three_releases))


def shipped(history: History) -> list[str]:
    return (history.site.root / "shipped").read_text().splitlines()


def listed(ran: Ran) -> list[tuple[str, str, str]]:
    """Number, marker and name of each line of the list."""
    lines = re.findall(r"^ *(\d+)\.\s+\S+ ([* ])tag: (\S+)", ran.out, re.MULTILINE)
    return [(number, marker, name) for number, marker, name in lines]


def fetched(ran: Ran) -> list[str]:
    return [
        event["outcome"]["target"]
        for event in ran.events
        if event["event"] == "target-answered" and event["stage"] == "fetch"
    ]


def assert_untouched(history: History) -> None:
    assert history.is_at(2)
    assert history.site.holder is None
    assert history.site.status()["status"] == "none"
    assert not [tag for tag in history.site.tags() if tag.endswith("_reverted")]


class TestTheList:
    def test_it_is_newest_first_and_marks_what_is_checked_out(self, hand: History) -> None:
        ran = hand.site.deploy("revert", answers="quit\n")
        assert [name for _, _, name in listed(ran)][:3] == hand.tags[::-1]
        assert [number for number, _, _ in listed(ran)][:3] == ["1", "2", "3"]
        assert [marker for _, marker, _ in listed(ran)][:3] == ["*", " ", " "]

    def test_it_is_as_long_as_asked(self, hand: History) -> None:
        ran = hand.site.deploy("revert", "--count", "2", answers="quit\n")
        assert len(listed(ran)) == 2

    def test_it_has_all_with_a_count_of_nothing(self, hand: History) -> None:
        for second in range(30):
            hand.site.git("tag", f"slot0-20200101-0000{second:02}", hand.commits[0])
        ran = hand.site.deploy("revert", "--count", "0", answers="quit\n")
        assert len(listed(ran)) == len(hand.site.tags())
        hand.site.ok("--count", "0", "revert", str(len(hand.site.tags())))
        assert hand.is_at(0)

    @pytest.mark.parametrize("word", ["quit", "QUIT", "Quit"])
    def test_quit_leaves_nothing_locked(self, fleet: History, word: str) -> None:
        ran = fleet.site.deploy("revert", answers=f"{word}\n")
        assert ran.code == 0
        assert "Nothing was reverted" in ran.err
        assert_untouched(fleet)

    def test_quit_may_be_typed_with_the_command(self, fleet: History) -> None:
        assert fleet.site.deploy("revert", "quit").code == 0
        assert_untouched(fleet)

    @pytest.mark.parametrize("answers", ["", "17\n", "no-such-tag\n"])
    def test_the_end_of_the_input_leaves_nothing_locked(self, fleet: History, answers: str) -> None:
        ran = fleet.site.deploy("revert", answers=answers)
        assert ran.code == 1
        assert "git deploy revert TAG" in ran.err
        assert_untouched(fleet)

    def test_a_process_without_input_leaves_nothing_locked(self, hand: History) -> None:
        ran = hand.site.run("revert")
        assert ran.code == 1
        assert "the input ended" in ran.err
        assert_untouched(hand)

    def test_it_asks_until_it_understands(self, hand: History) -> None:
        answers = f"0\n99\n-1\nx\n{hand.tags[2]}x\n2\n"
        ran = hand.site.deploy("revert", answers=answers)
        assert ran.code == 0
        assert ran.err.count("is not in the list") == 5
        assert hand.is_at(1)

    def test_a_tag_is_an_answer_too(self, hand: History) -> None:
        ran = hand.site.deploy("revert", answers=f"{hand.tags[0]}\n")
        assert ran.code == 0
        assert hand.is_at(0)

    def test_the_number_means_the_list_that_was_shown(
        self, hand: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A colleague's tag that comes in between does not shift it."""

        def answer(_: str) -> str:
            hand.site.git("tag", "-m", "in between", "slot0-20990101-000000")
            return "2"

        monkeypatch.setattr("sartoris.cli.commands.revert._answer", answer)
        hand.site.ok("revert")
        assert hand.is_at(1)

    def test_without_a_rollout_there_is_nothing_to_revert_to(self, plain: Site) -> None:
        ran = plain.deploy("revert", answers="1\n")
        assert ran.code == 1
        assert "no rollout to revert to" in ran.err


class TestByHand:
    def test_the_working_repository_goes_back_and_waits_for_a_sync(self, hand: History) -> None:
        ran = hand.site.ok("revert", "2")
        assert hand.is_at(1)
        assert "git deploy sync" in ran.err
        status = hand.site.status()
        assert (status["status"], status["rollout"]["action"]) == ("started", "revert")

    def test_what_is_left_is_marked(self, hand: History) -> None:
        hand.site.ok("revert", hand.tags[1])
        marked = [tag for tag in hand.site.tags() if tag.endswith("_reverted")]
        assert len(marked) == 1
        assert hand.site.commit_of(marked[0]) == hand.commits[2]
        assert hand.site.commit_of(marked[0], at=hand.site.origin) == hand.commits[2]

    def test_sync_and_finish_end_it(self, hand: History) -> None:
        hand.site.ok("revert", "3")
        hand.site.ok("sync")
        tag = [tag for tag in hand.site.tags() if not tag.endswith("_reverted")][-1]
        assert hand.site.commit_of(tag) == hand.commits[0]
        assert hand.site.deploy("status").code == 2
        hand.site.ok("finish")
        assert hand.site.deploy("status").code == 0

    def test_abort_undoes_it(self, hand: History) -> None:
        hand.site.ok("revert", "3")
        hand.site.ok("abort")
        assert hand.is_at(2)
        assert "reverted it" not in hand.site.ok("start").err

    def test_abort_undoes_it_after_the_sync_too(self, hand: History) -> None:
        hand.site.ok("revert", "3")
        hand.site.ok("sync")
        hand.site.ok("abort")
        assert hand.is_at(2)
        assert "reverted it" not in hand.site.ok("start").err

    def test_what_is_checked_out_is_no_revert(self, hand: History) -> None:
        ran = hand.site.deploy("revert", "1")
        assert ran.code == 1
        assert "checked out" in ran.err
        assert_untouched(hand)

    @pytest.mark.parametrize("wanted", ["0", "99", "no-such-tag", "main", "slot1-20200101-000000"])
    def test_what_is_not_in_the_list_is_refused(self, hand: History, wanted: str) -> None:
        ran = hand.site.deploy("revert", wanted)
        assert ran.code == 1
        assert wanted in ran.err
        assert_untouched(hand)

    def test_a_rollout_under_way_is_not_reverted_over(self, hand: History) -> None:
        hand.site.ok("start")
        before = hand.site.status()["rollout"]
        assert hand.site.deploy("revert", "2").code == 1
        assert hand.site.status()["rollout"] == before

    def test_a_tree_that_is_not_clean_stays_as_it_is(self, hand: History) -> None:
        (hand.site.repo / "index.php").write_text("not committed\n")
        assert hand.site.deploy("revert", "2").code == 1
        assert (hand.site.repo / "index.php").read_text() == "not committed\n"
        assert_untouched(hand)

    def test_a_hook_that_refuses_leaves_everything_as_it_was(self, hand: History) -> None:
        hand.site.hook("pre-start.no", "exit 1")
        assert hand.site.deploy("revert", "2").code == 1
        assert_untouched(hand)

    def test_hooks_after_the_reset_stop_nothing(self, hand: History) -> None:
        told = hand.site.root / "told"
        for phase in ("post-tree-update", "post-reset"):
            hand.site.hook(
                f"{phase}.x", f'echo "$GIT_DEPLOY_PHASE $GIT_DEPLOY_ACTION" >> "{told}"; exit 1'
            )
        hand.site.ok("revert", "2")
        assert told.read_text().splitlines() == ["post-tree-update revert", "post-reset revert"]

    def test_without_the_remote_it_goes_back_all_the_same(self, hand: History) -> None:
        with hand.site.no_network():
            hand.site.ok("--no-remote", "revert", "2")
        assert hand.is_at(1)

    def test_with_a_remote_that_is_gone_it_goes_back_with_a_warning(self, hand: History) -> None:
        with hand.site.no_network():
            ran = hand.site.deploy("revert", "2")
        assert ran.code == 0
        assert "is not pushed" in ran.err
        assert hand.is_at(1)


class TestAStartThatFails:
    """Of a revert: it is undone as any other, its tags too."""

    @pytest.mark.parametrize("phase", ["post-tag", "post-start"])
    def test_it_leaves_no_tag_anywhere(self, hand: History, phase: str) -> None:
        tags = hand.site.tags()
        hook = hand.site.hook(f"{phase}.20", 'test "$GIT_DEPLOY_ACTION" != revert')
        assert hand.site.deploy("revert", hand.tags[0]).code == 1
        assert hand.site.tags() == tags
        assert "_reverted" not in hand.site.git("tag", "--list", at=hand.site.origin)
        assert_untouched(hand)
        hook.unlink()
        hand.site.ok("revert", hand.tags[0])
        assert hand.is_at(0)

    def test_one_that_was_killed_is_cleared_away_by_the_next(self, hand: History) -> None:
        tags = hand.site.tags()
        hand.site.hook("post-reset.20", "kill -9 $PPID")
        hand.site.run("revert", hand.tags[0])
        assert len(hand.site.tags()) == len(tags) + 1
        hand.site.ok("--skip-hooks", "start")
        assert hand.site.tags() == tags
        assert hand.is_at(2)


class TestWithASyncHook:
    def test_the_hook_ships_it_at_once(self, hooked: History) -> None:
        ran = hooked.site.ok("revert", "2")
        new = shipped(hooked)[-1]
        assert new not in hooked.tags
        assert hooked.site.commit_of(new) == hooked.commits[1]
        assert hooked.is_at(1)
        assert f"{new} is synchronised" in ran.err
        assert hooked.site.status()["status"] == "none"

    def test_asked_by_a_list_too(self, hooked: History) -> None:
        assert hooked.site.deploy("revert", answers="3\n").code == 0
        assert hooked.site.commit_of(shipped(hooked)[-1]) == hooked.commits[0]

    def test_what_is_live_is_no_revert(self, hooked: History) -> None:
        before = shipped(hooked)
        ran = hooked.site.deploy("revert", hooked.tags[2])
        assert ran.code == 1
        assert_untouched(hooked)
        assert shipped(hooked) == before

    def test_a_hook_that_fails_leaves_it_open(self, hooked: History) -> None:
        hooked.site.sync_hook("exit 1")
        ran = hooked.site.deploy("revert", "2")
        assert ran.code == 71
        assert hooked.site.deploy("status").code == 2
        tags = hooked.site.tags()
        hooked.site.sync_hook("exit 0")
        hooked.site.ok("resync")
        assert hooked.site.tags() == tags
        assert hooked.site.status()["status"] == "none"

    def test_a_revert_that_was_killed_goes_on_with_a_resync(self, hooked: History) -> None:
        script = 'case "$GIT_DEPLOY_ROLLOUT_TAG" in *_reverted) ;; *) kill -KILL $PPID ;; esac'
        hook = hooked.site.hook("post-tag.kill", script)
        assert hooked.site.run("revert", "2").code == -9
        hook.unlink()
        hooked.site.ok("resync")
        marked = [tag for tag in hooked.site.tags() if tag.endswith("_reverted")]
        assert len(marked) == 1
        new = shipped(hooked)[-1]
        assert hooked.site.commit_of(new, at=hooked.site.origin) == hooked.commits[1]


class TestInAFleet:
    def test_by_number_without_a_fetch(self, fleet: History) -> None:
        ran = fleet.site.ok("revert", "2", "--json")
        assert fetched(ran) == []
        assert fleet.site.everywhere() == {fleet.tags[0]}
        assert fleet.is_at(0)

    def test_asked_by_a_list(self, fleet: History) -> None:
        assert fleet.site.deploy("revert", answers="2\n").code == 0
        assert fleet.site.everywhere() == {fleet.tags[0]}

    def test_nothing_but_enter_is_the_release_before(self, fleet: History) -> None:
        assert fleet.site.deploy("revert", answers="\n").code == 0
        assert fleet.site.everywhere() == {fleet.tags[1]}

    def test_by_a_number_of_the_list_of_git_deploy(self, fleet: History) -> None:
        ran = fleet.site.deploy("revert", "--list", answers="quit\n")
        names = [name for _, _, name in listed(ran)]
        fleet.site.ok("revert", "--list", str(names.index(fleet.tags[0]) + 1))
        assert fleet.site.everywhere() == {fleet.tags[0]}

    def test_to_a_start_tag_by_the_release_of_the_same_commit(self, fleet: History) -> None:
        tag = "slot0-20200101-000000"
        fleet.site.git("tag", "-m", "a start", tag, fleet.commits[0])
        ran = fleet.site.ok("revert", tag, "--json")
        assert fetched(ran) == []
        assert fleet.site.everywhere() == {fleet.tags[0]}

    def test_to_a_commit_that_never_shipped_only_by_force_and_a_fetch(self, fleet: History) -> None:
        first = fleet.site.tags()[0]
        ran = fleet.site.deploy("revert", first)
        assert ran.code == 1
        assert f"{first} was never live here" in ran.err
        assert_untouched(fleet)
        ran = fleet.site.ok("--force", "revert", first, "--json")
        assert sorted(set(fetched(ran))) == ["web1", "web2", "web3"]
        assert fleet.site.files("web1")["index.php"] == "version 1\n"

    def test_to_a_tag_that_marks_a_reverted_release(self, fleet: History) -> None:
        fleet.site.ok("revert", "2")
        marked = next(tag for tag in fleet.site.tags() if tag.endswith("_reverted"))
        ran = fleet.site.ok("revert", marked, "--json")
        assert fetched(ran) == []
        assert fleet.site.everywhere() == {fleet.tags[2]}

    def test_after_a_revert_the_release_before_is_not_the_bad_one(self, fleet: History) -> None:
        fleet.site.ok("revert", "1")
        fleet.site.ok("revert", "1")
        assert fleet.site.everywhere() == {fleet.tags[0]}

    def test_a_rollback_is_a_revert_to_the_one_before_and_leaves_a_bad_one(
        self, fleet: History
    ) -> None:
        assert fleet.site.run("rollback").code == 1
        assert_untouched(fleet)
        fleet.site.ok("rollback", "--yes")
        assert fleet.site.everywhere() == {fleet.tags[1]}
        told = {one["tag"]: one["now"] for one in fleet.site.ok("show", "--json").document}
        assert told == dict(zip(fleet.tags, ["before", "live", "bad"], strict=True))
        assert "found bad" in fleet.site.ok("start").err

    def test_to_a_bad_one_it_says_that(self, fleet: History) -> None:
        fleet.site.ok("revert", "1")
        ran = fleet.site.ok("revert", fleet.tags[2])
        assert f"{fleet.tags[2]} was found bad" in ran.err
        assert fleet.site.everywhere() == {fleet.tags[2]}


@pytest.mark.parametrize("way", ["hand", "hooked", "fleet"])
class TestAfterwards:
    @pytest.fixture
    def reverted(self, way: str, request: pytest.FixtureRequest) -> History:
        history: History = request.getfixturevalue(way)
        history.site.ok("revert", "2")
        if way == "hand":
            history.site.ok("sync")
            history.site.ok("finish")
        return history

    def test_start_tells_that_what_it_pulled_was_reverted(self, reverted: History) -> None:
        ran = reverted.site.ok("start")
        assert reverted.is_at(2)
        assert f"{reverted.tags[2]}, which was found bad" in ran.err
        assert "reverted it" in ran.err

    def test_with_others_on_top_it_is_told_too(self, reverted: History) -> None:
        reverted.site.push_elsewhere({"index.php": "nothing to do with it\n"})
        ran = reverted.site.ok("start")
        assert f"{reverted.tags[2]} ({reverted.commits[2][:12]}) in it" in ran.err

    def test_what_was_reverted_to_is_nothing_to_tell_of(self, reverted: History) -> None:
        assert "found bad" not in reverted.site.ok("--no-remote", "start").err

    def test_shipping_it_again_on_purpose_makes_it_good(self, reverted: History) -> None:
        reverted.site.ok("start")
        reverted.site.ok("sync")
        if reverted.site.status()["status"] != "none":
            reverted.site.ok("finish")
        assert "found bad" not in reverted.site.ok("start").err
