"""Event types, a reducer and a reactor, and clients of an embedded kernel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient
from chronicle.event_store import EventStore
from tests.integration.client.bank import AccountOpened, FundsDeposited

MEMORY = "chronicle+embedded://:memory:"


@pytest.fixture
def artifacts() -> Artifacts:
    return Artifacts(event_types=[AccountOpened, FundsDeposited])


@pytest.fixture
async def client() -> AsyncIterator[ChronicleClient]:
    async with ChronicleClient(MEMORY) as client:
        yield client


@pytest.fixture
async def store(client: ChronicleClient, artifacts: Artifacts) -> EventStore:
    return await client.event_store("bank", artifacts=artifacts)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"chronicle+embedded:///{tmp_path / 'bank.db'}"
