"""Completion in real shells: what is offered at the end of a line that is being typed."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from sartoris.cli.main import COMMANDS
from tests.programs import need
from tests.system.site import Site

TOP = Path(__file__).parents[2]
OURS = TOP / "share" / "bash-completion" / "completions" / "git-deploy"
GITS = Path("/usr/share/bash-completion/completions/git")


@pytest.fixture
def tagged(site: Site) -> Site:
    """A site with three rollout tags, one of them of a bad rollout, and tags of other kinds."""
    for tag in (
        "slot0-20261122-100000",
        "slot0-20261123-100000",
        "slot0-20261123-110000_reverted",
        "slot0-20261124-100000",
        "slot1-20261125-100000",
        "v1.0",
    ):
        site.git("tag", tag)
    return site


NEWEST_FIRST = ["slot0-20261124-100000", "slot0-20261123-100000", "slot0-20261122-100000"]


def offered(site: Site, line: str) -> list[str]:
    """What bash offers at the end of `line`, in its order."""
    if not GITS.exists():
        assert os.environ.get("CI") != "true", "git's own completion is missing"
        pytest.skip("git's own completion is not installed")
    words = line.split(" ")
    function = "__git_wrap__git_main" if words[0] == "git" else "__git_wrap_git_deploy"
    script = f"""
source {GITS}
source {shlex.quote(str(OURS))}
COMP_WORDS=({shlex.join(words)})
COMP_CWORD={len(words) - 1}
COMP_LINE={shlex.quote(line)}
COMP_POINT={len(line)}
{function}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        [need("bash"), "--norc", "-c", script],
        cwd=site.repo,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [word.strip() for word in done.stdout.splitlines() if word.strip()]


def test_bash_offers_the_actions(site: Site) -> None:
    assert offered(site, "git deploy ") == list(COMMANDS)
    assert offered(site, "git deploy re") == ["release", "resync", "revert", "report"]


def test_bash_offers_what_can_be_done_to_a_service_and_then_targets(site: Site) -> None:
    assert offered(site, "git deploy service ") == ["restart", "reload", "status"]
    assert offered(site, "git deploy service restart ") == ["web1", "web2", "web3"]
    assert offered(site, "git deploy service restart web1 web3") == ["web3"]


def test_bash_offers_no_files_where_a_prefix_may_be_typed(site: Site) -> None:
    assert offered(site, "git deploy start ") == []


def test_bash_offers_them_after_options_and_after_a_value_that_is_called_like_an_action(
    site: Site,
) -> None:
    assert offered(site, "git deploy --no-remote sta") == ["start", "status"]
    assert offered(site, "git deploy -m sync sta") == ["start", "status"]
    assert offered(site, f"git -C {site.repo} deploy sta") == ["start", "status"]


def test_bash_offers_tags_for_a_revert_newest_first(tagged: Site) -> None:
    assert offered(tagged, "git deploy revert ") == NEWEST_FIRST
    assert offered(tagged, "git deploy revert slot0-2026112") == NEWEST_FIRST
    assert offered(tagged, "git deploy revert slot0-20261123") == ["slot0-20261123-100000"]
    assert offered(tagged, "git deploy revert slot1") == ["slot1-20261125-100000"]


def test_bash_offers_targets_for_converge(site: Site) -> None:
    assert offered(site, "git deploy converge ") == ["web1", "web2", "web3"]


def test_bash_offers_the_options_of_the_action(site: Site) -> None:
    assert offered(site, "git deploy sync --dr") == ["--dry-run"]
    assert offered(site, "git deploy start --dr") == []
    assert offered(site, "git deploy report --ver") == ["--verbose", "--verify"]
    assert offered(site, "git deploy --vers") == ["--version"]
    assert offered(site, "git deploy --show-p") == ["--show-prefix"]
    assert offered(site, "git deploy sync --show-p") == []


def test_bash_offers_remotes_and_branches_as_values(site: Site) -> None:
    assert offered(site, "git deploy --remote-site ") == ["origin"]
    assert offered(site, "git deploy start --remote-branch m") == ["main"]
    assert offered(site, "git deploy start --message ") == []


def test_bash_completes_log_and_diff_as_git_does(site: Site) -> None:
    assert "--oneline" in offered(site, "git deploy log --onel")
    assert "--stat" in [word.rstrip("=") for word in offered(site, "git deploy diff --sta")]


def test_bash_completes_the_executable_by_its_own_name(tagged: Site) -> None:
    assert offered(tagged, "git-deploy re") == ["release", "resync", "revert", "report"]
    assert offered(tagged, "git-deploy revert ") == NEWEST_FIRST


class Zsh:
    """An interactive zsh at a terminal of its own, in a site's working repository."""

    def __init__(self, site: Site, home: Path) -> None:
        process, self._terminal = pty.fork()
        if process == 0:
            os.chdir(site.repo)
            os.environ.update(TERM="dumb", ZDOTDIR=str(home), LANG="C.UTF-8")
            os.execv(need("zsh"), ["zsh", "-f", "-i"])
        self.type("PS1='zsh-waits> ' RPS1=''; unsetopt zle_bracketed_paste prompt_sp\n")
        self.type(f"fpath=({TOP}/share/zsh/site-functions $fpath); autoload -U compinit\n")
        self.type(f"compinit -u -d {home}/dump; LISTMAX=10000; print rea''dy\n")
        self.read_until("ready")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def read_until(self, word: str) -> str:
        """Until a command has written `word` and zsh edits the next line, and so takes keys."""
        text = ""
        until = time.monotonic() + 30
        while not re.search(rf"{word}\s+zsh-waits>", text):
            ready, _, _ = select.select([self._terminal], [], [], max(until - time.monotonic(), 0))
            assert ready, f"{word!r} did not come: {text}"
            text += os.read(self._terminal, 65_536).decode(errors="replace")
        return text

    def listed(self, line: str) -> str:
        """What zsh lists below `line`, when asked for a list (Ctrl-D)."""
        self.type(f"{line}\x04\x15print li''sted\n")
        return re.sub(r"\s+", " ", self.read_until("listed"))

    def close(self) -> None:
        self.type("\x15exit\n")
        os.close(self._terminal)


@pytest.mark.parametrize("command", ["git deploy", "git-deploy"])
def test_zsh_offers_actions_tags_targets_and_options(
    tagged: Site, tmp_path: Path, command: str
) -> None:
    need("zsh")
    zsh = Zsh(tagged, tmp_path)
    try:
        actions = zsh.listed(f"{command} re")
        for name in ("release", "resync", "revert", "report"):
            assert re.search(rf"\b{name} +-- {re.escape(COMMANDS[name][1][:20])}", actions)
        assert "push-hotfix" not in actions
        tags = zsh.listed(f"{command} revert ")
        assert re.findall(r"slot\d-[\d-]+\w*", tags) == NEWEST_FIRST
        assert "web1 web2 web3" in zsh.listed(f"{command} converge ")
        options = zsh.listed(f"{command} report --ver")
        assert "--verbose" in options
        assert "--verify" in options
        assert "--verify" not in zsh.listed(f"{command} start --ver")
    finally:
        zsh.close()
