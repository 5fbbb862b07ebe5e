"""Encryption keys of subjects, and the fences left where keys were deleted.

Every function runs inside a job (see `database`).
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("encryption_keys")


class KeyScope(NamedTuple):
    """Where a subject has a key of its own."""

    event_store_id: int
    namespace: str
    """In lower case; the namespace need not exist."""


class StoredKey(NamedTuple):
    """A key of one revision; the fields are the columns. Both keys are PKCS#1 in DER."""

    identifier: str
    revision: int
    public_key: bytes
    private_key: bytes

    def __repr__(self) -> str:
        """Without the keys: asyncio writes what it calls, and with what, to its log when that takes long."""
        return f"StoredKey(identifier={self.identifier!r}, revision={self.revision})"


class StoredFence(NamedTuple):
    """What must not come back after keys were deleted; the fields are the columns."""

    identifier: str
    erased_through: int
    """The highest revision that was deleted."""
    fingerprints: frozenset[str]
    """Of the public keys that were deleted."""
    new_key_allowed: bool


def latest_keys(
    connection: sqlite3.Connection, scope: KeyScope, identifiers: Sequence[str]
) -> dict[str, StoredKey]:
    """The key of the highest revision of each identifier that has one."""
    rows = connection.execute(_QUERIES["latest"], _among(scope, identifiers))
    return {row[0]: StoredKey._make(row) for row in rows}


def keys(connection: sqlite3.Connection, scope: KeyScope, identifier: str) -> list[StoredKey]:
    """All keys of an identifier, by revision."""
    rows = connection.execute(_QUERIES["all_of"], _one(scope, identifier))
    return [StoredKey._make(row) for row in rows]


def add_key(connection: sqlite3.Connection, scope: KeyScope, key: StoredKey) -> None:
    """Adds a key; its revision must be new."""
    connection.execute(_QUERIES["add"], {**scope._asdict(), **key._asdict()})


def remove_keys(connection: sqlite3.Connection, scope: KeyScope, identifier: str) -> None:
    """Removes all keys of an identifier; does nothing when there are none."""
    connection.execute(_QUERIES["remove"], _one(scope, identifier))


def fences(
    connection: sqlite3.Connection, scope: KeyScope, identifiers: Sequence[str]
) -> dict[str, StoredFence]:
    """The fences of the identifiers that have one."""
    rows = connection.execute(_QUERIES["fences"], _among(scope, identifiers))
    return {
        identifier: StoredFence(identifier, through, frozenset(json.loads(fingerprints)), bool(allowed))
        for identifier, through, fingerprints, allowed in rows
    }


def set_fence(connection: sqlite3.Connection, scope: KeyScope, fence: StoredFence) -> None:
    """Stores a fence, in place of the one of its identifier."""
    connection.execute(
        _QUERIES["set_fence"],
        {**scope._asdict(), **fence._asdict(), "fingerprints": json.dumps(sorted(fence.fingerprints))},
    )


def allow_new_key(connection: sqlite3.Connection, scope: KeyScope, identifier: str) -> None:
    """Lets a new key pass the fence; does nothing where there is none."""
    connection.execute(_QUERIES["allow_new_key"], _one(scope, identifier))


def _one(scope: KeyScope, identifier: str) -> dict[str, object]:
    return {**scope._asdict(), "identifier": identifier}


def _among(scope: KeyScope, identifiers: Sequence[str]) -> dict[str, object]:
    return {**scope._asdict(), "identifiers": json.dumps(identifiers)}
