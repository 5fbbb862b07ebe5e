"""The example application, in process and started as the README says."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.waiting import eventually
from tests.web.asgi import serving


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx2.AsyncClient]:
    from example_app.main import app

    monkeypatch.setenv("CHRONICLE_CONNECTION_STRING", f"chronicle+embedded:///{tmp_path / 'bank.db'}")
    async with serving(app) as client:
        yield client


async def open_account(client: httpx2.AsyncClient, name: str, initial_balance: str = "0") -> None:
    account = {"account_id": name, "owner": name.title(), "initial_balance": initial_balance}
    (await client.post("/accounts", json=account)).raise_for_status()


async def deposit(client: httpx2.AsyncClient, name: str, amount: str) -> httpx2.Response:
    return await client.post(f"/accounts/{name}/deposits", json={"amount": amount})


async def withdraw(client: httpx2.AsyncClient, name: str, amount: str) -> httpx2.Response:
    return await client.post(f"/accounts/{name}/withdrawals", json={"amount": amount})


async def balance_in(client: httpx2.AsyncClient, name: str) -> Decimal:
    statement = (await client.get(f"/accounts/{name}/statement")).raise_for_status().json()
    return Decimal(statement[-1]["balance"])


async def test_what_was_just_deposited_shows_at_the_location_of_the_response(
    client: httpx2.AsyncClient,
) -> None:
    await open_account(client, "alice", "1000")
    deposited = await deposit(client, "alice", "250.50")
    assert deposited.status_code == 201
    account = (await client.get(deposited.headers["location"])).json()
    assert account["owner"] == "Alice"
    assert Decimal(account["balance"]) == Decimal("1250.50")
    assert account["version"] == deposited.json()["version"]


async def test_an_account_is_opened_once(client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice")
    again = await client.post("/accounts", json={"account_id": "alice", "owner": "Mallory"})
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    assert "'alice'" in again.json()["detail"]


async def test_an_overdraft_is_refused(client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice", "10")
    refused = await withdraw(client, "alice", "10.01")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert (await withdraw(client, "alice", "10")).status_code == 201
    assert await balance_in(client, "alice") == 0


async def test_of_many_withdrawals_at_once_none_overdraws(client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice", "30")
    answers = await asyncio.gather(*(withdraw(client, "alice", "20") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert await balance_in(client, "alice") == 10


async def test_a_transfer_happens_as_a_whole_or_not_at_all(client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice", "100")
    await open_account(client, "bob")
    transfer: dict[str, Any] = {"from_account": "alice", "to_account": "bob", "amount": "60"}
    assert (await client.post("/transfers", json=transfer)).status_code == 204
    assert (await client.post("/transfers", json=transfer)).status_code == 409
    assert (await client.post("/transfers", json=transfer | {"to_account": "nobody"})).status_code == 404
    assert await balance_in(client, "alice") == 40
    assert await balance_in(client, "bob") == 60


async def test_the_reactor_tells_the_owner_of_what_came_in(client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice")
    await deposit(client, "alice", "5")
    await deposit(client, "alice", "5000")

    async def notified() -> bool:
        return bool((await client.get("/accounts/alice/notifications")).json())

    await eventually(notified)
    texts = [each["text"] for each in (await client.get("/accounts/alice/notifications")).json()]
    assert texts == ["5000 were deposited to your account."]
    assert [entry["what"] for entry in (await client.get("/accounts/alice/statement")).json()] == [
        "account-opened",
        "funds-deposited",
        "funds-deposited",
    ]


async def test_all_accounts_are_listed(client: httpx2.AsyncClient) -> None:
    await open_account(client, "bob")
    await open_account(client, "alice")

    async def listed() -> bool:
        return [account["id"] for account in (await client.get("/accounts")).json()] == ["alice", "bob"]

    await eventually(listed)


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "1e30", "much"])
async def test_an_amount_that_is_none_is_refused(amount: str, client: httpx2.AsyncClient) -> None:
    await open_account(client, "alice")
    assert (await deposit(client, "alice", amount)).status_code == 422


@pytest.mark.parametrize("path", ["", "/statement"])
async def test_an_account_that_is_not_there_is_not_found(path: str, client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"/accounts/nobody{path}")).status_code == 404
    assert (await deposit(client, "nobody", "1")).status_code == 404
    assert (await withdraw(client, "nobody", "1")).status_code == 404


async def test_its_api_is_described(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/docs")).status_code == 200
    assert "/accounts/{account_id}/deposits" in (await client.get("/openapi.json")).json()["paths"]


@contextmanager
def started(directory: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`python -m example_app` in a directory, with the URL that it prints once it serves."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHRONICLE_")}
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app"],
        cwd=directory,
        env=environment | {"PORT": "0", "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout)
        yield next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line))), process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_started_as_in_the_readme_it_keeps_the_balance_over_a_restart(tmp_path: Path) -> None:
    with started(tmp_path) as (url, _):
        httpx2.post(f"{url}/accounts", json={"account_id": "alice", "owner": "Alice"}).raise_for_status()
        httpx2.post(f"{url}/accounts/alice/deposits", json={"amount": "250"}).raise_for_status()
    with started(tmp_path) as (url, process):
        account = httpx2.get(f"{url}/accounts/alice").raise_for_status().json()
        assert Decimal(account["balance"]) == 250
    assert process.returncode == 0
    assert (tmp_path / "example.db").exists()


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = subprocess.run(
            [sys.executable, "-m", "example_app"],
            cwd=tmp_path,
            env=os.environ
            | {"PORT": str(taken.getsockname()[1]), "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )
    assert ran.returncode == 1
    assert "To use another port" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
