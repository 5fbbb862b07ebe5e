"""Identities of a namespace in the database. Every function runs inside a job (see `database`)."""

import sqlite3
from typing import Final, NamedTuple

from chronicle.kernel.storage.queries import load

_QUERIES: Final = load("identities")


class StoredIdentity(NamedTuple):
    """Someone who caused events; the fields are the columns."""

    id: int
    subject: str
    name: str
    user_name: str


def identities_after(
    connection: sqlite3.Connection, namespace_id: int, after: int = 0
) -> list[StoredIdentity]:
    """The identities with ids higher than `after`, ascending."""
    rows = connection.execute(_QUERIES["after"], {"namespace_id": namespace_id, "after": after})
    return [StoredIdentity._make(row) for row in rows]


def find_by_subject(connection: sqlite3.Connection, namespace_id: int, subject: str) -> StoredIdentity | None:
    """The identity with this subject."""
    row = connection.execute(
        _QUERIES["by_subject"], {"namespace_id": namespace_id, "subject": subject}
    ).fetchone()
    return None if row is None else StoredIdentity._make(row)


def find_by_user_name(
    connection: sqlite3.Connection, namespace_id: int, user_name: str
) -> StoredIdentity | None:
    """The first identity with this user name, in any casing."""
    row = connection.execute(
        _QUERIES["by_user_name"], {"namespace_id": namespace_id, "user_name_key": user_name.lower()}
    ).fetchone()
    return None if row is None else StoredIdentity._make(row)


def add(
    connection: sqlite3.Connection, namespace_id: int, subject: str, name: str, user_name: str
) -> StoredIdentity:
    """Adds an identity. Ids ascend; none is given out twice, for no identity is ever removed."""
    cursor = connection.execute(
        _QUERIES["add"],
        {
            "namespace_id": namespace_id,
            "subject": subject,
            "name": name,
            "user_name": user_name,
            "user_name_key": user_name.lower(),
        },
    )
    return StoredIdentity(int(cursor.lastrowid or 0), subject, name, user_name)


def rename(
    connection: sqlite3.Connection, namespace_id: int, subject: str, name: str
) -> list[StoredIdentity]:
    """Gives whoever has this subject another name; returns them as they are then."""
    rows = connection.execute(
        _QUERIES["rename"], {"namespace_id": namespace_id, "subject": subject, "name": name}
    ).fetchall()
    return [StoredIdentity._make(row) for row in rows]
