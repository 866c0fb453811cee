"""docs/architecture.md is held against the tree, and the tree against it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SOURCE = TOP / "src" / "sartoris"
PAGE = (TOP / "docs" / "architecture.md").read_text()

# Each uses those in the lines below it, and none above; in one line, none uses another.
FLOORS = [
    {"cli", "script"},
    {"demo"},
    {"observers"},
    {"display"},
    {"actions"},
    {"queries"},
    {"rollout"},
    {"workspace"},
    {"fleet"},
    {"transports", "integrations", "hooks", "event_reference"},
    {"journal", "config", "salt", "releases"},
    {"git", "diagnostics", "events", "documents"},
    {"orders", "atomic", "interrupts", "permissions"},
    {"shell"},
    {"agent", "errors", "formatting"},
    {"joining"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


def names() -> list[str]:
    """Rooms and modules beside them."""
    found = [path for path in SOURCE.iterdir() if path.name not in ("__init__.py", "__pycache__")]
    return sorted(path.stem for path in found if path.is_dir() or path.suffix == ".py")


def imported(path: Path) -> Iterator[str]:
    """Rooms and modules that a file imports, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "sartoris":
            yield from (alias.name for alias in node.names if alias.name in FLOOR)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sartoris."):
            yield (node.module or "").split(".")[1]


@pytest.mark.parametrize("name", names())
def test_every_room_and_module_is_named_on_the_page(name: str) -> None:
    shown = f"`{name}/`" if (SOURCE / name).is_dir() else f"`{name}.py`"
    assert shown in PAGE


def test_every_file_that_is_to_be_read_first_is_there() -> None:
    for room, files in re.findall(r"^\| `(\w+)/` \| (.*) \|$", PAGE, re.MULTILINE):
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", files):
            assert (SOURCE / room / name).exists(), f"{room}/{name}"


def test_every_room_has_a_floor() -> None:
    assert sorted(FLOOR) == names()


@pytest.mark.parametrize("name", names())
def test_no_room_uses_one_above_it(name: str) -> None:
    place = SOURCE / name
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    up = {
        f"{path.relative_to(SOURCE)} -> {other}"
        for path in files
        for other in imported(path)
        if other != name and FLOOR[other] <= FLOOR[name]
    }
    assert up == set()


@pytest.mark.parametrize("path", sorted((TOP / "docs" / "decisions").glob("0*.md")))
def test_every_decision_is_in_the_index_with_its_date(path: Path) -> None:
    number, title = path.read_text().split("\n", 1)[0].removeprefix("# ").split(" ", 1)
    assert path.name.startswith(number)
    index = (path.parent / "README.md").read_text()
    row = re.escape(f"| [{number}]({path.name}) | {title} | ") + r"\d{4}-\d\d-\d\d \|"
    assert re.search(row, index)
