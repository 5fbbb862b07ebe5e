"""Encrypted values as they stand in content (events.md 13.2 and 13.3)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle.kernel.compliance.envelopes import BrokenEnvelope, Envelope, LegacyBlock, sealed_value


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_bytes_are_those_of_the_contract() -> None:
    text = Envelope(b"wrapped", b"n" * 12, b"t" * 16, b"cipher").to_text()

    assert base64.b64decode(text) == b"CENV\x01\x00\x07wrapped" + b"n" * 12 + b"t" * 16 + b"cipher"


@given(st.binary(max_size=600), st.binary(max_size=50))
def test_an_envelope_comes_back(wrapped: bytes, ciphertext: bytes) -> None:
    envelope = Envelope(wrapped, b"n" * 12, b"t" * 16, ciphertext)

    assert sealed_value(envelope.to_text()) == envelope


def test_256_bytes_are_a_block_of_the_time_before_envelopes() -> None:
    block = bytes(range(256))

    assert sealed_value(base64_of(block)) == LegacyBlock(block)


@pytest.mark.row("E115")
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        12,
        ["a"],
        "Alice",
        "Alic",
        "Q0VO",
        base64_of(b"neither"),
        base64_of(bytes(255)),
        base64_of(bytes(257)),
        "Å" * 344,
        "!" * 344,
        "Q0VOV is how it begins",
    ],
)
def test_anything_else_is_stored_as_it_is(value: object) -> None:
    assert sealed_value(value) is None


@pytest.mark.parametrize(
    "data", [b"CENV", b"CENV\x02" + bytes(300), b"CENV\x01\x01\x00" + bytes(283), b"CENV\x01"]
)
def test_an_envelope_that_is_cut_or_of_another_version_is_broken(data: bytes) -> None:
    assert sealed_value(base64_of(data)) == BrokenEnvelope()


@given(st.text() | st.binary(min_size=1, max_size=400).map(base64_of))
def test_no_text_does_any_harm(text: str) -> None:
    sealed_value(text)
