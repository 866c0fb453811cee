"""What the documents promise to list, they list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sartoris import event_reference, script
from sartoris.agent.actions import ACTIONS
from sartoris.agent.errors import ERRORS
from sartoris.cli import manual
from sartoris.cli.exit_codes import exit_codes
from sartoris.cli.main import ALIASES, COMMANDS
from sartoris.cli.prose import GIT_DEPLOY
from sartoris.config.reference import render
from sartoris.display.ending import EX_SOFTWARE, INTERRUPTED
from sartoris.events import Envelope, Event
from sartoris.journal.reading import kinds
from sartoris.orders import Order, Outcome
from sartoris.queries.status import EXIT_CODES

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
ENVELOPE = (*Envelope._fields, "seq", "at")


def _rows(page: str) -> list[list[str]]:
    """The cells of all table rows of a page."""
    return _table((DOCS / page).read_text())


def _table(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").replace(" | | ", " |  | ").split(" | ")]
        for line in text.splitlines()
        if "|" in line
    ]


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


def test_the_exit_codes_are_documented_in_the_words_of_their_classes_and_no_others_are() -> None:
    page = (DOCS / "exit-codes.md").read_text().partition("## ")[0]
    rows = [line for line in page.splitlines() if re.match(r"\| \d", line)]
    assert rows == [
        f"| {one.code} | {one.means} | `{one.kind}` |".replace("``", "").replace("|  |", "| |")
        for one in exit_codes()
    ]
    assert {EX_SOFTWARE, INTERRUPTED} < {one.code for one in exit_codes()}


def test_every_answer_of_a_question_is_in_the_manual() -> None:
    text = next(one.text for one in GIT_DEPLOY if one.heading == "EXIT STATUS")
    told = text.partition("`git deploy status`: ")[2].partition("\n\n")[0]
    assert re.findall(r"`(\d+)`", told) == [str(code) for code in EXIT_CODES.values()]


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


def test_the_page_of_events_is_the_one_that_their_classes_make() -> None:
    assert (DOCS / "events.md").read_text() == event_reference.render()


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.kind())
def test_every_event_says_what_it_means(kind: type[Event]) -> None:
    assert (kind.__doc__ or "").endswith((".", ".\n    "))
    own = [name for name in vars(kind)["__annotations__"] if name not in ENVELOPE]
    page = (DOCS / "events.md").read_text().partition(f"## `{kind.kind()}`")[2]
    assert [name for name in own if f"| `{name}` |" not in page.partition("\n## ")[0]] == []


def test_the_configuration_page_is_the_one_that_the_table_of_keys_makes() -> None:
    assert (DOCS / "configuration.md").read_text() == render()


@pytest.mark.parametrize(
    "name", ["docs/configuration.md", *(f"share/{name}" for name in manual.FILES)]
)
def test_what_make_docs_writes_is_marked_as_made_and_not_shown_in_diffs(name: str) -> None:
    lines = [line.split() for line in (TOP / ".gitattributes").read_text().splitlines()]
    marked = [line[1:] for line in lines if line and Path(name).match(line[0])]
    assert marked == [["linguist-generated", "-diff"]]


@pytest.mark.parametrize(
    "page",
    sorted(path.relative_to(TOP) for path in (*TOP.glob("*.md"), *DOCS.rglob("*.md"))),
    ids=str,
)
def test_every_link_between_documents_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (TOP / page).read_text())
    assert [link for link in links if not ((TOP / page).parent / link).exists()] == []


def test_every_promise_about_trust_names_tests_that_exist() -> None:
    page = (TOP / "docs" / "security.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    text = "".join(path.read_text() for path in (TOP / "tests").rglob("test_*.py"))
    assert all((TOP / path).is_file() for path in re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert named
    assert {name for name in named if f"def {name}(" not in text} == set()


def _told() -> str:
    """Every text in the source, with `...` where a value is filled in."""
    texts = []
    for path in (TOP / "src").rglob("*.py"):
        tree = ast.parse(path.read_text())
        texts += [
            "".join(
                str(one.value) if isinstance(one, ast.Constant) else "..." for one in node.values
            )
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
        ]
        texts += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(texts)


def test_every_message_that_is_looked_up_is_still_said() -> None:
    page = (DOCS / "troubleshooting.md").read_text()
    quoted = [
        message
        for line in re.findall("^### (.*)", page, re.MULTILINE)
        for message in line.split("`")[1::2]
    ]
    parts = [part.strip(" ()") for message in quoted for part in message.split("...")]
    told = _told()
    assert len(quoted) > 15
    assert [part for part in parts if part not in told and not part.startswith("git deploy")] == []


def test_every_error_word_that_is_looked_up_is_one() -> None:
    page = (DOCS / "troubleshooting.md").read_text()
    rows = _table(page.partition("| word |")[2].partition("\n\n")[0])[1:]
    words = {word for row in rows for word in re.findall("`([^`]+)`", row[0])}
    assert words - set(ERRORS) == set()
    assert len(words) > 10
