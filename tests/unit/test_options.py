"""`ChronicleOptions`: given, read from the environment, checked when they are made."""

import os
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta

import pydantic
import pytest

from chronicle.connections.connection_string import ConnectionString
from chronicle.errors import ConfigurationError, ConnectionStringError
from chronicle.event_sequences.concurrency_strategies import OptimisticConcurrency
from chronicle.options import ChronicleOptions
from chronicle.settings import ClientSettings, settings_from_environment


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.upper().startswith("CHRONICLE_"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_the_defaults_are_the_embedded_kernel_and_the_default_store() -> None:
    assert ChronicleOptions().settings() == ClientSettings(
        connection=ConnectionString.parse("chronicle+embedded:///chronicle.db"),
        event_store="default",
        namespace="Default",
        connect_timeout=timedelta(seconds=5),
        call_timeout=timedelta(seconds=30),
        registration_timeout=timedelta(seconds=30),
        shutdown_timeout=timedelta(seconds=10),
    )


def test_every_option_is_a_setting_and_is_documented() -> None:
    assert {"connection", *ChronicleOptions.model_fields} - {"connection_string"} == {
        field.name for field in fields(ClientSettings)
    }


def test_the_environment_is_read_in_any_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CHRONICLE_CONNECTION_STRING", "chronicle://kernel?disableTls=true")
    environment.setenv("chronicle_event_store", "bank")
    environment.setenv("CHRONICLE_CALL_TIMEOUT", "2.5")
    environment.setenv("CHRONICLE_SHUTDOWN_TIMEOUT", "PT1M")
    options = ChronicleOptions(namespace="tenant")
    assert options.settings() == ClientSettings(
        connection=ConnectionString.parse("chronicle://kernel?disableTls=true"),
        event_store="bank",
        namespace="tenant",
        call_timeout=timedelta(seconds=2.5),
        shutdown_timeout=timedelta(minutes=1),
    )


def test_what_is_given_comes_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CHRONICLE_CONNECTION_STRING", "chronicle://from-environment")
    environment.setenv("CHRONICLE_NAMESPACE", "tenant")
    settings = settings_from_environment("chronicle://given")
    assert settings.connection == ConnectionString.parse("chronicle://given")
    assert settings.namespace == "tenant"
    assert settings_from_environment(None).connection.servers[0].host == "from-environment"


def test_options_cannot_be_changed() -> None:
    options = ChronicleOptions()
    with pytest.raises(pydantic.ValidationError):
        options.namespace = "other"  # type: ignore[misc]


@pytest.mark.row("C35")
def test_printing_options_shows_no_secret() -> None:
    options = ChronicleOptions(connection_string="chronicle://user:hunter2@kernel?apiKey=hunter2")
    for text in (repr(options), str(options), f"{options!r:>10}"):
        assert "hunter2" not in text
        assert "user:REDACTED@kernel" in text
    assert options.settings().connection.password == "hunter2"


def test_a_bad_connection_string_is_refused_without_repeating_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CHRONICLE_CONNECTION_STRING", "http://user:hunter2@kernel")
    with pytest.raises(ConnectionStringError) as raised:
        ChronicleOptions()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_store", " "),
        ("namespace", ""),
        ("call_timeout", 0),
        ("connect_timeout", "soon"),
        ("colour", "red"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"CHRONICLE_{name.upper()}"):
        ChronicleOptions(**{name: value})  # type: ignore[arg-type]


def test_without_anything_in_the_environment_pydantic_settings_is_not_imported() -> None:
    program = (
        "import sys\n"
        "from chronicle.settings import settings_from_environment\n"
        "settings_from_environment(None)\n"
        "assert 'pydantic_settings' not in sys.modules and 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_concurrency_strategy_is_named_or_given(environment: pytest.MonkeyPatch) -> None:
    assert ChronicleOptions().concurrency is None
    given = OptimisticConcurrency(check_first_append=True)
    assert ChronicleOptions(concurrency=given).settings().concurrency is given
    environment.setenv("CHRONICLE_CONCURRENCY", "optimistic")
    assert ChronicleOptions().settings().concurrency == OptimisticConcurrency()
    environment.setenv("CHRONICLE_CONCURRENCY", "none")
    assert ChronicleOptions().concurrency is None


@pytest.mark.parametrize("value", ["hopeful", 42, OptimisticConcurrency])
def test_what_is_no_concurrency_strategy_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"concurrency \(CHRONICLE_CONCURRENCY\).*optimistic"):
        ChronicleOptions(concurrency=value)  # type: ignore[arg-type]
