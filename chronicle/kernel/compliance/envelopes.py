"""How an encrypted value looks: base64 text of an envelope (events.md 13.2).

CENV | version 1 | length of the wrapped key, 2 bytes | wrapped key | nonce, 12 | tag, 16 | ciphertext
"""

import binascii
from typing import Final, NamedTuple

_MARKER: Final = b"CENV\x01"
_MARKER_AS_TEXT: Final = "Q0VOV"
"""How the base64 of every envelope begins, whatever its version."""
_LENGTH: Final = 2
_NONCE: Final = 12
_TAG: Final = 16

# Before there were envelopes a value was one block of RSA; its base64 has this many characters.
_LEGACY: Final = 256
_LEGACY_AS_TEXT: Final = 344


class Envelope(NamedTuple):
    """A value encrypted with a data key, and the data key encrypted with the subject's public key."""

    wrapped_key: bytes
    nonce: bytes
    tag: bytes
    ciphertext: bytes

    def to_text(self) -> str:
        """The base64 text that stands in content."""
        length = len(self.wrapped_key).to_bytes(_LENGTH, "big")
        data = b"".join((_MARKER, length, self.wrapped_key, self.nonce, self.tag, self.ciphertext))
        return binascii.b2a_base64(data, newline=False).decode()


class LegacyBlock(NamedTuple):
    """A value encrypted with the subject's public key itself."""

    ciphertext: bytes


Sealed = Envelope | LegacyBlock


class BrokenEnvelope(NamedTuple):
    """Something that begins like an envelope and is none that we know: nobody can read it."""


def sealed_value(value: object) -> Sealed | BrokenEnvelope | None:
    """What is encrypted in a value of stored content; `None` for a value that is stored as it is."""
    if not isinstance(value, str) or not value:
        return None
    if not value.startswith(_MARKER_AS_TEXT) and len(value) != _LEGACY_AS_TEXT:
        return None
    try:
        data = binascii.a2b_base64(value, strict_mode=True)
    except ValueError:  # binascii.Error, or a character beyond ASCII
        return None
    if data.startswith(_MARKER[:-1]):
        return _envelope(data)
    return LegacyBlock(data) if len(data) == _LEGACY else None


def _envelope(data: bytes) -> Envelope | BrokenEnvelope:
    key_begins = len(_MARKER) + _LENGTH
    key_ends = key_begins + int.from_bytes(data[len(_MARKER) : key_begins], "big")
    tag_begins = key_ends + _NONCE
    begins = tag_begins + _TAG
    if not data.startswith(_MARKER) or len(data) < begins:
        return BrokenEnvelope()
    return Envelope(
        data[key_begins:key_ends], data[key_ends:tag_begins], data[tag_begins:begins], data[begins:]
    )
