"""Which answers are of the minion that they name (`sartoris.salt.signatures`)."""

from __future__ import annotations

import base64
import contextlib
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.records import SlotRecords
from sartoris.salt.signatures import SIGNATURE, signed_text


def is_signed(answer: Return, key: bytes) -> bool:
    """Whether the key, that of the minion which the answer names, has signed what it says.

    Of the outcomes of all slots each is signed.
    """
    value = answer.value
    if not isinstance(value, dict) or not value:
        return False
    if "ok" in value:
        return _has_signed(key, value, answer)
    return all(isinstance(one, dict) and _has_signed(key, one, answer) for one in value.values())


def _has_signed(key: bytes, outcome: Mapping[str, Any], answer: Return) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        public = serialization.load_pem_public_key(key)
        if not isinstance(public, rsa.RSAPublicKey):
            return False
        signature = base64.b64decode(str(outcome.get(SIGNATURE, "")), validate=True)
        text = signed_text(outcome, answer.jid, answer.minion)
        public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, TypeError, RecursionError):
        return False
    return True


def key_file(opts: Mapping[str, Any], minion: str) -> bytes:
    """The accepted key of a minion; b"" if the master has none. Raises PermissionError."""
    where = opts.get("cluster_pki_dir") if opts.get("cluster_id") else opts.get("pki_dir")
    if not minion or "/" in minion or "\0" in minion or minion.startswith("."):
        return b""
    try:
        return (Path(str(where)) / "minions" / minion).read_bytes()
    except PermissionError:
        raise
    except OSError:
        return b""


class Signers:
    """The minions that have signed once: they are not believed without it any more.

    One that never did may have a module of an older release. `directory` is that of the records;
    with `all_sign` there are no such minions.
    """

    def __init__(self, directory: Path, *, all_sign: bool = False) -> None:
        self._directory = directory / "signers"
        self._all_sign = all_sign

    @classmethod
    def of(cls, opts: dict[str, Any]) -> Signers:
        """As the master's configuration says: `git_deploy.desired`, `git_deploy.all_sign`."""
        all_sign = opts.get("git_deploy.all_sign") is True
        return cls(SlotRecords.of(opts).directory, all_sign=all_sign)

    def note(self, minion: str) -> None:
        """It has signed. Where that cannot be written down, the next time does it."""
        file = self._file(minion)
        with contextlib.suppress(OSError):
            if not file.exists():
                file.parent.mkdir(exist_ok=True)
                file.touch()

    def has(self, minion: str) -> bool:
        try:
            return self._all_sign or self._file(minion).exists()
        except OSError:
            return True  # nobody can tell: then it has to sign

    def _file(self, minion: str) -> Path:
        return self._directory / urllib.parse.quote(minion, safe="")


class Vouching:
    """`key_of` gives the accepted key of a minion, `signers` those that have signed before."""

    def __init__(self, key_of: Callable[[str], bytes], signers: Signers) -> None:
        self._key_of, self._signers = key_of, signers

    def vouches(self, answer: Return) -> bool:
        """Whether it is the minion's own answer."""
        key = self._key_of(answer.minion)
        if not key or not is_signed(answer, key):
            return False
        self._signers.note(answer.minion)
        return True

    def may_be_unsigned(self, answer: Return) -> bool:
        """Whether it need not sign that: it never has, or Salt itself says so in its place."""
        is_outcome = isinstance(answer.value, dict) and bool(answer.value)
        return not is_outcome or not self._signers.has(answer.minion)
