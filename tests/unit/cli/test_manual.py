"""The manual pages and completions are those of the commands as they are now."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sartoris.cli.main import ALIASES, COMMANDS, actions
from sartoris.cli.manual import FILES, git_deploy
from tests.programs import need

SHARE = Path(__file__).parents[3] / "share"
PAGES = [name for name in FILES if name.endswith(".1")]


@pytest.fixture(scope="module")
def page() -> str:
    """git-deploy(1) as a reader sees it, without emphasis."""
    shown = subprocess.run(
        [need("man"), "-l", str(SHARE / PAGES[0])],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r".\x08", "", shown.stdout)


@pytest.mark.parametrize("name", FILES)
def test_what_is_installed_is_written_from_the_commands_as_they_are(name: str) -> None:
    assert (SHARE / name).read_text() == FILES[name](), "make docs writes it anew"


@pytest.mark.parametrize("name", PAGES)
def test_man_has_nothing_to_complain_of(name: str) -> None:
    done = subprocess.run(
        [need("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(SHARE / name)],
        env={"PATH": "/usr/bin:/bin", "MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_tells_every_action_option_and_other_name(page: str) -> None:
    entries = re.findall(r"^ {7}([\w-]+)(?: [\w\[|].*)?$", page, re.MULTILINE)
    assert set(COMMANDS) <= set(entries)
    options = [name for option in actions.params for name in (*option.opts, *option.secondary_opts)]
    assert [name for name in options if not re.search(rf"(?<!\S){name}(?![\w-])", page)] == []
    others = ", ".join(re.findall(r"Also ([\w, -]+)\.", page)).split(", ")
    assert sorted(others) == sorted(name for name, action in ALIASES.items() if action in COMMANDS)


def test_quotes_and_dashes_can_be_copied_from_the_page(page: str) -> None:
    assert "git commit -a -m 'Fix the login'" in page
    assert "git deploy sync --dry-run" in page


def test_the_page_tells_no_version_and_no_date_so_that_it_changes_only_with_the_commands() -> None:
    assert git_deploy().split("\n")[1] == '.TH GIT\\-DEPLOY 1 "" Sartoris "Git Manual"'
