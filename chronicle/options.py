"""`ChronicleOptions`: what a client can be told, in code or through the environment."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chronicle.connections.connection_string import ConnectionString
from chronicle.errors import ConfigurationError
from chronicle.event_sequences.concurrency_strategies import ConcurrencyStrategy, OptimisticConcurrency
from chronicle.settings import (
    DEFAULT_CONNECTION_STRING,
    ENVIRONMENT_PREFIX,
    ClientSettings,
)


class _ConnectionText(str):
    """A connection string whose secrets do not show when options are printed."""

    def __repr__(self) -> str:
        return repr(ConnectionString.parse(self).redacted())


def _check_connection_string(text: str) -> str:
    ConnectionString.parse(text)
    return _ConnectionText(text)


def _check_name(name: str) -> str:
    if not name.strip():
        raise ValueError("it must not be blank")
    return name


def _read_seconds(value: object) -> object:
    """Numbers in texts as numbers, which pydantic takes for seconds; everything else is left to it."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _read_strategy(value: object) -> ConcurrencyStrategy | None:
    if value is None or value == "none":
        return None
    if value == "optimistic":
        return OptimisticConcurrency()
    if isinstance(value, ConcurrencyStrategy) and not isinstance(value, type):
        return value
    raise ValueError(
        "give 'none', 'optimistic', or an object with the method `scope_for` of a ConcurrencyStrategy"
    )


Duration = Annotated[timedelta, BeforeValidator(_read_seconds), Field(gt=timedelta(0))]
Name = Annotated[str, AfterValidator(_check_name)]


class ChronicleOptions(BaseSettings):
    """Options of a `ChronicleClient`. What is not given comes from the environment, or else is as below.

    Environment variables are named `CHRONICLE_` and the option, in any case: `CHRONICLE_CONNECTION_STRING`.
    Durations are `timedelta`; in the environment seconds (`2.5`) or ISO 8601 (`PT2.5S`).

    Options cannot be changed once made. Raises `ConnectionStringError` for a connection string that cannot be
    understood, `ConfigurationError` for anything else that cannot be used.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        frozen=True,
        hide_input_in_errors=True,
    )

    connection_string: Annotated[str, AfterValidator(_check_connection_string)] = Field(
        default=DEFAULT_CONNECTION_STRING, validate_default=True
    )
    """The kernel to use; by default an embedded one on `chronicle.db` in the working directory."""

    event_store: Name = ClientSettings.event_store
    """The event store that `client.event_store()` hands out when it is given no name."""

    namespace: Name = ClientSettings.namespace
    """The namespace in it, when none is given."""

    connect_timeout: Duration = ClientSettings.connect_timeout
    """How long entering the client tries to reach the kernel, and how long each later attempt waits."""

    call_timeout: Duration = ClientSettings.call_timeout
    """How long the kernel has for the answer to one call."""

    registration_timeout: Duration = ClientSettings.registration_timeout
    """How long `client.event_store(...)` waits until everything declared is registered with the kernel."""

    shutdown_timeout: Duration = ClientSettings.shutdown_timeout
    """How long leaving the client waits for handlers that are at work."""

    concurrency: Annotated[ConcurrencyStrategy | None, PlainValidator(_read_strategy)] = (
        ClientSettings.concurrency
    )
    """Which concurrency scope appends get that name none: `none`, `optimistic` or a `ConcurrencyStrategy`."""

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigurationError(_describe(error)) from error

    def settings(self) -> ClientSettings:
        """The options as plain values."""
        return ClientSettings(
            connection=ConnectionString.parse(self.connection_string),
            event_store=self.event_store,
            namespace=self.namespace,
            connect_timeout=self.connect_timeout,
            call_timeout=self.call_timeout,
            registration_timeout=self.registration_timeout,
            shutdown_timeout=self.shutdown_timeout,
            concurrency=self.concurrency,
        )


def _describe(error: ValidationError) -> str:
    reasons = "; ".join(
        f"{name} ({ENVIRONMENT_PREFIX}{name.upper()}): {reason['msg']}"
        for reason in error.errors(include_url=False, include_input=False)
        for name in [".".join(map(str, reason["loc"]))]
    )
    return f"ChronicleOptions cannot be used. {reasons}."
