"""What the table of keys says about one key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from sartoris.config.values import Kind


class Key(NamedTuple):
    """One key. (A named tuple: a dataclass takes five times as long to define, at every start.)

    `default` is text, read by the same parser as a user's; where there is none, `unset` says what
    happens without a value. `meaning` is the manual's. `many`: each value is one of a list.
    `family`: the keys that the name stands for (`send-mail-on-ACTION`); a name that ends in `-*`
    stands for all that begin so. `where`: in which sections the key is read: `any`, all but those
    of slots (`repository`), only in the plain `[deploy]`, or only there in git's own files.
    `targets_of`: the transports whose targets the values name, each with what a value is then.
    """

    name: str
    kind: Kind
    meaning: str
    example: str
    default: str | None = None
    unset: str = ""
    many: bool = False
    family: tuple[str, ...] = ()
    where: Literal["any", "repository", "plain", "git"] = "any"
    targets_of: Mapping[str, type] = MappingProxyType({})
    status: Literal["supported", "planned"] = "supported"

    @property
    def planned(self) -> bool:
        """Whether this version refuses the key, because it cannot do what the key asks for."""
        return self.status == "planned"

    @property
    def attribute(self) -> str:
        """The attribute of `Config`."""
        return self.name.removesuffix("-ACTION").replace("-", "_")

    @property
    def names(self) -> tuple[str, ...]:
        return self.family or (self.name,)

    def default_value(self) -> Any:
        """What `Config` holds when the key is not set."""
        if self.many:
            return ()
        if self.family:
            return frozenset()
        return None if self.default is None else self.kind.parse(self.default)
