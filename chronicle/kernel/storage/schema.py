"""Brings a database file to the schema of this version, or says why it cannot.

`application_id` marks a file as ours, `user_version` counts the migrations that were applied.
A migration and the record of it commit together.
"""

import sqlite3
from pathlib import Path
from typing import Final

from chronicle.errors import NewerDatabaseError, NotAChronicleDatabaseError

APPLICATION_ID: Final = 0x43524E43
"""`CRNC`, in the header of every database of ours."""


def migrations() -> list[str]:
    """The scripts of all migrations, in the order of their numbers."""
    folder = Path(__file__).parent / "migrations"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))]


def check_is_ours(connection: sqlite3.Connection, path: Path | None) -> int:
    """The number of migrations that the database has; writes nothing.

    Raises `NotAChronicleDatabaseError` for a file of something else, `NewerDatabaseError` for one of a later
    version.
    """
    try:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise NotAChronicleDatabaseError(
            f"{path} is no SQLite database. "
            "Give Chronicle a file of its own, or a path that does not exist yet."
        ) from error
    if application_id != APPLICATION_ID and not (is_empty and application_id == 0 and version == 0):
        raise NotAChronicleDatabaseError(
            f"{path} is the database of another application. "
            "Give Chronicle a file of its own, or a path that does not exist yet."
        )
    known = len(migrations())
    if version > known:
        raise NewerDatabaseError(
            f"{path} has schema version {version}, this version of Chronicle knows up to {known}. "
            "Install the version that wrote it, or a newer one."
        )
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Applies the migrations after `version`, each in a transaction of its own."""
    for number, script in enumerate(migrations()[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {number};\nCOMMIT;"
        )
