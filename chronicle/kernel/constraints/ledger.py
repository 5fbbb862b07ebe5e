"""What claims see of an event sequence, inside one write job."""

import sqlite3
from typing import Final

from chronicle.kernel.storage.constraints import Holders


class Ledger:
    """The events of a sequence and the holders of its unique values; `holders.write` ends the job."""

    def __init__(self, connection: sqlite3.Connection, sequence: int) -> None:
        self.connection: Final = connection
        self.sequence: Final = sequence
        self.holders: Final = Holders(connection, sequence)
