"""What is left of a redacted event, as it is read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from chronicle import Artifacts, reactor
from chronicle.context import Causation
from chronicle.events.event_redacted import EventRedacted
from chronicle.events.event_types import EventTypes
from chronicle.registration import register_event_types_request
from chronicle.serialization import Serializer
from chronicle.serialization.naming import NamingPolicy, as_declared, camel_case

CONTENT = """{
    "reason": "gone", "originalEventType": "account-opened", "occurred": "2020-01-02T03:04:05.1234567+00:00",
    "correlationId": "00000000-0000-0000-0000-000000000007",
    "causation": [
        {"occurred": "2020-01-02T03:04:05.0000000+00:00", "type": "Root", "properties": {"a": "b"}}
    ],
    "causedBy": ["00000000-0000-0000-0000-000000000001"]
}"""


def pascal_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@pytest.mark.parametrize("naming", [camel_case, as_declared, pascal_case])
def test_it_is_read_whatever_names_the_application_gives(naming: NamingPolicy) -> None:
    assert Serializer(naming).from_json(EventRedacted, CONTENT) == EventRedacted(
        reason="gone",
        original_event_type="account-opened",
        occurred=datetime(2020, 1, 2, 3, 4, 5, 123456, UTC),
        correlation_id=UUID(int=7),
        causation=(Causation("Root", {"a": "b"}, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),),
        caused_by=(UUID(int=1),),
    )


def test_what_the_real_kernel_leaves_out_is_empty() -> None:
    content = (
        '{"reason": "gone", "originalEventType": "x", "occurred": "2020-01-02T03:04:05Z", '
        '"correlationId": "00000000-0000-0000-0000-000000000007", '
        '"causation": [{"occurred": "2020-01-02T03:04:05Z", "type": "Root"}]}'
    )
    redacted = Serializer().from_json(EventRedacted, content)
    assert (redacted.caused_by, redacted.causation[0].properties) == ((), {})


def test_an_application_that_handles_it_does_not_register_it() -> None:
    @reactor(id="watch")
    class Watch:
        def redacted(self, event: EventRedacted) -> None: ...

    artifacts = Artifacts(reactors=[Watch])
    assert artifacts.event_types == (EventRedacted,)
    assert not register_event_types_request(EventTypes(artifacts.event_types), "bank").Types
