"""Whose answer it is: signed on a minion, looked at on the master."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sartoris.salt.module.signing import signed
from sartoris.salt.runner.answers import Return
from sartoris.salt.runner.vouching import Signers, Vouching, key_file

pytest.importorskip("cryptography", reason="it comes with Salt")

OUTCOME = {"ok": True, "action": "switch", "live": "slot0-1", "seconds": 0.1, "output": "é\n"}
JID = "20261129000000000000"


class Minions:
    """Each with a key, and a master that has accepted it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opts = {"pki_dir": str(root / "master")}
        (root / "master" / "minions").mkdir(parents=True)
        for name in ("web1", "web2"):
            self.accept(name)

    def accept(self, name: str) -> None:
        from cryptography.hazmat.primitives import serialization as forms
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(65537, 2048)
        private = key.private_bytes(
            forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
        )
        public = key.public_key().public_bytes(
            forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
        )
        (self.root / name).mkdir(exist_ok=True)
        (self.root / name / "minion.pem").write_bytes(private)
        (self.root / "master" / "minions" / name).write_bytes(public)

    def answer(self, name: str, outcome: dict[str, Any], jid: str = JID) -> dict[str, Any]:
        """As it arrives: through JSON or msgpack, in another order of its fields."""
        said = signed(outcome, jid, {"id": name, "pki_dir": str(self.root / name)})
        return dict(sorted(json.loads(json.dumps(said)).items(), reverse=True))

    def vouching(self) -> Vouching:
        signers = Signers(self.root / "desired")
        return Vouching(lambda minion: key_file(self.opts, minion), signers)

    def vouches(self, minion: str, value: Any, jid: str = JID) -> bool:
        return self.vouching().vouches(Return(jid, minion, value))


@pytest.fixture
def minions(tmp_path: Path) -> Minions:
    (tmp_path / "desired").mkdir()
    return Minions(tmp_path)


def test_a_minion_is_believed_for_itself_in_this_job_and_for_this(minions: Minions) -> None:
    said = minions.answer("web1", OUTCOME)
    assert minions.vouches("web1", said)
    assert not minions.vouches("web2", said), "it is another's"
    assert not minions.vouches("web1", said, "20261129000000000001"), "of another job"
    for changed in ({"live": "slot0-2"}, {"ok": 1.5}, {"more": 1}, {"signature": "AAAA"}):
        assert not minions.vouches("web1", {**said, **changed}), changed
    assert not minions.vouches("web1", OUTCOME)


def test_another_s_signature_of_another_s_name_is_none(minions: Minions) -> None:
    key = str(minions.root / "web2")
    forged = signed(OUTCOME, JID, {"id": "web1", "pki_dir": key})
    assert "signature" in forged
    assert not minions.vouches("web1", forged)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        "text",
        {"ok": True, "signature": None},
        {"ok": True, "signature": "no base64 ü"},
        {"ok": True, "signature": {"a": 1}},
        {"/srv/a": {"ok": True}},
        {"/srv/a": "text"},
        {"ok": {1: b"bytes"}, "signature": "AAAA"},
    ],
    ids=str,
)
def test_what_has_no_signature_is_nobody_s(minions: Minions, value: Any) -> None:
    assert not minions.vouches("web1", value)


def test_of_all_slots_each_is_signed(minions: Minions) -> None:
    one, other = minions.answer("web1", OUTCOME), minions.answer("web1", {**OUTCOME, "live": "x"})
    assert minions.vouches("web1", {"/srv/a": one, "/srv/b": other})
    assert not minions.vouches("web1", {"/srv/a": one, "/srv/b": OUTCOME})


@pytest.mark.parametrize("name", ["", "..", "../minions/web1", "web1\0", ".web1", "stranger"])
def test_a_name_that_is_no_accepted_minion_has_no_key(minions: Minions, name: str) -> None:
    assert key_file(minions.opts, name) == b""
    assert not minions.vouches(name, minions.answer("web1", OUTCOME))


def test_a_key_of_another_kind_vouches_for_nothing(minions: Minions) -> None:
    said = minions.answer("web1", OUTCOME)
    (minions.root / "master/minions/web1").write_text("no key")
    assert not minions.vouches("web1", said)


def test_without_a_key_or_a_job_an_outcome_is_as_it_was(minions: Minions, tmp_path: Path) -> None:
    assert signed(OUTCOME, "", {"id": "web1", "pki_dir": str(minions.root / "web1")}) == OUTCOME
    assert signed(OUTCOME, JID, {"id": "web1", "pki_dir": str(tmp_path / "none")}) == OUTCOME
    (minions.root / "web1/minion.pem").write_text("cut short")
    assert signed(OUTCOME, JID, {"id": "web1", "pki_dir": str(minions.root / "web1")}) == OUTCOME


def test_who_has_signed_once_has_to_sign_for_ever(minions: Minions) -> None:
    unsigned = Return(JID, "web1", OUTCOME)
    assert minions.vouching().may_be_unsigned(unsigned), "its module may be an older one"
    assert minions.vouches("web1", minions.answer("web1", OUTCOME))
    assert not minions.vouching().may_be_unsigned(unsigned)
    missing = Return(JID, "web1", "'git_deploy.fetch' is not available.", ran=False)
    assert minions.vouching().may_be_unsigned(missing), "Salt says that, and signs nothing"


def test_where_all_sign_nobody_is_believed_without(minions: Minions) -> None:
    opts = {"git_deploy.desired": str(minions.root / "desired"), "git_deploy.all_sign": True}
    vouching = Vouching(lambda _: b"", Signers.of(opts))
    assert not vouching.may_be_unsigned(Return(JID, "web1", OUTCOME))
    assert vouching.may_be_unsigned(Return(JID, "web1", "is not available.", ran=False))


def test_a_lie_makes_nobody_sign_who_cannot(minions: Minions) -> None:
    assert not minions.vouches("web2", minions.answer("web1", OUTCOME))
    assert minions.vouching().may_be_unsigned(Return(JID, "web2", OUTCOME))
