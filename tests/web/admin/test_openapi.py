"""The OpenAPI document: what generated clients are made from."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from chronicle_fastapi.admin.router import create_admin_router
from tools.export_openapi import TARGET, admin_api

OPERATION_ID = re.compile(r"chronicle_[a-z_]+")


@pytest.fixture(scope="module")
def document(routes: FastAPI) -> dict[str, Any]:
    return routes.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_operation_ids_are_words_and_each_is_there_once(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) >= 50
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not OPERATION_ID.fullmatch(one)] == []


def test_operation_ids_and_tags_do_not_depend_on_the_prefix(document: dict[str, Any]) -> None:
    app = FastAPI()
    app.include_router(
        create_admin_router(prefix="/elsewhere", tags=["inside"], page=False), prefix="/deeper"
    )
    moved = dict(operations(app.openapi()))
    assert [operation["operationId"] for operation in moved.values()] == [
        operation["operationId"] for _, operation in operations(document)
    ]
    assert all(name.split()[1].startswith("/deeper/elsewhere/api/") for name in moved)
    assert {operation["tags"][0] for operation in moved.values()} == {"inside"}
    assert {len(operation["tags"]) for operation in moved.values()} == {2}


def test_every_operation_has_a_sentence_a_tag_and_its_problems(document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/ChronicleProblem"}
    for name, operation in operations(document):
        assert operation["description"].endswith("."), name
        assert [tag.startswith("Chronicle ") for tag in operation["tags"]] == [True], name
        statuses = set(operation["responses"])
        assert statuses >= {"401", "403", "404", "422", "501", "502", "503", "504"}, name
        for status in statuses - {"200", "201", "202", "204"}:
            content = operation["responses"][status]["content"]
            assert content["application/problem+json"]["schema"] == problem, (name, status)


def test_every_operation_asks_for_the_token(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    for name, operation in operations(document):
        assert [list(one) for one in operation["security"]] == [list(schemes)], name


def test_no_model_takes_a_name_that_an_application_is_likely_to_have(document: dict[str, Any]) -> None:
    # FastAPI would rename the application's model as well.
    names = set(document["components"]["schemas"])
    common = {"Event", "EventStore", "Namespace", "Job", "Observer", "Webhook", "Identity", "Page", "Problem"}
    assert names & common == set()


def test_the_exported_document_is_that_of_the_code() -> None:
    assert json.loads(TARGET.read_text("utf-8")) == admin_api(), "run 'make openapi'"
