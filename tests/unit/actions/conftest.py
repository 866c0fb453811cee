"""Worlds for the tests of actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.config.values import CountOrPercent
from tests.unit.actions.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A site with three targets that has never been deployed."""
    return World(tmp_path)


@pytest.fixture
def lenient(tmp_path: Path) -> World:
    """As `world`, and one of the three targets may fail."""
    return World(tmp_path, settings={"max_failed": CountOrPercent(1)})
