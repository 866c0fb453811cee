"""Documents that another version reads, or has written."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from sartoris import documents
from sartoris.documents import Malformed, NewerVersion, Unreadable


class Pair(NamedTuple):
    name: str
    size: int = 0
    unknown: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Thing:
    name: str
    seconds: float = 0.0
    names: tuple[str, ...] = ()
    done: bool = False
    unknown: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "thing.json"


def thing(document: dict[str, Any]) -> Thing:
    return Thing(**documents.values_of(Thing, document))


def read(path: Path) -> Thing | None:
    return documents.read(path, "the thing", thing)


def test_what_is_written_is_read_and_says_its_version(path: Path) -> None:
    documents.write(path, {"name": "one", "names": ["a"], "seconds": 2})
    assert read(path) == Thing(name="one", names=("a",), seconds=2)
    assert '"version": 1' in path.read_text()


def test_no_file_is_no_document(path: Path) -> None:
    assert read(path) is None
    documents.remove(path)


def test_unknown_fields_go_through(path: Path) -> None:
    path.write_text('{"name": "one", "colour": {"red": 1}}')
    found = read(path)
    assert found == Thing(name="one", unknown={"colour": {"red": 1}})
    assert documents.fields_of(vars(found))["colour"] == {"red": 1}


def test_a_named_tuple_is_read_as_a_dataclass_is() -> None:
    values = documents.values_of(Pair, {"version": 1, "name": "one", "colour": 1})
    assert Pair(**values) == Pair("one", 0, {"colour": 1})
    with pytest.raises(Malformed, match="the field name is missing"):
        documents.values_of(Pair, {"size": 1})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "null",
        "[]",
        "{}",
        "{",
        "[" * 100_000,
        '{"name": 1}',
        '{"name": null}',
        '{"name": "one", "seconds": "2"}',
        '{"name": "one", "seconds": true}',
        '{"name": "one", "names": ["a", 1]}',
        '{"name": "one", "done": 1}',
        '{"name": "one", "version": "1"}',
        '{"name": "one", "version": true}',
        '{"name": "one", "version": 0}',
    ],
)
def test_what_is_no_such_document_is_unreadable_with_the_reason(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.why


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, bind, link_to_itself, link_to_nothing])
def test_what_is_no_file_is_unreadable_and_kept(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(Unreadable):
        read(path)
    documents.write(path, {"name": "one"})
    assert read(path) == Thing(name="one")
    assert os.path.lexists(path.with_name("thing.json.unreadable-1"))


def test_a_link_to_a_document_is_a_document(path: Path) -> None:
    (path.parent / "real").write_text('{"name": "one"}')
    path.symlink_to("real")
    assert read(path) == Thing(name="one")


def test_a_newer_version_is_refused_even_where_all_else_is_unknown(path: Path) -> None:
    path.write_text('{"version": 7}')
    with pytest.raises(NewerVersion) as caught:
        read(path)
    assert caught.value.exit_code == 1
    assert str(path) in caught.value.message
    assert "(version 7; this one reads up to 1); upgrade Sartoris" in caught.value.message


def test_a_machine_at_fault_is_not_a_damaged_file(path: Path) -> None:
    """The file may be whole: nothing is rebuilt, and nothing is put aside."""
    (path.parent / "file").touch()
    with pytest.raises(NotADirectoryError):
        read(path.parent / "file" / "thing.json")


def test_every_damaged_file_is_kept_under_a_name_of_its_own(path: Path) -> None:
    for text in ("one", "two"):
        path.write_text(text)
        documents.remove(path)
    kept = {one.name: one.read_text() for one in path.parent.glob("thing.json*")}
    assert kept == {"thing.json.unreadable-1": "one", "thing.json.unreadable-2": "two"}
