"""Whatever is sent to the admin API: never a crash, and never an answer that OpenAPI does not declare."""

import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chronicle import ChronicleOptions
from chronicle_fastapi import Chronicle
from chronicle_fastapi.admin.router import create_admin_router
from tests.waiting import PATIENCE
from tests.web.bank import ARTIFACTS

EXAMPLES: Final = 5
"""For each operation, known or not, and each kind of input: the whole takes about half a minute."""

KNOWN: Final = {
    "event_store": "bank",
    "namespace": "Default",
    "sequence_id": "system",
    "sequence_number": 0,
    "event_type_id": "deposited",
    "read_model_id": "Balance",
    "observer_id": "tests.web.bank.BalanceReducer",
}
"""What is there, for path parameters: arbitrary ones get no further than 404."""

CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


async def anybody() -> None:
    """Lets everybody in: behind a closed door there is nothing to try."""


OPTIONS: Final = ChronicleOptions(connection_string="chronicle+embedded://:memory:")
APP: Final = FastAPI(lifespan=Chronicle("bank", ARTIFACTS, options=OPTIONS).lifespan)
APP.include_router(create_admin_router(access=anybody, page=False, private_webhooks=True))
FOUND: Final = list(schemathesis.openapi.from_dict(APP.openapi()).get_all_operations())
OPERATIONS: Final = [found.ok() for found in FOUND if isinstance(found, Ok)]


class Server(uvicorn.Server):
    """Tells when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_begun = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_begun.set()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the admin API is served, on a kernel in memory."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(uvicorn.Config(APP, ws="none", log_level="error"))
        thread = threading.Thread(target=server.run, args=([listener],), name="the served admin API")
        thread.start()
        assert server.has_begun.wait(PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_the_document_can_be_understood_as_a_whole() -> None:
    assert len(OPERATIONS) == len(FOUND) >= 50


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_no_input_makes_an_operation_fail_or_answer_what_is_not_declared(
    operation: Any, address: str
) -> None:
    known = {
        parameter.name: KNOWN[parameter.name]
        for parameter in operation.path_parameters
        if parameter.name in KNOWN
    }
    cases = [
        operation.as_strategy(mode, path_parameters=places)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for places in (known or None, None)
    ]

    @settings(
        max_examples=EXAMPLES * len(cases),
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(cases))
    def try_it(case: Any) -> None:
        response = case.call(base_url=address)
        assert response.status_code != 500, case.as_curl_command()
        case.validate_response(response, checks=CHECKS)

    try_it()
