"""Customers: unique e-mail addresses, personal data, and the right to be forgotten."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from chronicle_fastapi import EventLogDep, EventStoreDep, problem_responses, read_model
from example_app.api.values import CustomerId, CustomerNumber, Receipt
from example_app.bank.customer import Customer
from example_app.bank.events import CustomerRegistered
from example_app.bank.refusals import CustomerExists, NoSuchCustomer

KnownCustomer = Annotated[Customer, Depends(read_model(Customer, key="customer_id"))]


class Register(BaseModel):
    customer_id: CustomerNumber
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Alice"])]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200, examples=["alice@example.org"])]


router = APIRouter(prefix="/customers", tags=["customers"], responses=problem_responses(400, 422, 503))


@router.post("", status_code=201, responses=problem_responses(409))
async def register(body: Register, event_log: EventLogDep) -> Receipt:
    # The constraint settles a race; this is for those who were forgotten, of whom no personal data is taken.
    if await event_log.has_events_for(body.customer_id):
        raise CustomerExists(body.customer_id)
    registered = CustomerRegistered(name=body.name, email=body.email)
    result = await event_log.append(body.customer_id, registered)
    return Receipt(sequence_number=result.sequence_number)


@router.get("/{customer_id}", responses=problem_responses(404))
async def customer(known: KnownCustomer) -> Customer:
    return known


@router.delete("/{customer_id}/personal-data", status_code=204, responses=problem_responses(404))
async def forget(customer_id: CustomerId, event_store: EventStoreDep) -> None:
    """Delete the customer's key. The accounts stay, and nobody can read any more whose they were."""
    if not await event_store.event_log.has_events_for(customer_id):
        raise NoSuchCustomer(customer_id)
    await event_store.compliance.delete_key(customer_id)
