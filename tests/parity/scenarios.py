"""What people and scripts do with git-deploy, each as a function that types it step by step."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.parity.differences import Why
from tests.parity.driver import Session

Scenario = Callable[[Session], None]
ALL = "."  # every line that has something on it
NUMBERED = r" *\d+\.\t"
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


# Rollouts from start to end.


@scenario
def by_hand(s: Session) -> None:
    s.deploy("status")
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")
    s.deploy("status")


@scenario
def with_a_sync_hook(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("start")
    s.world.ship("three")
    s.deploy("sync")


@scenario
def a_colleagues_commit_is_pulled(s: Session) -> None:
    s.world.colleague("two")
    s.deploy("start")
    s.deploy("sync")
    s.deploy("finish")


@scenario
def the_sync_hook_fails_and_it_is_done_by_hand(s: Session) -> None:
    s.world.sync_hook(code=1)
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")


@scenario
def the_sync_hook_fails_and_the_rollout_is_aborted(s: Session) -> None:
    s.world.sync_hook(code=1)
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.world.sync_hook()
    s.deploy("abort")


@scenario
def the_way_back_fails_too(s: Session) -> None:
    s.world.sync_hook(code=1)
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("abort")


@scenario
def aborted_before_the_sync(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("abort")
    s.deploy("start")


@scenario
def aborted_after_a_sync_by_hand(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("abort")
    s.deploy("start")


@scenario
def aborted_with_a_message(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("--message", words=("on fire: %TAG", "abort"))
    s.look(s.world.deploy_message())


@scenario
def aborted_on_another_branch(s: Session) -> None:
    s.deploy("start")
    s.world.git("checkout", "--quiet", "-b", "experiment")
    s.world.commit("two")
    s.deploy("abort")


@scenario
def aborted_with_changes_in_the_tree(s: Session) -> None:
    s.deploy("start")
    (s.world.repo / "index.html").write_text("half done\n")
    s.deploy("abort", Why.CHANGES_KEPT)
    s.deploy("--no-check-clean abort", Why.CHANGES_KEPT)


@scenario
def the_same_again(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")
    s.deploy("start")
    s.deploy("sync")
    s.deploy("--force sync")
    s.deploy("finish")


# Refusals.


@scenario
def start_twice(s: Session) -> None:
    s.deploy("start")
    s.deploy("start", Why.REFUSED_FIRST)
    s.deploy("hotfix", Why.REFUSED_FIRST)
    s.deploy("revert 1", Why.REFUSED_FIRST)


@scenario
def out_of_order(s: Session) -> None:
    for action in ("sync", "manual-sync", "abort", "log", "diff"):
        s.deploy(action)
    s.deploy("finish", Why.FINISH_HEARD)
    s.deploy("push-hotfix", Why.PUSH_HOTFIX)
    s.deploy("start")
    s.deploy("finish", Why.FINISH_HEARD)
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("sync")
    s.deploy("manual-sync")
    s.deploy("start", Why.REFUSED_FIRST)
    s.deploy("finish")
    s.deploy("finish", Why.FINISH_HEARD)


@scenario
def finish_away_from_the_tag(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.world.ship("three")
    s.deploy("finish", Why.FINISH_HEARD)
    s.world.git("reset", "--quiet", "--hard", "HEAD^")
    s.deploy("finish")


@scenario
def unpushed_commits(s: Session) -> None:
    s.deploy("start")
    s.world.commit("two")
    s.deploy("sync")
    s.deploy("--force sync")
    s.deploy("finish")


@scenario
def a_dirty_tree(s: Session) -> None:
    (s.world.repo / "new").write_text("")
    s.deploy("start")
    s.deploy("--no-check-clean start")
    s.world.git("commit", "--quiet", "--allow-empty", "--message", "two")
    s.world.push()
    s.deploy("sync")
    s.deploy("--no-check-clean sync")
    s.deploy("finish", Why.FINISH_LOOKS_AWAY)
    s.deploy("--no-check-clean finish", Why.FINISH_LOOKS_AWAY)


@scenario
def a_detached_head(s: Session) -> None:
    s.world.git("checkout", "--quiet", "--detach")
    s.deploy("start", Why.DETACHED)
    s.from_here(Why.DETACHED)
    s.world.git("checkout", "--quiet", "main")
    s.deploy("start")
    s.world.git("checkout", "--quiet", "--detach")
    s.world.commit("two")
    s.deploy("sync")
    s.world.git("checkout", "--quiet", "main")
    s.deploy("abort")


@scenario
def somebody_elses_rollout(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.world.environment |= {"USER": "bob", "LOGNAME": "bob"}
    for action in ("sync", "abort"):
        s.deploy(action)
    s.deploy("finish", Why.FINISH_HEARD)
    s.deploy("start", Why.REFUSED_FIRST)
    s.deploy("revert 1", Why.REFUSED_FIRST)
    s.deploy("--force sync")
    s.deploy("finish", Why.TAKEN_OVER)
    s.deploy("--force finish", Why.TAKEN_OVER)


@scenario
def somebody_elses_rollout_is_aborted(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.world.environment |= {"USER": "bob", "LOGNAME": "bob"}
    s.deploy("--force abort")


@scenario
def no_name(s: Session) -> None:
    s.world.write("gitconfig", (s.world.root / "gitconfig").read_text().replace("ame = Ann", "x="))
    s.deploy("start")
    s.deploy("show", out=ALL)
    s.deploy("show-tag", out=ALL)


@scenario
def no_prefix(s: Session) -> None:
    text = (s.world.root / "gitconfig").read_text()
    s.world.write("gitconfig", text.replace("tag-prefix = slot0", ""))
    for line in ("start", "show", "show-tag", "revert 1", "tag", "check", "--list", "--list-all"):
        s.deploy(line)
    s.deploy("--show-prefix", out=ALL)
    s.deploy("start slot0")


@scenario
def wrong_usage(s: Session) -> None:
    for line in ("nonsense", "--nonsense start", "start slot0 more", "sync --nonsense"):
        s.deploy(line)


@scenario
def not_a_repository(s: Session) -> None:
    s.deploy("start", at="..")
    s.deploy("show", at="..")


@scenario
def blocked_by_a_file(s: Session) -> None:
    s.world.config("block-file", str(s.world.root / "BLOCKED"))
    s.deploy("start")
    s.world.write("BLOCKED", "the database is being moved\n")
    s.deploy("status")
    s.world.ship("two")
    s.deploy("sync", Why.BLOCKED_SYNC)
    s.deploy("--force sync", Why.BLOCKED_SYNC)
    s.deploy("finish")
    s.deploy("start", Why.REFUSED_FIRST)
    s.deploy("hotfix", Why.REFUSED_FIRST)
    s.deploy("--force start")


@scenario
def blocked_by_a_reason(s: Session) -> None:
    s.world.config("block-reason", "the database is being moved")
    s.deploy("status")
    s.deploy("start", Why.REFUSED_FIRST)
    s.deploy("--force start", Why.REFUSED_FIRST)


@scenario
def the_umask(s: Session) -> None:
    s.world.config("restrict-umask", "0002")
    before = os.umask(0o022)
    try:
        for line in ("start", "status", "show", "--show-prefix"):
            s.deploy(line, Why.UMASK)
        os.umask(0o002)
        s.deploy("start")
    finally:
        os.umask(before)


@scenario
def the_remote_is_gone(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.world.git("remote", "set-url", "origin", "../nowhere.git")
    s.deploy("sync", Why.SYNC_UNDONE)
    s.from_here(Why.SYNC_UNDONE)
    s.deploy("--no-remote sync")
    s.deploy("--no-remote finish")
    s.deploy("start")
    s.deploy("--no-remote start")


# Hotfixes and reverts.


@scenario
def a_hotfix(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")
    s.world.colleague("three")
    s.deploy("hotfix")
    s.world.commit("fix")
    push_the_hotfix(s)
    s.deploy("sync")
    s.deploy("finish")


def push_the_hotfix(s: Session) -> None:
    """Ours by its command, git-deploy's by the recipe in its manual."""
    if type(s.program).__name__ == "Ours":
        ran = s.program.type(s.world, ("push-hotfix",), at=s.world.repo, stdin="")
        assert ran.code == 0, ran.err
    else:
        fix = s.world.git("rev-parse", "HEAD")
        s.world.git("pull", "--quiet", "--no-rebase", "--no-edit")
        s.world.git("push", "--quiet")
        s.world.git("reset", "--quiet", "--hard", fix)
        s.world.git("checkout", "-f")
    s.world.calls()
    log = s.world.git("log", "--graph", "--format=%s", "origin/main")
    s.look(f"pushed: {log}")
    s.look(f"checked out: {s.world.head()}")


def three_rollouts(s: Session) -> None:
    for subject in ("two", "three", "four"):
        s.deploy("start")
        s.world.ship(subject)
        s.deploy("sync")
        if s.steps[-1].seen.status == 2:
            s.deploy("finish")


@scenario
def revert_by_number_with_a_sync_hook(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("revert 2")
    s.deploy("show", out=ALL)
    s.deploy("start")
    s.deploy("abort")


@scenario
def revert_by_number_by_hand(s: Session) -> None:
    three_rollouts(s)
    s.deploy("revert 3")
    s.deploy("sync")
    s.deploy("finish")
    s.deploy("show", out=ALL)
    s.deploy("start")


@scenario
def a_revert_is_aborted(s: Session) -> None:
    three_rollouts(s)
    s.deploy("revert 2")
    s.deploy("abort")


@scenario
def revert_to_what_is_checked_out(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("revert 1", Why.REVERT_FIRST)


@scenario
def revert_out_of_range(s: Session) -> None:
    three_rollouts(s)
    for choice in ("99", "nonsense"):
        s.deploy(f"revert {choice}", Why.REVERT_FIRST, Why.OUT_OF_RANGE)
    s.deploy("status")


@scenario
def revert_by_asking(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("revert", stdin="2\n", out=NUMBERED)


@scenario
def revert_by_asking_after_nonsense(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("revert", stdin="nonsense\n99\n3\n", out=NUMBERED)


@scenario
def revert_quit(s: Session) -> None:
    three_rollouts(s)
    s.deploy("revert", Why.REVERT_FIRST, stdin="quit\n")
    s.deploy("status")


@scenario
def revert_with_a_count(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("--count 2 revert", stdin="2\n", out=NUMBERED)
    s.deploy("--count 2 revert 3", Why.REVERT_FIRST, Why.OUT_OF_RANGE)


@scenario
def revert_when_the_sync_hook_fails(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.world.sync_hook(code=1)
    s.deploy("revert 2")
    s.deploy("finish")


# Tags without a fleet.


@scenario
def release(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("release")
    s.world.config("can-make-tags", "true")
    s.deploy("release")
    s.deploy("release")
    s.deploy("start")
    s.deploy("release")


@scenario
def tag(s: Session) -> None:
    s.deploy("tag", out=ALL)
    s.world.config("can-make-tags", "true")
    s.deploy("tag", out=ALL)
    s.deploy("--message", words=("this is %TAG", "tag"))
    s.look(s.world.git("for-each-ref", "--sort=-refname", "--count=1", "--format=%(contents)"))
    (s.world.repo / "new").write_text("")
    s.deploy("tag")


@scenario
def make_tag(s: Session) -> None:
    s.deploy("--make-tag --message", Why.MAKE_TAG, words=("a tag",))
    s.world.config("can-make-tags", "true")
    s.deploy("--make-tag", Why.MAKE_TAG)
    s.deploy("--make-tag --message", Why.MAKE_TAG, words=("a tag",), out=ALL)


@scenario
def manual_sync(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("start")
    s.world.ship("two")
    s.deploy("manual-sync")
    s.deploy("finish")


@scenario
def manual_sync_is_aborted(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("start")
    s.world.ship("two")
    s.deploy("manual-sync")
    s.deploy("abort", Why.MANUAL_ABORT)


# Questions.


@scenario
def lists(s: Session) -> None:
    three_rollouts(s)
    s.world.git("tag", "slot0-20070101-101010", "HEAD~2")
    for name in ("undated", "slot0_20090101-101010", "slot1-20100101-101010"):
        s.world.commit(f"for {name}")
        s.world.git("tag", name)
    s.world.git("reset", "--quiet", "--hard", "HEAD~3")
    s.world.git("tag", "slot0-20110101-1010", "HEAD~1")
    for line in (
        "show",
        "show slot1",
        "--count 0 show",
        "--long-digest show",
        "--list",
        "",
        "0",
        "--list-all",
        "--list-all --count 1",
        "--list-all --tag-only",
        "--tag-only --list",
        "--list-all --ignore-older-than 20100101",
        "--list-all --ignore-older-than 20000101",
        "--list-all --prefix slot1",
        "--all --count 3 --long-digest",
        "-a",
        "--show-all",
        "--show-list",
        "show-tag",
        "latest",
        "showtag",
        "SHOW-TAG",
        "show-tag slot1",
        "show-tag slot9",
    ):
        s.deploy(line, out=ALL)
    s.deploy("--count 2 show", out=ALL)


@scenario
def lists_with_branches(s: Session) -> None:
    three_rollouts(s)
    s.deploy("--include-branches --list", Why.BRANCHES, out=ALL)
    s.deploy("--include-branches --list-all", Why.BRANCHES, out=ALL)
    s.deploy("--include-branches show", Why.BRANCHES, out=ALL)


@scenario
def lists_of_the_same_commit(s: Session) -> None:
    s.world.sync_hook()
    three_rollouts(s)
    s.deploy("start")
    s.deploy("--force sync")
    s.deploy("start")
    s.deploy("--force sync")
    s.deploy("revert 5")
    s.deploy("show", out=ALL)
    s.deploy("--list", out=ALL)


@scenario
def lists_of_nothing(s: Session) -> None:
    for line in ("show", "--list", "--list-all", "show-tag", "--show-tag"):
        s.deploy(line, out=ALL)


@scenario
def lists_with_other_tags(s: Session) -> None:
    s.deploy("start")
    s.world.git("tag", "undated")
    s.world.git("tag", "slot1-20100101-101010")
    s.deploy("show", Why.SAME_PREFIX, out=ALL)
    s.deploy("--list", Why.SAME_PREFIX, out=ALL)
    s.deploy("--show-tag", Why.SHOW_TAG, out=ALL)


@scenario
def show_tag_in_a_rollout(s: Session) -> None:
    s.deploy("start")
    s.deploy("show-tag", out=ALL)
    s.world.ship("two")
    s.deploy("show-tag", out=ALL)
    s.deploy("--show-tag", out=ALL)
    s.deploy("sync")
    s.deploy("show-tag", out=ALL)
    s.deploy("abort")
    s.deploy("show-tag", out=ALL)


@scenario
def what_it_would_use(s: Session) -> None:
    s.deploy("--show-prefix", out=ALL)
    s.deploy("--show-prefix --prefix slot7", out=ALL)
    s.deploy("--prefix slot7 --show-prefix", out=ALL)
    s.deploy("--show-hook-dir", Why.ABSOLUTE, out=ALL)
    s.world.config("hook-dir", "../nowhere")
    s.deploy("--show-hook-dir", out=ALL)


@scenario
def show_deploy_file(s: Session) -> None:
    s.deploy("--show-deploy-file", out=ALL)
    s.deploy("start")
    s.deploy("--show-deploy-file", out=ALL)
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("--show-deploy-file", out=ALL)
    s.deploy("finish")
    s.deploy("--show-deploy-file", out=ALL)
    s.world.ship("three")
    s.deploy("--show-deploy-file", out=ALL)


@scenario
def what_has_changed(s: Session) -> None:
    s.world.commit("old", {"old.html": ""})
    s.world.push()
    s.deploy("modified", out=ALL)
    s.deploy("log", out=ALL)
    s.deploy("start")
    s.deploy("modified", out=ALL)
    s.world.commit("two", {"index.html": "two\n", "new.html": "new\n"})
    s.world.git("mv", "new.html", "newer.html")
    s.world.git("rm", "--quiet", "old.html")
    s.world.commit("three", {"x y": ""})
    s.world.push()
    s.deploy("modified", Why.SPACES, out=ALL)
    s.deploy("log --format=%s", out=ALL)
    s.deploy("log --oneline --", out="")
    s.deploy("diff --stat", out=ALL)
    s.deploy("diff --name-only", out=ALL)
    s.deploy("diff --exit-code --quiet")
    s.deploy("sync")
    s.deploy("log --format=%s", Why.ONWARDS, out=ALL)
    s.deploy("diff --name-status", Why.ONWARDS, out=ALL)
    s.deploy("modified", Why.SPACES, out=ALL)


# Options and configuration.


@scenario
def aliases(s: Session) -> None:
    s.world.config("can-make-tags", "true")
    for start, end in (("begin", "oops"), ("1", "bail"), ("START", "4"), ("Begin", "ABORT")):
        s.deploy(start)
        s.deploy(end)
    for number, end in enumerate(("end", "done", "3", "Finish")):
        s.deploy("1")
        s.world.ship(f"change {number}")
        s.deploy("2")
        s.deploy(end)
    s.deploy("1")
    s.world.ship("good")
    s.deploy("good")
    s.deploy("finnish")
    s.deploy("none", Why.CHECK)
    s.deploy("check", Why.CHECK)


@scenario
def the_prefix_is_typed(s: Session) -> None:
    s.world.record("slot7/pre-sync.20")
    s.deploy("start slot7")
    s.world.ship("two")
    s.deploy("--prefix slot7 sync")
    s.deploy("--prefix=slot7 finish")
    s.deploy("show slot7", out=ALL)
    s.deploy("--prefix slot7 show slot0", out=ALL)


@scenario
def no_remote(s: Session) -> None:
    s.world.colleague("theirs")
    s.deploy("--no-remote start")
    s.world.commit("two")
    s.deploy("--no-remote sync")
    s.deploy("--no-remote --force sync")
    s.deploy("--no-remote finish")


@scenario
def tags_from_before(s: Session) -> None:
    s.world.git("tag", "--annotate", "--message", "by another program", "slot0-20200101-101010")
    s.world.git("push", "--quiet", "--tags", "origin")
    s.deploy("show-tag", out=ALL)
    s.deploy("start")
    s.deploy("abort")
    s.world.failing("common/pre-pull.15")
    s.deploy("start", Why.UNDONE)


@scenario
def remote_site_none(s: Session) -> None:
    s.deploy("--remote-site none start")
    s.world.ship("two")
    s.deploy("--remote-site=none sync")
    s.deploy("--remote-site=none --force sync")
    s.deploy("--remote-site=none finish")


@scenario
def another_remote(s: Session) -> None:
    s.world.git("init", "--quiet", "--bare", "backup.git", at=s.world.root)
    s.world.git("remote", "add", "backup", "../backup.git")
    s.world.git("push", "--quiet", "backup", "main")
    s.world.git("branch", "--quiet", "--set-upstream-to", "backup/main")
    s.deploy("--remote-site backup start")
    s.world.commit("two")
    s.world.git("push", "--quiet", "backup", "main")
    s.deploy("--remote-site backup sync")
    s.deploy("--remote-site backup finish")
    s.look(str(s.world.tags(s.world.root / "backup.git")))


@scenario
def another_branch_of_the_remote(s: Session) -> None:
    s.world.git("push", "--quiet", "origin", "main:production")
    s.world.colleague("not for production")
    s.deploy("--remote-branch production start")
    s.world.commit("two")
    s.world.git("push", "--quiet", "origin", "main:production")
    s.deploy("--remote-branch production sync")
    s.deploy("finish")


@scenario
def another_branch_here(s: Session) -> None:
    s.world.git("checkout", "--quiet", "-b", "production")
    s.world.git("push", "--quiet", "-u", "origin", "production")
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")


@scenario
def a_message(s: Session) -> None:
    s.deploy("-m", words=("why: %TAG", "start"))
    s.world.ship("two")
    s.deploy("--message", words=("the %TAG of %TAG", "sync"))
    for line in s.world.git("for-each-ref", "--format=%(contents)", "refs/tags").splitlines():
        s.look(line)
    s.look(s.world.deploy_message())
    s.deploy("finish")


@scenario
def two_messages(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("-m", words=("first", "-m", "second %TAG", "sync"))
    s.look(s.world.git("for-each-ref", "--sort=-refname", "--count=1", "--format=%(contents)"))


@scenario
def another_date(s: Session) -> None:
    s.deploy("--date-fmt %Y_%m start", Why.SECONDS)
    s.look(str([name[:-7] for name in s.world.git("tag").split()]))


@scenario
def the_deploy_file_elsewhere(s: Session) -> None:
    s.world.commit("more", {"lib/a": "", ".gitignore": ".deploy\n/other\n"})
    s.world.push()
    s.world.config("deploy-file", "lib/.deploy")
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.look(s.world.deploy_file("lib/.deploy"))
    s.deploy("abort")
    s.deploy("start")
    s.deploy("--deploy-file-name other sync")
    s.look(s.world.deploy_file("other"))
    s.deploy("finish")
    s.deploy("--deploy-file-name other --show-deploy-file", out=ALL)


@scenario
def a_configuration_file(s: Session) -> None:
    s.world.write(
        "site.conf",
        "[deploy]\n tag-prefix = general\n can-make-tags = true\n"
        '[deploy "repository repo"]\n tag-prefix = mine\n deploy-file = mine.deploy\n'
        '[deploy "repository other"]\n tag-prefix = others\n',
    )
    s.world.commit("ignore", {".gitignore": "mine.deploy\n"})
    s.world.push()
    s.world.config("config-file", "../site.conf")
    s.world.config("tag-prefix", "ignored")
    s.deploy("--show-prefix", out=ALL)
    s.deploy("tag")
    s.look(s.world.deploy_file("mine.deploy"))
    s.world.git("config", "--unset", "deploy.tag-prefix")
    s.deploy("show", out=ALL)


@scenario
def a_configuration_file_without_names(s: Session) -> None:
    text = (s.world.root / "gitconfig").read_text()
    s.world.write("gitconfig", text.replace("\trepo-name-detection = dot-git-parent-dir\n", ""))
    s.world.write("site.conf", "[deploy]\n tag-prefix = general\n")
    s.world.config("config-file", "../site.conf")
    s.deploy("--show-prefix", out=ALL)


@scenario
def values_in_backticks(s: Session) -> None:
    s.world.config("tag-prefix", "`echo slot7`")
    s.deploy("--show-prefix", out=ALL)
    s.world.config("tag-prefix", " ` echo sl'ot'8 ` ")
    s.deploy("--show-prefix", out=ALL)
    s.world.config("tag-prefix", "`false`")
    s.deploy("--show-prefix", out=ALL)


@scenario
def a_shared_lock(s: Session) -> None:
    (s.world.root / "locks").mkdir()
    s.world.config("lock-dir-root", "../locks")
    s.world.git("clone", "--quiet", "origin.git", "other", at=s.world.root)
    s.world.git("config", "deploy.lock-dir-root", "../locks", at=s.world.root / "other")
    s.deploy("start")
    s.deploy("start", Why.REFUSED_FIRST, at="../other")
    s.deploy("abort")
    s.deploy("start", Why.OTHER_REPOSITORY, Why.OWN_START_TAG, at="../other")
    s.deploy("start", Why.OTHER_REPOSITORY, Why.REFUSED_FIRST)
    s.from_here(Why.OWN_START_TAG)
    s.deploy("abort", at="../other")


@scenario
def from_a_directory_inside(s: Session) -> None:
    s.world.commit("two", {"deep/er/file": ""})
    s.world.push()
    s.deploy("start", at="deep/er")
    s.world.ship("three")
    s.deploy("sync", at="deep/er")
    s.deploy("finish", at="deep/er")


@scenario
def two_slots(s: Session) -> None:
    s.world.sync_hook()
    s.world.sync_hook(prefix="slot1")
    s.world.record("slot1/pre-sync.30")
    s.world.git("clone", "--quiet", "origin.git", "second", at=s.world.root)
    s.world.git("config", "deploy.tag-prefix", "slot1", at=s.world.root / "second")
    s.deploy("start")
    s.deploy("start", Why.OWN_START_TAG, at="../second")
    s.from_here(Why.OWN_START_TAG)
    s.world.ship("two")
    s.deploy("sync")
    s.world.git("pull", "--quiet", "--no-tags", at=s.world.root / "second")
    s.deploy("sync", at="../second")
    s.deploy("show", out=ALL, at="../second")


@scenario
def the_sync_hook_fails_with_words(s: Session) -> None:
    s.world.sync_hook(code=4)
    s.world.config("support-email", "ops@example.org")
    s.world.config("message-on-sync-hook-fail-whale", "Run {SYNC_HOOK}, write to {SUPPORT_EMAIL}.")
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.hears("hooks/sync/slot0.sync, write to ops@example.org.")


@scenario
def the_sync_hook_is_not_executable(s: Session) -> None:
    s.world.sync_hook()
    (s.world.root / "hooks/sync/slot0.sync").chmod(0o644)
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish")


@scenario
def which_files_are_hooks(s: Session) -> None:
    for name in ("pre-start.05", "pre-start.05.bak", "pre-start.05~", "pre-start.B", "pre-start.a"):
        s.world.record(f"common/{name}")
    s.world.record("slot0/pre-start.01")
    s.world.record("slot0/pre-startle.01")
    s.world.record("slot0/pre-start")
    s.world.record("slot0/pre-start.02")
    (s.world.root / "hooks/apps/slot0/pre-start.02").chmod(0o644)
    s.deploy("start")


@scenario
def no_hooks(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("--skip_hooks start")
    s.world.ship("two")
    s.deploy("--skip_hooks sync")
    s.deploy("--skip_hooks finish")


# Hooks that fail, a scenario for each phase.


def fails(phase: str) -> Callable[[Scenario], Scenario]:
    def named(body: Scenario) -> Scenario:
        def run(s: Session) -> None:
            s.world.failing(f"common/{phase}.15")
            s.world.record(f"common/{phase}.16")
            body(s)

        SCENARIOS[f"a_{phase.replace('-', '_')}_hook_fails"] = run
        return body  # so that the next phase's scenario has its own failing hook, and no other

    return named


@fails("pre-start")
def start_refused(s: Session) -> None:
    s.deploy("start")
    s.deploy("start")


@fails("pre-pull")
@fails("post-pull")
@fails("post-tree-update")
@fails("post-start")
def start_again(s: Session) -> None:
    (failing,) = (s.world.root / "hooks/apps/common").glob("*.15")
    s.world.colleague("theirs")
    s.deploy("start", Why.UNDONE)
    s.from_here(Why.UNDONE)
    failing.unlink()
    s.deploy("abort")
    s.deploy("start")


@fails("pre-sync")
def sync_again(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    (s.world.root / "hooks/apps/common/pre-sync.15").unlink()
    s.deploy("sync")


@fails("post-sync")
def finish_after_all(s: Session) -> None:
    s.world.sync_hook()
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync", Why.POST_SYNC)
    s.deploy("finish")


@fails("post-tag")
def tag_again(s: Session) -> None:
    s.deploy("start", Why.UNDONE)


@fails("post-reset")
@fails("log")
def abort_all_the_same(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("abort")


@fails("post-abort")
def aborted_all_the_same(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("abort", Why.NO_WAY_BACK)


@fails("post-finish")
def finished_all_the_same(s: Session) -> None:
    s.deploy("start")
    s.world.ship("two")
    s.deploy("sync")
    s.deploy("finish", Why.NO_WAY_BACK)
