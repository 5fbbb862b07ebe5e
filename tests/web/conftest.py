"""Every test has an event store of its own, in memory, and an environment without Chronicle's variables."""

import os
from collections.abc import AsyncGenerator

import pytest
from fastapi import FastAPI

from chronicle import ChronicleOptions, EventStore
from chronicle_fastapi import Chronicle
from tests.web.bank import ARTIFACTS


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("CHRONICLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHRONICLE_CONNECTION_STRING", "chronicle+embedded://:memory:")


@pytest.fixture
def options() -> ChronicleOptions:
    return ChronicleOptions(connection_string="chronicle+embedded://:memory:")


@pytest.fixture
def chronicle(options: ChronicleOptions) -> Chronicle:
    return Chronicle("bank", ARTIFACTS, options=options)


@pytest.fixture
def app(chronicle: Chronicle) -> FastAPI:
    return FastAPI(lifespan=chronicle.lifespan)


@pytest.fixture
async def store(chronicle: Chronicle) -> AsyncGenerator[EventStore]:
    """The event store of `chronicle`, which thus runs for as long as the test does."""
    async with chronicle as store:
        yield store
