"""The same targets as the agent's own tests have."""

from __future__ import annotations

from tests.agent.conftest import publisher, target

__all__ = ["publisher", "target"]
