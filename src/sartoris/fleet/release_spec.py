"""A release as targets are told of it."""

from __future__ import annotations

from dataclasses import dataclass

from sartoris.fleet.desired import Desired


@dataclass(frozen=True, kw_only=True)
class ReleaseSpec:
    """`release` is its tag, `commit` the full id that the tag must lead to, `deploy_text` what its
    deploy file says. `size`: bytes that fetching it may need, 0: unknown.
    """

    release: str
    commit: str
    deploy_text: str = ""
    size: int = 0

    @classmethod
    def desired(cls, desired: Desired, size: int = 0) -> ReleaseSpec:
        return cls(
            release=desired.release,
            commit=desired.commit,
            deploy_text=desired.deploy_text,
            size=size,
        )
