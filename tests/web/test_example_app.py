"""The example application, in process; test_example_walk.py starts it as the README says."""

import asyncio
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.waiting import eventually
from tests.web.asgi import serving
from tests.web.sse import browsing

TOKEN = "a-token-for-the-tests"


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx2.AsyncClient]:
    from example_app.main import app

    monkeypatch.setenv("CHRONICLE_CONNECTION_STRING", f"chronicle+embedded:///{tmp_path / 'bank.db'}")
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    async with serving(app) as client:
        yield client


async def register(client: httpx2.AsyncClient, number: str, email: str = "alice@example.org") -> None:
    customer = {"customer_id": number, "name": "Alice", "email": email}
    (await client.post("/customers", json=customer)).raise_for_status()


async def open_account(client: httpx2.AsyncClient, number: str, initial_balance: str = "0") -> None:
    """Opens an account for a customer of the same number."""
    owner = number.replace("a", "c")
    await register(client, owner, f"{owner}@example.org")
    account = {"account_id": number, "owner": owner, "initial_balance": initial_balance}
    (await client.post("/accounts", json=account)).raise_for_status()


async def deposit(client: httpx2.AsyncClient, number: str, amount: str, **headers: str) -> httpx2.Response:
    return await client.post(f"/accounts/{number}/deposits", json={"amount": amount}, headers=headers)


async def withdraw(client: httpx2.AsyncClient, number: str, amount: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/accounts/{number}/withdrawals", json={"amount": amount}, headers=named)


async def statement_of(client: httpx2.AsyncClient, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        (await client.get(f"/accounts/{number}/statement")).raise_for_status().json()
    )
    return found


async def balance_in(client: httpx2.AsyncClient, number: str) -> Decimal:
    return Decimal((await statement_of(client, number))[-1]["balance"])


async def test_the_balance_contains_an_event_once_its_number_is_the_etag(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1", "1000")
    deposited = await deposit(client, "a-1", "250.50")
    assert deposited.status_code == 201
    etag = f'"{deposited.json()["sequence_number"]}"'

    async def account() -> httpx2.Response:
        return await client.get("/accounts/a-1")

    answer = await eventually(account, lambda answer: answer.headers.get("etag") == etag)
    assert answer.json() == {"id": "a-1", "owner": "c-1", "balance": "1250.50"}


async def test_an_account_is_opened_once_and_for_a_customer(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")
    again = await client.post("/accounts", json={"account_id": "a-1", "owner": "c-1"})
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    assert again.json()["detail"] == "This account is open already."
    nobodys = await client.post("/accounts", json={"account_id": "a-2", "owner": "c-404"})
    assert (nobodys.status_code, nobodys.json()["detail"]) == (404, "There is no customer 'c-404'.")


async def test_an_email_address_belongs_to_one_customer(client: httpx2.AsyncClient) -> None:
    await register(client, "c-1", "alice@example.org")
    other = {"customer_id": "c-2", "name": "Mallory", "email": "Alice@Example.org"}
    refused = await client.post("/customers", json=other)
    assert (refused.status_code, refused.json()["violations"][0]["constraint"]) == (409, "email")
    assert "Alice" not in refused.text


async def test_an_overdraft_is_refused(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1", "10")
    refused = await withdraw(client, "a-1", "10.01")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert (await withdraw(client, "a-1", "10")).status_code == 201
    assert await balance_in(client, "a-1") == 0


@pytest.mark.parametrize("headers", [{}, {"if_match": '"999999"'}], ids=["plain", "claiming the future"])
async def test_of_many_withdrawals_at_once_none_overdraws(
    headers: dict[str, str], client: httpx2.AsyncClient
) -> None:
    await open_account(client, "a-1", "30")
    answers = await asyncio.gather(*(withdraw(client, "a-1", "20", **headers) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert await balance_in(client, "a-1") == 10


async def test_a_withdrawal_can_depend_on_the_balance_that_was_seen(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1", "100")
    newest = (await statement_of(client, "a-1"))[-1]["sequence_number"]
    assert (await withdraw(client, "a-1", "10", if_match=f'"{newest}"')).status_code == 201
    assert (await withdraw(client, "a-1", "10", if_match=f'"{newest}"')).status_code == 412
    assert (await withdraw(client, "a-1", "10", if_none_match="*")).status_code == 412
    assert await balance_in(client, "a-1") == 90


async def test_a_transfer_happens_as_a_whole_or_not_at_all(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1", "100")
    await open_account(client, "a-2")
    transfer = {"from_account": "a-1", "to_account": "a-2", "amount": "60"}
    assert (await client.post("/transfers", json=transfer)).status_code == 204
    assert (await client.post("/transfers", json=transfer)).status_code == 409
    assert (await client.post("/transfers", json=transfer | {"to_account": "a-404"})).status_code == 404
    assert await balance_in(client, "a-1") == 40
    assert await balance_in(client, "a-2") == 60


async def test_the_reactor_tells_the_owner_of_what_came_in(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")
    await deposit(client, "a-1", "5")
    await deposit(client, "a-1", "5000")

    async def texts() -> list[str]:
        return [each["text"] for each in (await client.get("/accounts/a-1/notifications")).json()]

    assert await eventually(texts) == ["5000 were deposited to your account."]
    assert [entry["what"] for entry in await statement_of(client, "a-1")] == [
        "account-opened",
        "funds-deposited",
        "funds-deposited",
    ]


async def test_a_customer_is_welcomed_by_mail_and_the_output_tells_nothing_of_them(
    client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await register(client, "c-1")
    printed = ""

    async def output() -> str:
        nonlocal printed
        printed += capsys.readouterr().out
        return printed

    assert await eventually(output) == "A mail goes out.\n"


async def test_who_acted_is_in_the_statement(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")
    await deposit(client, "a-1", "5", **{"x-user": "teller-7"})
    assert [entry["by"] for entry in await statement_of(client, "a-1")] == ["[Not Set]", "teller-7"]


async def test_a_customer_who_is_forgotten_leaves_the_accounts_in_order(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1", "100")

    async def customer() -> httpx2.Response:
        return await client.get("/customers/c-1")

    known = await eventually(customer, lambda answer: answer.status_code == 200)
    assert known.json() == {"id": "c-1", "name": "Alice", "email": "c-1@example.org"}
    assert (await client.delete("/customers/c-1/personal-data")).status_code == 204
    assert (await customer()).json() == {"id": "c-1", "name": "", "email": ""}
    again = {"customer_id": "c-1", "name": "Alice", "email": "c-1@example.org"}
    assert (await client.post("/customers", json=again)).status_code == 409
    assert await balance_in(client, "a-1") == 100


async def test_a_browser_sees_the_balance_move(client: httpx2.AsyncClient) -> None:
    from example_app.main import app

    await open_account(client, "a-1", "100")
    async with browsing(app, "/accounts/a-1/live") as browser:
        assert (await browser.event()).data["model"]["balance"] == "100"
        await deposit(client, "a-1", "5")
        assert (await browser.event()).data["model"]["balance"] == "105"


async def test_branches_share_nothing_and_are_known(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")
    north = {"x-cratis-tenant-id": "north"}
    assert (await client.get("/accounts/a-1/statement", headers=north)).status_code == 404
    assert (await client.get("/accounts", headers={"x-cratis-tenant-id": "mars"})).status_code == 403


async def test_all_accounts_are_listed(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-2")
    await open_account(client, "a-1")

    async def listed() -> list[str]:
        return [account["id"] for account in (await client.get("/accounts")).json()]

    assert await eventually(listed, lambda ids: len(ids) == 2) == ["a-1", "a-2"]


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "1e30", "much"])
async def test_an_amount_that_is_none_is_refused(amount: str, client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")
    assert (await deposit(client, "a-1", amount)).status_code == 422


async def test_an_account_that_is_not_there_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/accounts/a-404")).status_code == 404
    assert (await client.get("/accounts/a-404/statement")).status_code == 404
    assert (await deposit(client, "a-404", "1")).status_code == 404
    assert (await withdraw(client, "a-404", "1")).status_code == 404


async def test_a_customer_who_is_not_there_cannot_be_forgotten(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/customers/c-404")).status_code == 404
    assert (await client.delete("/customers/c-404/personal-data")).status_code == 404
    await register(client, "c-404")


async def test_what_fastapi_refuses_is_a_problem_too(client: httpx2.AsyncClient) -> None:
    unreadable = await client.post(
        "/transfers", content=b"\xff", headers={"content-type": "application/json"}
    )
    nowhere = await client.get("/nowhere")
    assert [nowhere.json()["title"], nowhere.status_code] == ["Not Found", 404]
    assert {each.headers["content-type"] for each in (unreadable, nowhere)} == {"application/problem+json"}


async def test_an_account_that_was_seen_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    await open_account(client, "a-1")

    async def account() -> httpx2.Response:
        return await client.get("/accounts/a-1")

    seen = await eventually(account, lambda answer: answer.status_code == 200)
    again = await client.get("/accounts/a-1", headers={"if-none-match": seen.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_is_ready_and_its_admin_page_asks_for_the_token(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/health/ready")).json()["status"] == "ready"
    assert (await client.get("/chronicle/api/event-stores")).status_code == 401
    bearer = {"authorization": f"Bearer {TOKEN}"}
    stores = (await client.get("/chronicle/api/event-stores", headers=bearer)).raise_for_status().json()
    assert {"name": "bank"} in stores


async def test_its_api_is_described_with_the_problems_it_answers_with(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/docs")).status_code == 200
    paths = (await client.get("/openapi.json")).json()["paths"]
    responses = paths["/accounts/{account_id}/withdrawals"]["post"]["responses"]
    assert set(responses) == {"201", "400", "404", "409", "412", "422", "503"}
    assert "application/problem+json" in responses["412"]["content"]
