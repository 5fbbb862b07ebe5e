"""Accounts: what is paid in and out, and what there is to see of it."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from chronicle import ConcurrencyScope
from chronicle_fastapi import (
    EventLogDep,
    LiveEvents,
    ReadModelsDep,
    if_match,
    live,
    problem_responses,
    with_etag,
)
from example_app.api.values import AccountId, AccountNumber, Amount, CustomerNumber, Money, Receipt
from example_app.bank.account import Account
from example_app.bank.events import AccountOpened, FundsDeposited, FundsWithdrawn, NotificationSent
from example_app.bank.ledger import Ledger
from example_app.bank.refusals import NoSuchAccount, NoSuchCustomer

KnownAccount = Annotated[Account, Depends(with_etag(Account, key="account_id"))]
AsSeen = Annotated[ConcurrencyScope | None, Depends(if_match(Account, key="account_id"))]
LiveAccount = Annotated[LiveEvents, Depends(live(Account, key="account_id"))]


class Open(BaseModel):
    account_id: AccountNumber
    owner: CustomerNumber
    initial_balance: Annotated[Money, Field(ge=0)] = Decimal(0)


class Payment(BaseModel):
    amount: Amount


class Entry(BaseModel):
    sequence_number: int
    occurred: datetime
    by: str
    what: str
    change: Decimal
    balance: Decimal


class Notification(BaseModel):
    occurred: datetime
    text: str


router = APIRouter(prefix="/accounts", tags=["accounts"], responses=problem_responses(400, 422, 503))


@router.post("", status_code=201, responses=problem_responses(404, 409))
async def open_account(body: Open, event_log: EventLogDep) -> Receipt:
    if not await event_log.has_events_for(body.owner):
        raise NoSuchCustomer(body.owner)
    opened = AccountOpened(owner=body.owner, initial_balance=body.initial_balance)
    result = await event_log.append(body.account_id, opened)
    return Receipt(sequence_number=result.sequence_number)


@router.post("/{account_id}/deposits", status_code=201, responses=problem_responses(404))
async def deposit(account_id: AccountId, body: Payment, event_log: EventLogDep) -> Receipt:
    if not await event_log.has_events_for(account_id):
        raise NoSuchAccount(account_id)
    result = await event_log.append(account_id, FundsDeposited(amount=body.amount))
    return Receipt(sequence_number=result.sequence_number)


@router.post("/{account_id}/withdrawals", status_code=201, responses=problem_responses(404, 409, 412))
async def withdraw(account_id: AccountId, body: Payment, event_log: EventLogDep, seen: AsSeen) -> Receipt:
    """Pay out what is there; with `If-Match`, only if the balance is still the one that was seen."""
    ledger = await Ledger.of(account_id, event_log)
    ledger.require(body.amount)
    withdrawn = FundsWithdrawn(amount=body.amount)
    result = await event_log.append(account_id, withdrawn, concurrency=ledger.unchanged_since(seen))
    return Receipt(sequence_number=result.sequence_number)


@router.get("")
async def all_accounts(read_models: ReadModelsDep) -> list[Account]:
    return sorted(await read_models.all(Account), key=lambda account: account.id)


@router.get("/{account_id}", responses=problem_responses(404))
async def account(known: KnownAccount) -> Account:
    """The read model, which follows the events within milliseconds; the statement has no delay."""
    return known


@router.get("/{account_id}/live", response_class=EventSourceResponse)
async def live_account(events: LiveAccount) -> AsyncIterator[ServerSentEvent]:
    async for event in events:
        yield event


@router.get("/{account_id}/statement", responses=problem_responses(404))
async def statement(account_id: AccountId, event_log: EventLogDep) -> list[Entry]:
    """The account's events, as they are in the event log."""
    ledger = await Ledger.of(account_id, event_log)
    return [
        Entry(
            sequence_number=appended.sequence_number,
            occurred=appended.context.occurred,
            by=appended.context.caused_by.name,
            what=appended.context.event_type_id,
            change=change,
            balance=balance,
        )
        for appended, change, balance in ledger.entries()
    ]


@router.get("/{account_id}/notifications")
async def notifications(account_id: AccountId, event_log: EventLogDep) -> list[Notification]:
    sent = await event_log.events_for(account_id, NotificationSent)
    return [Notification(occurred=each.context.occurred, text=each.event.text) for each in sent]
