"""Salt's key pairs, made beforehand: no minion waits for one, or to be accepted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    """As PEM."""

    private: bytes
    public: bytes

    @classmethod
    def generate(cls) -> KeyPair:
        # Here, since it comes with Salt, and without Salt these tests are skipped.
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(65537, 2048)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(private, public)

    def write(self, directory: Path, name: str) -> None:
        """As `NAME.pem`, for its owner only, and `NAME.pub`."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / f"{name}.pem", os.O_WRONLY | os.O_CREAT, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.private)
        (directory / f"{name}.pub").write_bytes(self.public)
