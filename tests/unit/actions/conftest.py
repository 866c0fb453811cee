"""Worlds for the tests of actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.actions.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A site with three targets that has never been deployed."""
    return World(tmp_path)
