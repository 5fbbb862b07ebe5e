"""The namespace that a request is about."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from chronicle import ChronicleOptions, ConfigurationError, EventStore
from chronicle_fastapi import (
    Chronicle,
    ClaimNamespace,
    EventLogDep,
    EventStoreDep,
    NamespaceResolver,
    PathNamespace,
    ProblemError,
    ReadModelsDep,
    RequestOptions,
    SubdomainNamespace,
    UnitOfWorkDep,
)
from tests.waiting import eventually
from tests.web.asgi import serving
from tests.web.bank import ARTIFACTS, Balance, Deposited
from tests.web.principals import Authenticated, Principal

TENANT = "x-cratis-tenant-id"


async def namespace_of(store: EventStoreDep) -> str:
    return store.namespace


def application(options: ChronicleOptions, **requests: Any) -> FastAPI:
    chronicle = Chronicle("bank", ARTIFACTS, options=options, requests=RequestOptions(**requests))
    app = FastAPI(lifespan=chronicle.lifespan)
    app.get("/namespace")(namespace_of)
    app.get("/{tenant}/namespace")(namespace_of)
    return app


async def found(app: FastAPI, path: str = "/namespace", **headers: str) -> Any:
    async with serving(app) as client:
        response = await client.get(path, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.mark.row("S141")
@pytest.mark.parametrize("header", [TENANT, TENANT.upper()])
async def test_the_header_names_it(header: str, options: ChronicleOptions) -> None:
    assert await found(application(options), **{header: "acme"}) == "acme"


@pytest.mark.row("S142", "S206")
@pytest.mark.parametrize("headers", [{}, {TENANT: ""}, {TENANT: "  "}], ids=["absent", "empty", "blank"])
async def test_without_the_header_or_with_a_blank_one_it_is_the_default(
    headers: dict[str, str], options: ChronicleOptions
) -> None:
    assert await found(application(options), **headers) == "Default"


async def test_the_default_is_the_namespace_of_the_chronicle(options: ChronicleOptions) -> None:
    chronicle = Chronicle("bank", ARTIFACTS, options=options, namespace="main")
    app = FastAPI(lifespan=chronicle.lifespan)

    @app.get("/")
    async def endpoint(store: EventStoreDep) -> bool:
        return store is chronicle.store and store.namespace == "main"

    assert await found(app, "/") is True


@pytest.mark.row("S207")
async def test_a_header_that_is_sent_twice_is_a_bad_request(options: ChronicleOptions) -> None:
    async with serving(application(options)) as client:
        response = await client.get("/namespace", headers=[(TENANT, "acme"), (TENANT, "acme")])
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert response.json()["type"] == "urn:chronicle:namespace-refused"


@pytest.mark.parametrize("name", ["a/b", "a b", "$x", "x" * 65, "[NotSet]", "caf\u00e9"])
async def test_what_is_no_name_is_a_bad_request_and_opens_nothing(
    name: str, options: ChronicleOptions
) -> None:
    app = application(options)

    @app.get("/all")
    async def all_namespaces(store: EventStoreDep) -> list[str]:
        return await store.namespaces.all()

    async with serving(app) as client:
        response = await client.get("/namespace", headers=[(TENANT.encode(), name.encode())])
        assert response.status_code == 400
        assert (await client.get("/all")).json() == ["Default"]


@pytest.mark.row("S143")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("acme.example.com", "acme"),
        ("ACME.example.com:8000", "acme"),
        ("example.com", "Default"),
        ("www.example.com", "Default"),
        ("localhost", "Default"),
        ("192.168.1.10", "Default"),
        ("[::1]:8000", "Default"),
    ],
)
async def test_the_subdomain_names_it(host: str, expected: str, options: ChronicleOptions) -> None:
    assert await found(application(options, namespace=SubdomainNamespace()), host=host) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("acme.bank.co.uk", "acme"), ("bank.co.uk", "Default"), ("acme.other.co.uk", "Default")],
)
async def test_below_a_domain_that_was_named(host: str, expected: str, options: ChronicleOptions) -> None:
    resolver = SubdomainNamespace("bank.co.uk")
    assert await found(application(options, namespace=resolver), host=host) == expected


@pytest.mark.row("S213")
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (Principal({"tenant_id": "acme"}), "acme"),
        (Principal({"sub": "alice"}), "Default"),
        (Principal({"tenant_id": "acme"}, is_authenticated=False), "Default"),
        (None, "Default"),
    ],
    ids=["claim", "no claim", "not authenticated", "nobody"],
)
async def test_a_claim_names_it(user: object, expected: str, options: ChronicleOptions) -> None:
    app = application(options, namespace=ClaimNamespace())
    app.add_middleware(Authenticated, user=user)
    assert await found(app, **{TENANT: "not-asked"}) == expected


async def test_a_parameter_of_the_path_names_it(options: ChronicleOptions) -> None:
    app = application(options, namespace=PathNamespace("tenant"))
    assert await found(app, "/acme/namespace") == "acme"
    assert await found(app) == "Default"


async def from_database(connection: HTTPConnection) -> str | None:
    return connection.headers.get("x-customer")


def from_nowhere(connection: HTTPConnection) -> str | None:
    return None


@pytest.mark.parametrize(("resolver", "expected"), [(from_database, "acme"), (from_nowhere, "Default")])
async def test_any_function_may_name_it(
    resolver: NamespaceResolver, expected: str, options: ChronicleOptions
) -> None:
    assert await found(application(options, namespace=resolver), **{"x-customer": "acme"}) == expected


async def test_a_function_that_refuses_is_answered_as_it_says(options: ChronicleOptions) -> None:
    def refuse(connection: HTTPConnection) -> str:
        raise ProblemError(402, detail="This tenant has not paid.")

    async with serving(application(options, namespace=refuse)) as client:
        assert (await client.get("/namespace")).status_code == 402


@pytest.mark.row("S145")
@pytest.mark.parametrize("wrong", [None, 42, SubdomainNamespace], ids=["nothing", "number", "class"])
def test_what_is_no_resolver_is_refused_and_named(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"(NoneType|int|SubdomainNamespace) resolves no namespace"):
        RequestOptions(namespace=wrong)


async def test_only_namespaces_that_are_allowed_can_be_asked_for(options: ChronicleOptions) -> None:
    app = application(options, allowed_namespaces={"acme"})
    async with serving(app) as client:
        acme, other, default = [
            await client.get("/namespace", headers=headers)
            for headers in ({TENANT: "acme"}, {TENANT: "other"}, {})
        ]
    assert (acme.json(), default.json()) == ("acme", "Default")
    assert (other.status_code, other.json()["type"]) == (403, "urn:chronicle:namespace-refused")


async def test_all_providers_are_about_it_and_tenants_see_nothing_of_each_other(
    options: ChronicleOptions,
) -> None:
    app = application(options)

    @app.post("/deposits/{account_id}")
    async def deposit(account_id: str, unit_of_work: UnitOfWorkDep, event_log: EventLogDep) -> None:
        unit_of_work.append(account_id, Deposited(amount=10))
        await event_log.append(account_id, Deposited(amount=1))

    @app.get("/balances/{account_id}")
    async def balance(account_id: str, read_models: ReadModelsDep) -> Balance | None:
        return await read_models.get(Balance, account_id)

    @app.get("/tail")
    async def tail(event_log: EventLogDep) -> int | None:
        return await event_log.tail()

    async with serving(app) as client:
        for _ in range(2):
            (await client.post("/deposits/a", headers={TENANT: "acme"})).raise_for_status()

        async def is_reduced() -> bool:
            answer = await client.get("/balances/a", headers={TENANT: "acme"})
            return bool(answer.json() == {"amount": 22})

        await eventually(is_reduced)
        assert (await client.get("/tail", headers={TENANT: "acme"})).json() == 3
        assert (await client.get("/tail")).json() is None
        assert (await client.get("/balances/a", headers={TENANT: "other"})).json() is None


async def test_a_request_looks_it_up_once(options: ChronicleOptions) -> None:
    asked: list[str] = []

    def resolver(connection: HTTPConnection) -> str:
        asked.append(connection.url.path)
        return "acme"

    app = application(options, namespace=resolver)

    async def first(store: EventStoreDep) -> EventStore:
        return store

    @app.get("/several")
    async def several(event_log: EventLogDep, read_models: ReadModelsDep, unit: UnitOfWorkDep) -> None: ...

    app.get("/chained", dependencies=[Depends(first)])(namespace_of)
    async with serving(app) as client:
        await client.get("/several")
        await client.get("/chained")
    assert asked == ["/several", "/chained"]
