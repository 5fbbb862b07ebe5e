"""The settings of a client as plain values, however they were given: what everything inside works with.

Users give `ChronicleOptions`, which also reads the environment. That takes pydantic-settings, whose import is
too slow for programs that set nothing.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chronicle.connections.connection_string import ConnectionString
from chronicle.event_sequences.concurrency_strategies import ConcurrencyStrategy
from chronicle.values import DEFAULT_NAMESPACE

ENVIRONMENT_PREFIX: Final = "CHRONICLE_"
DEFAULT_CONNECTION_STRING: Final = "chronicle+embedded:///chronicle.db"
DEFAULT_EVENT_STORE: Final = "default"


@dataclass(frozen=True)
class ClientSettings:
    """See `ChronicleOptions`, which documents each of them and takes its defaults from here."""

    connection: ConnectionString
    event_store: str = DEFAULT_EVENT_STORE
    namespace: str = DEFAULT_NAMESPACE
    connect_timeout: timedelta = timedelta(seconds=5)
    call_timeout: timedelta = timedelta(seconds=30)
    registration_timeout: timedelta = timedelta(seconds=30)
    shutdown_timeout: timedelta = timedelta(seconds=10)
    concurrency: ConcurrencyStrategy | None = None


def settings_from_environment(connection_string: str | None) -> ClientSettings:
    """What the environment says, and the defaults for the rest; a given connection string comes first.

    Raises `ConfigurationError` for a variable that holds no usable value.
    """
    if not any(name.upper().startswith(ENVIRONMENT_PREFIX) for name in os.environ):
        return ClientSettings(ConnectionString.parse(connection_string or DEFAULT_CONNECTION_STRING))
    from chronicle.options import ChronicleOptions

    if connection_string is None:
        return ChronicleOptions().settings()
    return ChronicleOptions(connection_string=connection_string).settings()
