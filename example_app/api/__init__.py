"""The bank over HTTP."""

from fastapi import FastAPI

from example_app.api import accounts, customers, transfers
from example_app.api.refusing import refuse
from example_app.bank.refusals import Refusal


def add_to(app: FastAPI) -> None:
    app.include_router(customers.router)
    app.include_router(accounts.router)
    app.include_router(transfers.router)
    app.add_exception_handler(Refusal, refuse)
