"""What the master knows of each slot, as another version of Sartoris may have written it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sartoris.salt.runner.records import NewerRecord, SlotRecord, SlotRecords, record_of

RECORD = SlotRecord("wiki", "slot0", "web*", settled={"release": "slot0-1"}, origin="/srv/wiki")


@pytest.fixture
def records(tmp_path: Path) -> SlotRecords:
    return SlotRecords(tmp_path)


def rewrite(records: SlotRecords, **fields: Any) -> Path:
    records.write(RECORD)
    (path,) = records.directory.glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path


def test_fields_of_a_later_version_are_ignored(records: SlotRecords) -> None:
    rewrite(records, pool="drained")
    assert list(records.all()) == [RECORD]
    assert record_of({**asdict(RECORD), "pool": "drained"}) == RECORD


def test_a_record_without_what_came_later_is_read(records: SlotRecords) -> None:
    (records.directory / "old.json").write_text(
        '{"repository": "wiki", "slot": "slot0", "targets": "web*"}'
    )
    assert list(records.all()) == [SlotRecord("wiki", "slot0", "web*")]


def test_a_newer_record_is_not_deployed_by_guess_and_not_replaced(records: SlotRecords) -> None:
    path = rewrite(records, version=2)
    text = path.read_text()
    assert list(records.all()) == []
    assert records.again(RECORD) is None
    with pytest.raises(NewerRecord, match="upgrade Sartoris on the master"):
        records.write(RECORD)
    assert path.read_text() == text
    with pytest.raises(NewerRecord):
        record_of({**asdict(RECORD), "version": 2})


@pytest.mark.parametrize(
    "fields",
    [{"settled": "slot0-1"}, {"coming": 1}, {"targets": None}, {"version": "1"}, {"version": True}],
)
def test_a_field_of_another_type_makes_it_unreadable(
    records: SlotRecords, fields: dict[str, Any]
) -> None:
    rewrite(records, **fields)
    assert list(records.all()) == []
    records.write(RECORD)
    assert list(records.all()) == [RECORD]


def test_a_record_is_unreadable_wherever_it_was_cut_off(records: SlotRecords) -> None:
    path = rewrite(records)
    text = path.read_text()
    for length in range(len(text)):
        path.write_text(text[:length])
        assert list(records.all()) == []


@pytest.mark.parametrize("text", ["", "[]", "null", "1", '{"slot": "slot0"}'])
def test_what_is_no_record_counts_as_none(records: SlotRecords, text: str) -> None:
    (records.directory / "some.json").write_text(text)
    (records.directory / "directory.json").mkdir()
    assert list(records.all()) == []
