"""Documents as another version of Sartoris would write them."""

from __future__ import annotations

import json
from pathlib import Path


def add_field(path: Path, name: str, value: object) -> str:
    """Give the document in `path` a field, or another value; its new text."""
    text = json.dumps({**json.loads(path.read_text()), name: value})
    path.write_text(text)
    return text
