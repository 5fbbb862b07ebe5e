"""Observers and failed partitions over the admin API."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import observation_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import UNAVAILABLE, guid_halves
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem

NAMESPACE = "event-stores/bank/namespaces/Default"
BALANCES = f"{NAMESPACE}/observers/balances"
PLACE = {"EventStore": "bank", "Namespace": "Default", "ObserverId": "balances", "EventSequenceId": "cash"}
FAILURE = UUID("00112233-4455-6677-8899-aabbccddeeff")


@pytest.fixture(autouse=True)
def observers(script: Script) -> None:
    listed = pb.ObserverInformation(
        Id="balances",
        EventSequenceId="cash",
        Type=pb.OBSERVER_TYPE_Reducer,
        Owner=pb.OBSERVER_OWNER_Client,
        EventTypes=[pb.EventType(Id="deposited", Generation=2)],
        NextEventSequenceNumber=7,
        LastHandledEventSequenceNumber=6,
        RunningState=pb.OBSERVER_RUNNING_STATE_Replaying,
        TailEventSequenceNumber=9,
        HandledEventCount=2**40,
    )
    idle = pb.ObserverInformation(
        Id="$system.Webhooks",
        EventSequenceId="system",
        LastHandledEventSequenceNumber=UNAVAILABLE,
        TailEventSequenceNumber=UNAVAILABLE,
        IsReplayable=False,
    )
    now = pb.ObserverInformation(IsSubscribed=True)
    now.MergeFrom(listed)
    now.ClearField("EventTypes")
    lo, hi = guid_halves(FAILURE)
    failed = pb.FailedPartition(
        Id=Guid(lo=lo, hi=hi),
        ObserverId="balances",
        Partition="a/1",
        Attempts=[
            pb.FailedPartitionAttempt(
                Occurred=pb.SerializableDateTimeOffset(Value="2024-01-15T12:30:00.0000000+00:00"),
                SequenceNumber=3,
                Messages=["cannot divide"],
                StackTrace="at Y",
            ),
            pb.FailedPartitionAttempt(SequenceNumber=UNAVAILABLE),
        ],
    )
    client = pb.ConnectedClient(ConnectionId="c1", Version="1.2", ClientType="Kotlin", ProcessId=7)
    script.script(
        {
            "Observers/GetObservers": pb.IEnumerable_ObserverInformation(items=[listed, idle]),
            "Observers/GetObserverInformation": now,
            "Observers/GetConnectedClientsForObserver": pb.IEnumerable_ConnectedClient(items=[client]),
            "Observers/Replay": pb.ReplayResponse(JobId=str(FAILURE)),
            "Observers/ReplayPartition": Empty(),
            "Observers/RetryPartition": Empty(),
            "Observers/ClearObserverQuarantine": Empty(),
            "FailedPartitions/GetFailedPartitions": pb.IEnumerable_FailedPartition(items=[failed]),
        }
    )


async def test_observers_are_listed_by_id(api: httpx2.AsyncClient, script: Script) -> None:
    idle, balances = (await api.get(f"{NAMESPACE}/observers")).json()
    assert balances == {
        "id": "balances",
        "event_sequence_id": "cash",
        "type": "reducer",
        "owner": "client",
        "state": "replaying",
        "event_types": [{"id": "deposited", "generation": 2}],
        "next_sequence_number": 7,
        "last_handled_sequence_number": 6,
        "tail_sequence_number": 9,
        "behind": 3,
        "handled_count": 2**40,
        "is_replayable": True,
    }
    assert (idle["id"], idle["state"], idle["is_replayable"]) == ("$system.Webhooks", "unknown", False)
    assert (idle["last_handled_sequence_number"], idle["tail_sequence_number"], idle["behind"]) == (
        None,
        None,
        0,
    )
    assert script.asked("Observers/GetObservers") == pb.AllObserversRequest(
        EventStore="bank", Namespace="Default"
    )


async def test_one_observer_says_whether_it_is_subscribed_and_keeps_its_event_types(
    api: httpx2.AsyncClient, script: Script
) -> None:
    found = (await api.get(BALANCES)).json()
    assert found["is_subscribed"] is True
    assert found["event_types"] == [{"id": "deposited", "generation": 2}], "the kernel forgot them"
    assert script.asked("Observers/GetObserverInformation") == pb.GetObserverInformationRequest(**PLACE)


async def test_the_clients_of_an_observer_are_listed(api: httpx2.AsyncClient, script: Script) -> None:
    (client,) = (await api.get(f"{BALANCES}/clients")).json()
    assert (client["connection_id"], client["client_type"], client["process_id"]) == ("c1", "Kotlin", 7)
    assert client["last_seen"] is None
    request = script.asked("Observers/GetConnectedClientsForObserver")
    assert request == pb.GetConnectedClientsForObserverRequest(**PLACE)


@pytest.mark.parametrize(
    ("answered", "job_id"),
    [(str(FAILURE), str(FAILURE)), ("00000000-0000-0000-0000-000000000000", None), ("", None)],
)
async def test_a_replay_names_its_job_or_none(
    api: httpx2.AsyncClient, script: Script, answered: str, job_id: str | None
) -> None:
    script.script({"Observers/Replay": pb.ReplayResponse(JobId=answered)})
    response = await api.post(f"{BALANCES}/replay")
    assert (response.status_code, response.json()) == (202, {"job_id": job_id})
    assert script.asked("Observers/Replay") == pb.Replay(**PLACE)


@pytest.mark.parametrize(
    ("path", "call", "request_type", "status"),
    [
        ("replay-partition", "Observers/ReplayPartition", pb.ReplayPartition, 202),
        ("retry-partition", "Observers/RetryPartition", pb.RetryPartition, 202),
    ],
)
async def test_a_partition_is_replayed_and_retried(
    api: httpx2.AsyncClient, script: Script, path: str, call: str, request_type: Any, status: int
) -> None:
    response = await api.post(f"{BALANCES}/{path}", json={"partition": "a/1"})
    assert (response.status_code, response.content) == (status, b"")
    assert script.asked(call) == request_type(**PLACE, Partition="a/1")


async def test_a_quarantine_is_cleared(api: httpx2.AsyncClient, script: Script) -> None:
    assert (await api.post(f"{BALANCES}/clear-quarantine")).status_code == 204
    assert script.asked("Observers/ClearObserverQuarantine") == pb.ClearObserverQuarantine(**PLACE)


@pytest.mark.parametrize(("path", "body"), [("replay", None), ("replay-partition", {"partition": "a"})])
async def test_what_is_not_replayable_is_not_replayed(
    api: httpx2.AsyncClient, script: Script, path: str, body: Any
) -> None:
    response = await api.post(f"{NAMESPACE}/observers/$system.Webhooks/{path}", json=body)
    assert_problem(response, 409, "never replayed")
    assert {name for name, _ in script.requests} == {"Observers/GetObservers"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/clients", None),
        ("POST", "/replay", None),
        ("POST", "/replay-partition", {"partition": "a/1"}),
        ("POST", "/retry-partition", {"partition": "a/1"}),
        ("POST", "/clear-quarantine", None),
    ],
)
async def test_an_unknown_observer_is_not_found(
    api: httpx2.AsyncClient, script: Script, method: str, path: str, body: Any
) -> None:
    response = await api.request(method, f"{NAMESPACE}/observers/x{path}", json=body)
    assert_problem(response, 404, "There is no observer 'x'.")
    assert {name for name, _ in script.requests} == {"Observers/GetObservers"}


async def test_a_partition_that_has_not_failed_is_not_retried(
    api: httpx2.AsyncClient, script: Script
) -> None:
    response = await api.post(f"{BALANCES}/retry-partition", json={"partition": "b"})
    assert_problem(response, 404, "There is no failed partition of the observer 'balances'")
    assert not script.was_asked("Observers/RetryPartition")


async def test_failed_partitions_have_their_attempts(api: httpx2.AsyncClient, script: Script) -> None:
    assert (await api.get(f"{NAMESPACE}/failed-partitions")).json() == [
        {
            "id": str(FAILURE),
            "observer_id": "balances",
            "partition": "a/1",
            "attempts": [
                {
                    "occurred": "2024-01-15T12:30:00Z",
                    "sequence_number": 3,
                    "messages": ["cannot divide"],
                    "stack_trace": "at Y",
                },
                {"occurred": None, "sequence_number": None, "messages": [], "stack_trace": ""},
            ],
        }
    ]
    request = script.asked("FailedPartitions/GetFailedPartitions")
    assert request == pb.GetFailedPartitionsRequest(EventStore="bank", Namespace="Default")


async def test_failed_partitions_of_one_observer_are_asked_for(
    api: httpx2.AsyncClient, script: Script
) -> None:
    await api.get(f"{NAMESPACE}/failed-partitions", params={"observer_id": "balances"})
    assert script.asked("FailedPartitions/GetFailedPartitions").ObserverId == "balances"
