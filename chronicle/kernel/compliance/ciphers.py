"""The cryptography: RSA keys of subjects, and the values that are encrypted under them (events.md 13.2).

A value is encrypted with AES-256-GCM under a data key, and the data key with RSA-OAEP-SHA256 under the
subject's key. One RSA operation costs as much as a hundred of AES, so a data key serves for many values of
its subject; on the disk each value has it beside itself, as if it were its own.
"""

import os
from functools import cached_property
from typing import Final, Self, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chronicle.kernel.compliance.envelopes import Envelope, LegacyBlock, Sealed

_KEY_BITS: Final = 2048
_PUBLIC_EXPONENT: Final = 65537
_DATA_KEY: Final = 32
_NONCE: Final = 12
_TAG: Final = 16

# A subject has one data key for each run of the kernel; values of other kernels come with one each.
_MOST_OPENED: Final = 512

_OAEP: Final = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class SubjectKey:
    """The key of one subject, in one revision. It reads what it has encrypted, and nothing else."""

    def __init__(self, public_key: bytes, private_key: bytes, revision: int = 1) -> None:
        """Both keys as PKCS#1 in DER; they are our own, and not checked again."""
        self.public_key: Final = public_key
        self.private_key: Final = private_key
        self.revision: Final = revision
        self._own: tuple[bytes, AESGCM] | None = None
        self._uses = 0
        self._opened: dict[bytes, AESGCM | None] = {}

    @classmethod
    def generate(cls) -> Self:
        """A new key. Takes tens of milliseconds, most of them without the interpreter's lock."""
        private_key = rsa.generate_private_key(_PUBLIC_EXPONENT, _KEY_BITS)
        return cls(
            private_key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.PKCS1
            ),
            private_key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
        )

    def seal(self, text: str) -> str:
        """Encrypts a text; returns the one that stands in content instead."""
        if self._own is None:
            self._own = self._new_data_key()
        wrapped_key, cipher = self._own
        # A counter: the data key is this object's own, so none comes twice. Asking the system for random
        # bytes gives up the interpreter's lock, which costs more than all the rest.
        self._uses += 1
        nonce = self._uses.to_bytes(_NONCE, "big")
        encrypted = cipher.encrypt(nonce, text.encode(), None)
        return Envelope(wrapped_key, nonce, encrypted[-_TAG:], encrypted[:-_TAG]).to_text()

    def opens_at_once(self, sealed: Sealed) -> bool:
        """Whether `open` takes microseconds; if not, it takes the better part of a millisecond."""
        return isinstance(sealed, Envelope) and sealed.wrapped_key in self._opened

    def open(self, sealed: Sealed) -> str | None:
        """Decrypts what `seal` made; `None` for what another key has encrypted. May run on any thread."""
        try:
            if isinstance(sealed, LegacyBlock):
                return self._private.decrypt(sealed.ciphertext, padding.PKCS1v15()).decode()
            cipher = self._unwrap(sealed.wrapped_key)
            if cipher is None:
                return None
            return cipher.decrypt(sealed.nonce, sealed.ciphertext + sealed.tag, None).decode()
        except (InvalidTag, ValueError):  # a block that fits no key decrypts to bytes that are no text
            return None

    @cached_property
    def _private(self) -> rsa.RSAPrivateKey:
        # Checking a key takes as long as making one, and this one is our own.
        loaded = serialization.load_der_private_key(
            self.private_key, password=None, unsafe_skip_rsa_key_validation=True
        )
        return cast("rsa.RSAPrivateKey", loaded)

    def _new_data_key(self) -> tuple[bytes, AESGCM]:
        public_key = cast("rsa.RSAPublicKey", serialization.load_der_public_key(self.public_key))
        data_key = os.urandom(_DATA_KEY)
        wrapped_key, cipher = public_key.encrypt(data_key, _OAEP), AESGCM(data_key)
        self._remember(wrapped_key, cipher)
        return wrapped_key, cipher

    def _unwrap(self, wrapped_key: bytes) -> AESGCM | None:
        try:
            return self._opened[wrapped_key]
        except KeyError:
            pass
        try:
            cipher = AESGCM(self._private.decrypt(wrapped_key, _OAEP))
        except ValueError:
            cipher = None
        self._remember(wrapped_key, cipher)
        return cipher

    def _remember(self, wrapped_key: bytes, cipher: AESGCM | None) -> None:
        if len(self._opened) >= _MOST_OPENED:
            # Not emptied in place: another thread may be looking into it.
            self._opened = dict((self._own,)) if self._own else {}
        self._opened[wrapped_key] = cipher
