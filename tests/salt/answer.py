"""What a command of Salt's said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What one of Salt's commands did. `out` is JSON, or words when Salt had only those."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed; of several objects, as `salt` prints one for each minion, the union."""
        documents = list(self._documents())
        assert documents, f"code {self.code}, no JSON: {self.out}{self.err}"
        if len(documents) == 1:
            return documents[0]
        return {name: value for document in documents for name, value in document.items()}

    def _documents(self) -> Iterator[Any]:
        decoder, rest = json.JSONDecoder(), self.out.lstrip()
        while rest:
            try:
                document, end = decoder.raw_decode(rest)
            except ValueError:
                raise AssertionError(f"code {self.code}, no JSON: {self.out}{self.err}") from None
            yield document
            rest = rest[end:].lstrip()
