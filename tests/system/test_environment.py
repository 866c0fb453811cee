"""Whole rollouts in odd surroundings: variables, settings, and the process itself.

Each starts from a remote that is ahead and ends with exactly its tree live, a clean work tree, and
nothing at the remote but the rollout's own tags; or it is refused before anything is tagged.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sartoris.git.environment import VARIABLES, Verdict
from tests.system.kept import Kept
from tests.system.site import Site

FILES = {"index.php": "version 2\n", "ümlaut [x].txt": "Grüße\n"}

# Values for which git would do something else than a rollout wants, were it to hear of them.
VALUES = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_*": "color.ui",
    "GIT_CONFIG_VALUE_*": "always",
    "GIT_CONFIG_PARAMETERS": "'color.ui'='always'",
    "GIT_AUTHOR_*": "somebody@example.org",
    "GIT_COMMITTER_*": "somebody@example.org",
    "GIT_AUTHOR_DATE": "nonsense",
    "GIT_COMMITTER_DATE": "nonsense",
    "GIT_ASKPASS": "false",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_DEFAULT_*": "sha256",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_PAGER": "false",
    "GIT_DIFF_OPTS": "--unified=0",
    "GIT_MERGE_AUTOEDIT": "yes",
    "GIT_INDEX_VERSION": "4",
    "LANG": "C",
    "LC_*": "POSIX",
    "LANGUAGE": "de",
    "TZ": "Nowhere/Nowhere",
    "TERM": "dumb",
    "COLUMNS": "1",
}
PATTERNS = {
    "GIT_INTERNAL_*": "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_DEFAULT_*": "GIT_DEFAULT_HASH",
    "GIT_*_PATHSPECS": "GIT_LITERAL_PATHSPECS",
    "GIT_TEST_*": "GIT_TEST_SPARSE_INDEX",
    "GIT_TRACE*": "GIT_TRACE",
    "GIT_CONFIG_KEY_*": "GIT_CONFIG_KEY_0",
    "GIT_CONFIG_VALUE_*": "GIT_CONFIG_VALUE_0",
    "GIT_AUTHOR_*": "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_*": "GIT_COMMITTER_EMAIL",
    "GIT_CURL_*": "GIT_CURL_VERBOSE",
    "GIT_HTTP_*": "GIT_HTTP_USER_AGENT",
    "GIT_PROTOCOL*": "GIT_PROTOCOL_FROM_USER",
    "GIT_PROXY_*": "GIT_PROXY_COMMAND",
    "GIT_SSH*": "GIT_SSH_COMMAND",
    "GIT_SSL_*": "GIT_SSL_NO_VERIFY",
    "GIT_REDIRECT_*": "GIT_REDIRECT_STDERR",
    "LC_*": "LC_ALL",
}
# These say where things are, and are the test's own or the machine's.
PLACES = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "HOME", "XDG_CONFIG_HOME"}


@pytest.fixture
def site(kept: Kept) -> Site:
    """With a remote that is ahead, and a tag that is nobody's business."""
    return kept.site(behind_its_remote)


def behind_its_remote(site: Site) -> None:
    Site.build(site.root, targets=1)
    site.push_elsewhere(FILES, message="Grüße ✓")
    site.git("tag", "--annotate", "-m", "a note", "private-note")


def type_rollout(site: Site) -> None:
    """In this process, which is quick: its environment is what git and hooks get."""
    for command in ("start", "sync"):
        site.ok(command)


def assert_rolled_out(site: Site) -> None:
    """Everything is as after any other rollout."""
    tag = site.desired()
    assert site.live("web1") == tag
    assert site.files("web1") == {"lib/a.php": "a\n", **FILES}
    assert site.git("status", "--porcelain") == ""
    assert site.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert site.commit_of(tag) == site.commit_of("refs/heads/main", at=site.origin)
    pushed = set(site.git("tag", "--list", at=site.origin).split())
    assert tag in pushed
    assert all(one.startswith("slot0-") for one in pushed)


@pytest.mark.parametrize(
    "names",
    [rule.names for rule in VARIABLES if rule.verdict is not Verdict.REFUSED],
    ids=lambda names: names[0],
)
def test_variables_that_are_kept_or_cleared_change_no_rollout(
    site: Site, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    with monkeypatch.context() as around:
        for name in set(names) - PLACES:
            around.setenv(PATTERNS.get(name, name), VALUES.get(name, "1"))
        type_rollout(site)
    assert_rolled_out(site)


@pytest.mark.parametrize("name", ["LITERAL", "GLOB", "ICASE"])
def test_no_pathspec_variable_changes_whose_file_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that is called like a file of the repository to whom looks with a pattern."""
    site.set("deploy.deploy-file", "INDEX.[p]hp")
    monkeypatch.setenv(f"GIT_{name}_PATHSPECS", "1")
    type_rollout(site)
    assert (site.repo / "INDEX.[p]hp").is_file()
    site.ok("start")


@pytest.mark.parametrize("command", ["start", "status", "doctor", "report"])
def test_a_repository_that_is_named_and_is_not_here_is_refused(
    site: Site, tmp_path: Path, command: str
) -> None:
    other = Site.build(tmp_path / "other", targets=0)
    named = {"GIT_DIR": str(other.repo / ".git"), "GIT_WORK_TREE": str(other.repo)}
    ran = site.run(command, **named)
    assert ran.code == 1
    assert (
        f"GIT_DIR (or an option of `git` in front of `deploy`) names the repository {other.repo}"
        in (ran.err)
    )
    assert site.tags() == ["private-note"]


# In groups, to be quick; those of one group do not hide each other.
SETTINGS = [
    (
        *("push.followTags=true", "push.default=nothing", "remote.pushDefault=nowhere"),
        *("fetch.prune=true", "fetch.pruneTags=true", "remote.origin.tagOpt=--tags"),
        *("core.hooksPath=/nowhere", "core.precomposeUnicode=true", "core.editor=false"),
    ),
    (
        *("color.ui=always", "color.diff=always", "color.status=always", "core.quotePath=false"),
        *("log.showSignature=true", "log.decorate=full", "log.date=raw", "format.pretty=raw"),
        *("diff.external=false", "diff.noprefix=true", "diff.renames=copies", "diff.submodule=log"),
        *("i18n.logOutputEncoding=ISO-8859-1", "i18n.commitEncoding=ISO-8859-1"),
    ),
    (
        *("status.short=true", "status.branch=true", "status.showUntrackedFiles=all"),
        *("merge.ff=false", "merge.autoStash=true", "merge.stat=true", "pull.rebase=true"),
        *("core.splitIndex=true", "core.untrackedCache=true", "index.version=4", "core.abbrev=4"),
        *("rerere.enabled=true", "rerere.autoUpdate=true", "advice.statusHints=false"),
    ),
    (
        *("tag.forceSignAnnotated=true", "commit.gpgSign=true", "tag.sort=-taggerdate"),
        *("gpg.program=false", "remote.origin.mirror=true", "push.recurseSubmodules=check"),
    ),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings[0])
def test_settings_change_no_rollout(site: Site, settings: tuple[str, ...]) -> None:
    for setting in settings:
        site.git("config", *setting.split("=", 1))
    type_rollout(site)
    assert_rolled_out(site)


def test_a_tag_with_the_name_of_the_branch(site: Site) -> None:
    site.git("tag", "main")
    site.git("tag", "origin/main")
    type_rollout(site)
    assert_rolled_out(site)


def test_tags_that_are_to_be_signed_and_cannot_be(site: Site) -> None:
    site.git("config", "tag.gpgSign", "true")
    site.git("config", "gpg.program", "false")
    ran = site.deploy("start")
    assert ran.code == 1
    assert "tag.gpgSign wants tags to be signed" in ran.err
    assert site.tags() == ["private-note"]
    assert site.holder is None
    site.git("config", "tag.gpgSign", "false")  # as it says
    site.ok("start")


def closed(site: Site, *arguments: str, streams: str) -> int:
    """`git deploy` with some of its three streams closed."""
    program = (
        f'exec "$0" -c "from sartoris.cli.main import git_deploy; git_deploy()" "$@" {streams}'
    )
    command = ["sh", "-c", program, sys.executable, *arguments]
    return subprocess.run(command, cwd=site.repo, check=False, capture_output=True).returncode


def test_closed_streams(site: Site) -> None:
    assert closed(site, "start", "--nonsense", streams="2>&-") == 2
    assert closed(site, "start", streams="<&- >&- 2>&-") == 0
    assert closed(site, "sync", streams="2>&-") == 0
    assert closed(site, "status", streams=">&-") == 0
    assert_rolled_out(site)


ODD_PYTHON = {
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "COLUMNS": "no number",
    "LINES": "-1",
}


def test_what_python_is_told(site: Site) -> None:
    for command in ("start", "sync", "history"):
        assert site.run(command, **ODD_PYTHON).code == 0
    assert_rolled_out(site)


def test_without_a_home(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    type_rollout(site)
    assert_rolled_out(site)


def test_an_id_without_a_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_id() -> str:
        raise KeyError(f"getpwuid(): uid not found: {os.getuid()}")

    monkeypatch.setattr("getpass.getuser", no_such_id)
    monkeypatch.delenv("SUDO_USER", raising=False)
    site.ok("start")
    assert site.holder is not None
    assert site.holder["user"] == f"uid {os.getuid()}"


def test_a_directory_that_was_removed(site: Site) -> None:
    gone = site.repo / "gone"
    gone.mkdir()
    program = "import os; os.chdir('gone'); os.rmdir('../gone')\n"
    program += "from sartoris.cli.main import git_deploy; git_deploy()"
    command = [sys.executable, "-c", program, "start"]
    ran = subprocess.run(command, cwd=site.repo, check=False, capture_output=True)
    assert ran.returncode == 1
    assert b"the current directory is gone" in ran.stderr
