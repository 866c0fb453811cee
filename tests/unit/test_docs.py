"""What the documents promise to list, they list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartoris import errors, script
from sartoris.agent.actions import ACTIONS
from sartoris.agent.errors import ERRORS
from sartoris.cli import boundary
from sartoris.cli.main import ALIASES, COMMANDS
from sartoris.config.reference import render
from sartoris.orders import Order, Outcome
from sartoris.queries.status import EXIT_CODES

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"


def _rows(page: str) -> list[list[str]]:
    """The cells of all table rows of a page."""
    return _table((DOCS / page).read_text())


def _table(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").replace(" | | ", " |  | ").split(" | ")]
        for line in text.splitlines()
        if "|" in line
    ]


def _error_classes(root: type[errors.SartorisError]) -> Iterator[type[errors.SartorisError]]:
    yield root
    for child in root.__subclasses__():
        yield from _error_classes(child)


def test_the_error_words_are_documented_as_their_table_says() -> None:
    page = (DOCS / "orders.md").read_text().partition("## Error words")[2]
    told = {"yes": True, "no": False}
    documented = {
        row[0].strip("`"): (row[1], told[row[2]]) for row in _table(page) if row[2] in told
    }
    assert documented == {
        word: (meaning, tells_live) for word, (meaning, tells_live, _) in ERRORS.items()
    }


def test_the_actions_are_documented_as_their_table_says() -> None:
    page = (DOCS / "orders.md").read_text().partition("| action | what it does |")[2]
    documented = {row[0]: row[1:] for row in _table(page.partition("\n\n")[0])[1:]}
    del documented["---"]
    assert documented == {
        f"`{name}`": [
            action.meaning,
            ", ".join(f"`{one}`" for one in action.needs),
            str(action.level),
        ]
        for name, action in ACTIONS.items()
    }


def test_no_error_word_is_made_up_on_the_spot() -> None:
    given = re.compile(r'(?:Failure\(|\berror=|_close\([^"]*|error, message = )"([a-z-]+)"')
    used: set[str] = set()
    for path in (TOP / "src").rglob("*.py"):
        used.update(given.findall(path.read_text()))
    assert {"busy", "unreachable", "unknown-before", "agent-missing"} <= used
    assert used - set(ERRORS) == set()


@pytest.mark.parametrize("kind", [Order, Outcome])
def test_every_field_of_orders_and_outcomes_is_documented(kind: type[Order | Outcome]) -> None:
    page = (DOCS / "orders.md").read_text()
    assert [name for name in kind.__annotations__ if f"`{name}`" not in page] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    documented = [row[0] for row in _rows("commands.md")]
    assert any(re.match(rf"`git deploy {command}[ `]", cell) for cell in documented)


def test_no_command_is_documented_that_does_not_exist() -> None:
    documented = [re.match(r"`git deploy ([\w-]+)", row[0]) for row in _rows("commands.md")]
    assert {found[1] for found in documented if found} == set(COMMANDS)


def test_every_other_name_of_a_command_is_documented() -> None:
    page = (DOCS / "commands.md").read_text()
    names = [name for name, command in ALIASES.items() if command in COMMANDS]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_exit_code_is_documented_beside_its_class() -> None:
    rows = {row[0]: row[-1] for row in _rows("exit-codes.md")[:11]}
    for kind in _error_classes(errors.SartorisError):
        if "exit_code" in vars(kind):
            assert f"`{kind.__name__}`" in rows[str(kind.exit_code)], kind
    assert {str(boundary.EX_SOFTWARE), str(boundary.INTERRUPTED)} <= set(rows)


def test_every_answer_of_status_is_documented() -> None:
    page = (DOCS / "exit-codes.md").read_text().partition("## `git deploy status`")[2]
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [
        str(code) for code in EXIT_CODES.values()
    ]


def test_everything_that_a_sync_script_may_use_is_documented() -> None:
    page = (DOCS / "sync-scripts.md").read_text()
    names = [name for name in vars(script.Sync) if not name.startswith("_")]
    assert [
        name for name in names if f"sync.{name}" not in page and f"Sync.{name}" not in page
    ] == []


def test_the_first_example_is_shown_as_it_runs() -> None:
    shown = (DOCS / "sync-scripts.md").read_text().partition("    #!")[2].partition("\n\n[")[0]
    lines = [line.removeprefix("    ") for line in f"#!{shown}".splitlines()]
    example = (DOCS / "examples" / "minimal.sync").read_text().splitlines()
    assert lines == example[:1] + example[3:]


def test_the_configuration_page_is_the_one_that_the_table_of_keys_makes() -> None:
    assert (DOCS / "configuration.md").read_text() == render()


@pytest.mark.parametrize(
    "page",
    sorted(path.relative_to(TOP) for path in (*TOP.glob("*.md"), *DOCS.rglob("*.md"))),
    ids=str,
)
def test_every_link_between_documents_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (TOP / page).read_text())
    assert [link for link in links if not ((TOP / page).parent / link).exists()] == []
