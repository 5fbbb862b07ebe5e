"""Event sequences over the admin API: browsing, following, one event, redacting."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
from google.protobuf.message import Message

from chronicle import EventLog, correlation
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.values import UNAVAILABLE
from chronicle_fastapi import Chronicle
from tests.waiting import eventually
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem
from tests.web.bank import Deposited

SEQUENCES = "event-stores/bank/namespaces/Default/sequences"
EVENTS = f"{SEQUENCES}/event-log/events"


@pytest.fixture
async def log(api: httpx2.AsyncClient, chronicle: Chronicle) -> EventLog:
    """The event log, with three deposits: two on account a/1, one on b."""
    log = chronicle.store.event_log
    await log.append("a/1", Deposited(amount=1), tags=["cash"])
    await log.append("b", Deposited(amount=2))
    await log.append("a/1", Deposited(amount=2**53))
    return log


async def page(api: httpx2.AsyncClient, **query: Any) -> tuple[list[int], int]:
    response = await api.get(EVENTS, params=query)
    assert response.status_code == 200, response.text
    body = response.json()
    return [event["sequence_number"] for event in body["events"]], body["total_count"]


async def test_sequences_are_listed_with_their_tails(api: httpx2.AsyncClient, log: EventLog) -> None:
    response = await api.get(SEQUENCES)
    assert response.status_code == 200
    tails = {one["id"]: one["tail"] for one in response.json()}
    assert tails["event-log"] == 2
    assert tails["outbox"] is None, "an empty sequence has no tail, and no number that stands for none"
    assert (await api.get(f"{SEQUENCES}/event-log")).json() == {"id": "event-log", "tail": 2}


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("query", "numbers", "total"),
    [
        ({}, [0, 1, 2], 3),
        ({"descending": "true"}, [2, 1, 0], 3),
        ({"skip": 1, "take": 1}, [1], 3),
        ({"skip": 3}, [], 3),
        ({"event_source_id": "a/1"}, [0, 2], 2),
        ({"event_type": ["deposited", "other"]}, [0, 1, 2], 3),
        ({"event_type": "other"}, [], 0),
        ({"tag": ["cash", "card"]}, [0], 1),
        ({"event_source_type": "Default"}, [0, 1, 2], 3),
        ({"event_stream_type": "Other"}, [], 0),
        ({"sort_by": "event_source_id", "descending": "true", "take": 1}, [1], 3),
        ({"correlation_id": str(UUID(int=7))}, [], 0),
    ],
)
async def test_events_are_filtered_sorted_and_paged(
    api: httpx2.AsyncClient, query: dict[str, Any], numbers: Sequence[int], total: int
) -> None:
    assert await page(api, **query) == (numbers, total)


async def test_events_of_one_correlation_are_found(api: httpx2.AsyncClient, log: EventLog) -> None:
    with correlation(UUID(int=7)):
        await log.append("c", Deposited(amount=3))
    assert await page(api, correlation_id=str(UUID(int=7))) == ([3], 1)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "query",
    [
        {"skip": -1},
        {"skip": 2**31},
        {"take": 0},
        {"take": 501},
        {"take": "many"},
        {"sort_by": "hash"},
        {"correlation_id": "x"},
        {"nonsense": 1},
    ],
)
async def test_a_query_out_of_bounds_is_refused(api: httpx2.AsyncClient, query: dict[str, Any]) -> None:
    response = await api.get(EVENTS, params=query)
    assert_problem(response, 422, "not as it should be")
    assert response.json()["errors"][0]["location"] == ["query", next(iter(query))]


async def test_an_event_has_everything_that_the_kernel_keeps(api: httpx2.AsyncClient, log: EventLog) -> None:
    response = await api.get(f"{EVENTS}/0")
    assert response.status_code == 200
    event = response.json()
    (stored,) = await log.events_from(0, to=0)
    context = stored.context
    assert event["sequence_number"] == 0
    assert (event["event_type"], event["generation"]) == ("deposited", 1)
    assert event["event_source_id"] == "a/1"
    assert (event["event_source_type"], event["event_stream_type"], event["event_stream_id"]) == (
        "Default",
        "All",
        "Default",
    )
    assert event["correlation_id"] == str(context.correlation_id)
    assert event["occurred"] == context.occurred.isoformat().replace("+00:00", "Z")
    assert [link["type"] for link in event["causation"]] == ["Root", "PythonClient.Append"]
    assert event["causation"][1]["properties"] == {"eventType": "deposited"}
    assert event["caused_by"]["name"] == context.caused_by.name
    assert event["tags"] == ["cash"]
    assert event["hash"] == context.hash
    assert event["content"] == {"amount": 1}
    assert event["content_of_generations"] == {"1": {"amount": 1}}
    assert (event["original_content"], event["revisions"], event["is_redacted"]) == (None, [], False)


@pytest.mark.usefixtures("log")
async def test_a_number_that_javascript_would_change_is_a_string(api: httpx2.AsyncClient) -> None:
    event = (await api.get(f"{EVENTS}/2")).json()
    assert event["content"] == {"amount": str(2**53)}


async def test_a_revised_event_has_what_it_said_before(api: httpx2.AsyncClient, log: EventLog) -> None:
    await log.revise(1, Deposited(amount=20))

    async def revised() -> bool:
        return bool((await api.get(f"{EVENTS}/1")).json()["revisions"])

    await eventually(revised)
    event = (await api.get(f"{EVENTS}/1")).json()
    assert event["content"] == {"amount": 20}
    assert event["original_content"] == {"amount": 2}
    assert [one["content"] for one in event["revisions"]] == [{"amount": 20}]


@pytest.mark.usefixtures("log")
async def test_events_are_followed_in_order_from_where_one_was(api: httpx2.AsyncClient) -> None:
    first = (await api.get(f"{SEQUENCES}/event-log/tail", params={"take": 2})).json()
    assert [event["sequence_number"] for event in first["events"]] == [0, 1]
    assert (first["tail"], first["last_read"]) == (2, 1)
    rest = (await api.get(f"{SEQUENCES}/event-log/tail", params={"after": first["last_read"]})).json()
    assert [event["sequence_number"] for event in rest["events"]] == [2]
    end = (await api.get(f"{SEQUENCES}/event-log/tail", params={"after": 2})).json()
    assert end == {"events": [], "tail": 2, "last_read": 2}


async def test_an_empty_sequence_is_followed_from_nowhere(api: httpx2.AsyncClient) -> None:
    response = await api.get(f"{SEQUENCES}/outbox/tail")
    assert response.json() == {"events": [], "tail": None, "last_read": None}


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{EVENTS}/3", "There is no event in the event sequence 'event-log' with the number '3'."),
        (f"{EVENTS}/{2**53 - 1}", "with the number '9007199254740991'"),
        (f"{SEQUENCES}/unheard-of/events", "There is no event sequence 'unheard-of'."),
        (f"{SEQUENCES}/unheard-of/tail", "There is no event sequence 'unheard-of'."),
        (f"{SEQUENCES}/unheard-of", "There is no event sequence 'unheard-of'."),
    ],
)
async def test_what_is_unknown_is_not_found(api: httpx2.AsyncClient, path: str, text: str) -> None:
    assert_problem(await api.get(path), 404, text)


@pytest.mark.parametrize("number", ["-1", str(UNAVAILABLE), str(2**53), "x", "1.5"])
async def test_what_is_no_number_of_an_event_is_refused(api: httpx2.AsyncClient, number: str) -> None:
    assert_problem(await api.get(f"{EVENTS}/{number}"), 422, "not as it should be")


@pytest.mark.usefixtures("log")
async def test_an_event_is_redacted(api: httpx2.AsyncClient) -> None:
    response = await api.post(f"{EVENTS}/1/redact", json={"reason": "asked for"})
    assert (response.status_code, response.content) == (202, b"")

    async def redacted() -> bool:
        return bool((await api.get(f"{EVENTS}/1")).json()["is_redacted"])

    await eventually(redacted)
    event = (await api.get(f"{EVENTS}/1")).json()
    assert event["event_type"] == "EventRedacted"
    assert event["content"]["reason"] == "asked for"


@pytest.mark.usefixtures("log")
async def test_the_events_of_a_source_are_redacted(api: httpx2.AsyncClient) -> None:
    response = await api.post(
        f"{SEQUENCES}/event-log/redact", json={"event_source_id": "a/1", "reason": "left"}
    )
    assert response.status_code == 202

    async def redacted() -> bool:
        events = (await api.get(EVENTS)).json()["events"]
        return [event["is_redacted"] for event in events] == [True, False, True]

    await eventually(redacted)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{EVENTS}/9/redact", {"reason": "x"}),
        (f"{SEQUENCES}/event-log/redact", {"event_source_id": "nobody", "reason": "x"}),
    ],
)
async def test_redacting_what_is_not_there_asks_nothing_of_the_kernel(
    api: httpx2.AsyncClient, path: str, body: dict[str, str]
) -> None:
    asked_before = (await api.get(f"{SEQUENCES}/system")).json()
    assert_problem(await api.post(path, json=body), 404, "There is no event")
    assert (await api.get(f"{SEQUENCES}/system")).json() == asked_before


async def test_content_that_is_no_json_is_shown_as_it_is(api: httpx2.AsyncClient, script: Script) -> None:
    broken = pb.AppendedEvent(Content='{"a": 1', Context=pb.EventContext(SequenceNumber=0))
    answer: Message = pb.GetFromEventSequenceNumberResponse(Events=[broken])
    script.script({"EventSequences/GetEventsFromEventSequenceNumber": answer})
    event = (await api.get(f"{EVENTS}/0")).json()
    assert event["content"] == '{"a": 1'
    assert event["occurred"] is None, "a moment that was left out is none"
