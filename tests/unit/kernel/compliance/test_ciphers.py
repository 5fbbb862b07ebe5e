"""Keys of subjects and what they encrypt (events.md 13.2)."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chronicle.kernel.compliance import ciphers
from chronicle.kernel.compliance.ciphers import SubjectKey
from chronicle.kernel.compliance.envelopes import Envelope, LegacyBlock, sealed_value


@pytest.fixture(scope="module")
def alice() -> SubjectKey:
    return SubjectKey.generate()


@pytest.fixture(scope="module")
def bob() -> SubjectKey:
    return SubjectKey.generate()


def again(key: SubjectKey) -> SubjectKey:
    """The same key as it comes from the database, with nothing in memory."""
    return SubjectKey(key.public_key, key.private_key, key.revision)


def sealed(text: str) -> Envelope:
    value = sealed_value(text)
    assert isinstance(value, Envelope)
    return value


@pytest.mark.row("E109")
@pytest.mark.parametrize("text", ["", "a", "Åse 🙂", "x" * 300, "much " * 5_000])
def test_what_is_encrypted_can_be_read(alice: SubjectKey, text: str) -> None:
    value = alice.seal(text)

    assert alice.open(sealed(value)) == text
    assert again(alice).open(sealed(value)) == text


def test_no_two_encryptions_are_alike(alice: SubjectKey) -> None:
    assert alice.seal("same") != alice.seal("same")


def test_another_key_reads_nothing(alice: SubjectKey, bob: SubjectKey) -> None:
    value = sealed(alice.seal("secret"))

    assert bob.open(value) is None
    assert bob.open(value) is None, "it is remembered that it cannot"


def test_what_was_changed_reads_as_nothing(alice: SubjectKey) -> None:
    value = sealed(alice.seal("secret"))

    assert alice.open(value._replace(ciphertext=b"Secret")) is None
    assert alice.open(value._replace(tag=bytes(16))) is None
    assert alice.open(value._replace(wrapped_key=bytes(256))) is None
    assert alice.open(value._replace(wrapped_key=b"")) is None


def test_the_key_reads_what_it_has_read_before_at_once(alice: SubjectKey) -> None:
    value = sealed(alice.seal("secret"))
    fresh = again(alice)

    assert alice.opens_at_once(value)
    assert not fresh.opens_at_once(value)
    fresh.open(value)
    assert fresh.opens_at_once(value)


def test_a_nonce_never_comes_twice_with_a_data_key(alice: SubjectKey) -> None:
    values = [sealed(key.seal("same")) for key in (alice, again(alice)) for _ in range(50)]

    assert len({(value.wrapped_key, value.nonce) for value in values}) == 100


def test_data_keys_are_forgotten_and_found_again(alice: SubjectKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ciphers, "_MOST_OPENED", 2)
    reader = again(alice)
    values = [sealed(again(alice).seal(str(number))) for number in range(6)]

    assert [reader.open(value) for value in values] == [str(number) for number in range(6)]
    assert [reader.open(value) for value in values] == [str(number) for number in range(6)]


def test_an_envelope_is_what_other_kernels_read(alice: SubjectKey) -> None:
    # With nothing of ours: RSA-OAEP with SHA-256, AES-256-GCM, no associated data.
    value = sealed(alice.seal("secret"))
    private_key = serialization.load_der_private_key(alice.private_key, password=None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)

    data_key = private_key.decrypt(value.wrapped_key, oaep)

    assert len(data_key) == 32
    assert AESGCM(data_key).decrypt(value.nonce, value.ciphertext + value.tag, None) == b"secret"
    assert private_key.key_size == 2048
    public_key = serialization.load_der_public_key(alice.public_key)
    assert public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1) == (
        alice.public_key
    )


def test_blocks_of_the_time_before_envelopes_are_read(alice: SubjectKey, bob: SubjectKey) -> None:
    public_key = serialization.load_der_public_key(alice.public_key)
    assert isinstance(public_key, rsa.RSAPublicKey)
    text = base64.b64encode(public_key.encrypt(b"secret", padding.PKCS1v15())).decode()
    block = sealed_value(text)
    assert isinstance(block, LegacyBlock)

    assert alice.open(block) == "secret"
    assert bob.open(block) != "secret"
    assert not alice.opens_at_once(block)
