"""Transfers: two accounts at once, or none."""

from fastapi import APIRouter
from pydantic import BaseModel

from chronicle_fastapi import EventLogDep, UnitOfWorkDep, problem_responses
from example_app.api.values import AccountNumber, Amount
from example_app.bank.events import TransferReceived, TransferSent
from example_app.bank.ledger import Ledger


class Transfer(BaseModel):
    from_account: AccountNumber
    to_account: AccountNumber
    amount: Amount


router = APIRouter(tags=["transfers"], responses=problem_responses(400, 404, 409, 422, 503))


@router.post("/transfers", status_code=204)
async def transfer(body: Transfer, event_log: EventLogDep, unit_of_work: UnitOfWorkDep) -> None:
    source = await Ledger.of(body.from_account, event_log)
    target = await Ledger.of(body.to_account, event_log)
    source.require(body.amount)
    sent = TransferSent(to_account=target.account_id, amount=body.amount)
    received = TransferReceived(from_account=source.account_id, amount=body.amount)
    unit_of_work.append(source.account_id, sent, concurrency=source.unchanged)
    unit_of_work.append(target.account_id, received)
    # When this returns, and before the response is sent, both are stored or neither is.
