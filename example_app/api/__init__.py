"""The bank over HTTP."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from example_app.api import accounts, customers, transfers
from example_app.api.refusing import refuse, refuse_request
from example_app.bank.refusals import Refusal


def add_to(app: FastAPI) -> None:
    app.include_router(customers.router)
    app.include_router(accounts.router)
    app.include_router(transfers.router)
    app.add_exception_handler(Refusal, refuse)
    app.add_exception_handler(HTTPException, refuse_request)
