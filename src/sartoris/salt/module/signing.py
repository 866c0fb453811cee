"""Outcomes that are signed with the key of this minion (`sartoris.salt.signatures`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sartoris.salt.signatures import SIGNATURE, signed_text


def signed(outcome: Mapping[str, Any], jid: str, opts: Mapping[str, Any]) -> dict[str, Any]:
    """With its signature, where it is of a job that the master knows.

    Without one where there is no key that can be read: the outcome counts for less then, and is
    still worth to be told.
    """
    if not jid:
        return dict(outcome)
    text = signed_text(outcome, jid, str(opts.get("id", "")))
    try:
        key = (Path(str(opts.get("pki_dir", ""))) / "minion.pem").read_bytes()
        return {**outcome, SIGNATURE: _signature(text, key)}
    except (ImportError, OSError, ValueError, TypeError):
        return dict(outcome)


def _signature(text: bytes, key: bytes) -> str:
    # Only here: what has no Salt has no need of it.
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    # To look whether a key of one's own is sound takes longer than all the rest.
    private = serialization.load_pem_private_key(key, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("the key of this minion is of another kind")
    return base64.b64encode(private.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
