"""Read models over the admin API."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from chronicle import EventLog
from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import UNAVAILABLE, guid_halves
from chronicle_fastapi import Chronicle
from tests.waiting import eventually
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem
from tests.web.bank import Balance, Deposited

STORE = "event-stores/bank"
BALANCES = f"{STORE}/namespaces/Default/read-models/Balance"


@pytest.fixture
async def log(api: httpx2.AsyncClient, chronicle: Chronicle) -> EventLog:
    """The event log, with a deposit on each of three accounts, all of them handled."""
    log = chronicle.store.event_log
    for account in ("a/1", "b", "c"):
        await log.append(account, Deposited(amount=5))
    await eventually(lambda: chronicle.store.read_models.all(Balance), lambda found: len(found) == 3)
    return log


async def test_the_definitions_are_listed(api: httpx2.AsyncClient) -> None:
    (balance,) = (await api.get(f"{STORE}/read-models")).json()
    assert balance["id"] == "Balance"
    assert (balance["kept_by"], balance["owner"], balance["source"]) == ("reducer", "client", "code")
    assert balance["observer_id"]
    assert balance["json_schema"]["properties"]["amount"]["type"] == "integer"
    assert (await api.get(f"{STORE}/read-models/Balance")).json() == balance


@pytest.mark.usefixtures("log")
async def test_instances_come_in_pages(api: httpx2.AsyncClient) -> None:
    first = (await api.get(f"{BALANCES}/instances", params={"page_size": 2})).json()
    assert (len(first["instances"]), first["total_count"], first["page"], first["page_size"]) == (2, 3, 0, 2)
    assert [one["amount"] for one in first["instances"]] == [5, 5]
    rest = (await api.get(f"{BALANCES}/instances", params={"page_size": 2, "page": 1})).json()
    assert (len(rest["instances"]), rest["page"]) == (1, 1)


@pytest.mark.usefixtures("log")
async def test_an_instance_is_found_by_its_key_whatever_that_is(api: httpx2.AsyncClient) -> None:
    found = (await api.get(f"{BALANCES}/instance", params={"key": "a/1"})).json()
    assert (found["key"], found["last_handled_sequence_number"]) == ("a/1", 0)
    assert found["instance"]["amount"] == 5


@pytest.mark.usefixtures("log")
async def test_a_key_that_nobody_has_is_not_found(api: httpx2.AsyncClient) -> None:
    response = await api.get(f"{BALANCES}/instance", params={"key": "z"})
    assert_problem(response, 404, "There is no instance of the read model 'Balance' with the key 'z'.")


@pytest.mark.parametrize(
    "path",
    [
        f"{STORE}/read-models/X",
        f"{STORE}/namespaces/Default/read-models/X/instances",
        f"{STORE}/namespaces/Default/read-models/X/instance?key=a",
        f"{STORE}/namespaces/Default/read-models/X/snapshots?key=a",
    ],
)
async def test_an_unknown_read_model_is_not_found(api: httpx2.AsyncClient, path: str) -> None:
    assert_problem(await api.get(path), 404, "There is no read model 'X'.")


@pytest.mark.parametrize(
    "query",
    [{"page": -1}, {"page": 2**31}, {"page_size": 0}, {"page_size": 501}],
)
async def test_a_page_out_of_bounds_is_refused(api: httpx2.AsyncClient, query: dict[str, Any]) -> None:
    assert_problem(await api.get(f"{BALANCES}/instances", params=query), 422, "not as it should be")


async def test_snapshots_have_the_events_that_led_there(api: httpx2.AsyncClient, script: Script) -> None:
    lo, hi = guid_halves(UUID(int=7))
    event = pb.AppendedEvent(
        Content='{"amount":1.10,"id":12345678901234567890}',
        Context=pb.EventContext(
            SequenceNumber=4, EventType=pb.EventType(Id="deposited", Generation=1), EventSourceId="a"
        ),
    )
    snapshot = pb.ReadModelSnapshot(
        ReadModel='{"amount":1}',
        Occurred=pb.SerializableDateTimeOffset(Value="2024-01-15T12:30:00.0000000+00:00"),
        CorrelationId=Guid(lo=lo, hi=hi),
        Events=[event],
    )
    script.script({"ReadModels/GetSnapshotsByKey": pb.GetSnapshotsByKeyResponse(Snapshots=[snapshot])})
    (found,) = (await api.get(f"{BALANCES}/snapshots", params={"key": "a"})).json()
    assert (found["instance"], found["occurred"]) == ({"amount": 1}, "2024-01-15T12:30:00Z")
    assert found["correlation_id"] == str(UUID(int=7))
    assert [one["sequence_number"] for one in found["events"]] == [4]
    assert found["events"][0]["content"] == {"amount": 1.1, "id": "12345678901234567890"}
    assert script.asked("ReadModels/GetSnapshotsByKey") == pb.GetSnapshotsByKeyRequest(
        EventStore="bank",
        Namespace="Default",
        ReadModelIdentifier="Balance",
        EventSequenceId="event-log",
        ReadModelKey="a",
    )


async def test_what_no_event_went_into_has_no_last_one(api: httpx2.AsyncClient, script: Script) -> None:
    answer = pb.GetInstanceByKeyResponse(ReadModel="{}", LastHandledEventSequenceNumber=UNAVAILABLE)
    script.script({"ReadModels/GetInstanceByKey": answer})
    found = (await api.get(f"{BALANCES}/instance", params={"key": "a", "event_sequence_id": "cash"})).json()
    assert (found["instance"], found["last_handled_sequence_number"]) == ({}, None)
    assert script.asked("ReadModels/GetInstanceByKey").EventSequenceId == "cash"
