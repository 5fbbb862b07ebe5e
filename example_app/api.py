"""The bank over HTTP."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from chronicle import AppendResult, ReadModels
from chronicle_fastapi import EventLogDep, ReadModelsDep, UnitOfWorkDep, problem_response
from example_app.bank.account import Account
from example_app.bank.events import (
    AccountOpened,
    FundsDeposited,
    FundsWithdrawn,
    NotificationSent,
    TransferReceived,
    TransferSent,
)
from example_app.bank.ledger import (
    NOTHING_YET,
    AccountExists,
    InsufficientFunds,
    Ledger,
    NoSuchAccount,
    Refusal,
)

Money = Annotated[Decimal, Field(max_digits=12, decimal_places=2, examples=["250.00"])]
Amount = Annotated[Money, Field(gt=0)]
Id = Annotated[str, Field(pattern=r"^[\w-]{1,64}$", examples=["alice"])]
AccountId = Annotated[str, Path(pattern=r"^[\w-]{1,64}$", examples=["alice"])]

Version = Annotated[int | None, Query(ge=0)]

PATIENCE: Final = 2.0
"""Seconds that a reader waits for a read model to reach the version it asks for."""


class OpenAccount(BaseModel):
    account_id: Id
    owner: Annotated[str, Field(min_length=1, max_length=200, examples=["Alice"])]
    initial_balance: Annotated[Money, Field(ge=0)] = Decimal(0)


class Movement(BaseModel):
    amount: Amount


class Transfer(BaseModel):
    from_account: Id
    to_account: Id
    amount: Amount


class Receipt(BaseModel):
    account_id: str
    version: int
    """The sequence number of what was stored: `GET /accounts/{account_id}?at_least=` waits for it."""


class Entry(BaseModel):
    sequence_number: int
    occurred: datetime
    what: str
    change: Decimal
    balance: Decimal


class Notification(BaseModel):
    occurred: datetime
    text: str


class NotThereYet(Refusal):
    """The read model is behind the version that was asked for."""


router = APIRouter()


@router.post("/accounts", status_code=201, tags=["accounts"])
async def open_account(body: OpenAccount, event_log: EventLogDep, response: Response) -> Receipt:
    opened = AccountOpened(owner=body.owner, initial_balance=body.initial_balance)
    result = await event_log.try_append(body.account_id, opened, concurrency=NOTHING_YET)
    if result.concurrency_violations:
        raise AccountExists(f"The account '{body.account_id}' is open already.")
    result.raise_for_failure()
    return receipt(body.account_id, result, response)


@router.post("/accounts/{account_id}/deposits", status_code=201, tags=["accounts"])
async def deposit(
    account_id: AccountId, body: Movement, event_log: EventLogDep, response: Response
) -> Receipt:
    if not await event_log.has_events_for(account_id):
        raise NoSuchAccount(f"There is no account '{account_id}'.")
    result = await event_log.append(account_id, FundsDeposited(amount=body.amount))
    return receipt(account_id, result, response)


@router.post("/accounts/{account_id}/withdrawals", status_code=201, tags=["accounts"])
async def withdraw(
    account_id: AccountId, body: Movement, event_log: EventLogDep, response: Response
) -> Receipt:
    ledger = await Ledger.of(account_id, event_log)
    ledger.require(body.amount)
    withdrawn = FundsWithdrawn(amount=body.amount)
    result = await event_log.append(account_id, withdrawn, concurrency=ledger.unchanged)
    return receipt(account_id, result, response)


@router.post("/transfers", status_code=204, tags=["transfers"])
async def transfer(body: Transfer, event_log: EventLogDep, unit_of_work: UnitOfWorkDep) -> None:
    source = await Ledger.of(body.from_account, event_log)
    target = await Ledger.of(body.to_account, event_log)
    source.require(body.amount)
    sent = TransferSent(to_account=target.account_id, amount=body.amount)
    received = TransferReceived(from_account=source.account_id, amount=body.amount)
    unit_of_work.append(source.account_id, sent, concurrency=source.unchanged)
    unit_of_work.append(target.account_id, received)
    # When this returns, and before the response is sent, both are stored or neither is.


@router.get("/accounts", tags=["accounts"])
async def all_accounts(read_models: ReadModelsDep) -> list[Account]:
    return sorted(await read_models.all(Account), key=lambda account: account.id)


@router.get("/accounts/{account_id}", tags=["accounts"])
async def balance(account_id: AccountId, read_models: ReadModelsDep, at_least: Version = None) -> Account:
    """The read model, which follows the events within milliseconds.

    To be sure to see what you have just done, follow the `Location` of its response: `at_least` waits for a
    version.
    """
    account = await read_models.get(Account, account_id)
    if at_least is not None:
        account = await at_version(at_least, account_id, account, read_models)
    if account is None:
        raise NoSuchAccount(f"There is no account '{account_id}'.")
    return account


@router.get("/accounts/{account_id}/statement", tags=["accounts"])
async def statement(account_id: AccountId, event_log: EventLogDep) -> list[Entry]:
    ledger = await Ledger.of(account_id, event_log)
    return [
        Entry(
            sequence_number=appended.sequence_number,
            occurred=appended.context.occurred,
            what=appended.context.event_type_id,
            change=change,
            balance=balance,
        )
        for appended, change, balance in ledger.entries()
    ]


@router.get("/accounts/{account_id}/notifications", tags=["accounts"])
async def notifications(account_id: AccountId, event_log: EventLogDep) -> list[Notification]:
    sent = await event_log.events_for(account_id, NotificationSent)
    return [Notification(occurred=each.context.occurred, text=each.event.text) for each in sent]


def receipt(account_id: str, result: AppendResult, response: Response) -> Receipt:
    assert result.sequence_number is not None, "what was stored has a number"
    response.headers["Location"] = f"/accounts/{account_id}?at_least={result.sequence_number}"
    return Receipt(account_id=account_id, version=result.sequence_number)


async def at_version(
    version: int, account_id: str, account: Account | None, read_models: ReadModels
) -> Account:
    try:
        async with asyncio.timeout(PATIENCE):
            while account is None or account.version < version:
                await asyncio.sleep(0.01)
                account = await read_models.get(Account, account_id)
            return account
    except TimeoutError:
        raise NotThereYet(f"'{account_id}' has not come to version {version} yet.") from None


STATUS: Final[dict[type[Exception], int]] = {
    AccountExists: 409,
    InsufficientFunds: 409,
    NoSuchAccount: 404,
    NotThereYet: 503,
}


async def refuse(request: Request, refusal: Exception) -> Response:
    """The bank's own refusals look like Chronicle's."""
    return problem_response(STATUS[type(refusal)], detail=str(refusal))
