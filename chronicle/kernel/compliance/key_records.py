"""What is done to the keys and fences in the database, each in one go (events.md 13.4).

Every function runs inside a write job, and may run twice.
"""

import hashlib
import sqlite3
from collections.abc import Iterable

from chronicle.kernel.compliance.errors import EncryptionKeyErased
from chronicle.kernel.storage import encryption_keys as storage
from chronicle.kernel.storage.encryption_keys import KeyScope, StoredFence, StoredKey


def fingerprint(public_key: bytes) -> str:
    """By what a key is known after it was deleted: the SHA-256 of its public part, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


def ensure_key(connection: sqlite3.Connection, scope: KeyScope, offered: StoredKey) -> StoredKey:
    """The key that the identifier has; if it has none, the offered one, in the revision that is next.

    Raises `EncryptionKeyErased` when its keys were deleted and no new one is allowed.
    """
    known = storage.latest_keys(connection, scope, [offered.identifier]).get(offered.identifier)
    if known is not None:
        return known
    fence = _fence(connection, scope, offered.identifier)
    key = offered if fence is None else offered._replace(revision=fence.erased_through + 1)
    save_key(connection, scope, key)
    return key


def save_key(connection: sqlite3.Connection, scope: KeyScope, key: StoredKey) -> None:
    """Adds a key in the revision that it has.

    Raises `EncryptionKeyErased` for a key or a revision that was deleted, and when no new one is allowed.
    """
    fence = _fence(connection, scope, key.identifier)
    if fence is not None:
        if fingerprint(key.public_key) in fence.fingerprints:
            raise EncryptionKeyErased(key.identifier, "this very key was deleted.")
        if key.revision <= fence.erased_through:
            raise EncryptionKeyErased(key.identifier, f"revision {key.revision} was deleted.")
        if not fence.new_key_allowed:
            raise EncryptionKeyErased(key.identifier, "no new key is allowed.")
    storage.add_key(connection, scope, key)


def copy_key(connection: sqlite3.Connection, source: KeyScope, target: KeyScope, identifier: str) -> bool:
    """Gives the target the key that the identifier has in the source; returns whether it did.

    It does not when the target has a key already, or has deleted one and does not allow this one.
    """
    key = storage.latest_keys(connection, source, [identifier]).get(identifier)
    if key is None or storage.latest_keys(connection, target, [identifier]):
        return False
    try:
        save_key(connection, target, key)
    except EncryptionKeyErased:
        return False
    return True


def erase_keys(connection: sqlite3.Connection, scopes: Iterable[KeyScope], identifier: str) -> None:
    """Deletes all keys of an identifier, and fences the scopes, whether they had one or not."""
    for scope in scopes:
        keys = storage.keys(connection, scope, identifier)
        before = _fence(connection, scope, identifier)
        fence = StoredFence(
            identifier,
            erased_through=max([1, *(key.revision for key in keys), before.erased_through if before else 1]),
            fingerprints=frozenset(fingerprint(key.public_key) for key in keys)
            | (before.fingerprints if before else frozenset()),
            new_key_allowed=False,
        )
        storage.set_fence(connection, scope, fence)
        storage.remove_keys(connection, scope, identifier)


def allow_new_key(connection: sqlite3.Connection, scopes: Iterable[KeyScope], identifier: str) -> None:
    """Lets the next personal value of an identifier have a new key, wherever there is a fence."""
    for scope in scopes:
        storage.allow_new_key(connection, scope, identifier)


def _fence(connection: sqlite3.Connection, scope: KeyScope, identifier: str) -> StoredFence | None:
    return storage.fences(connection, scope, [identifier]).get(identifier)
