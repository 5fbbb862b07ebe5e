"""Refusals look like Chronicle's, application/problem+json: the bank's own, and those of FastAPI itself."""

from typing import Final

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from chronicle_fastapi import problem_response
from example_app.bank.refusals import CustomerExists, InsufficientFunds, NoSuchAccount, NoSuchCustomer

STATUS: Final[dict[type[Exception], int]] = {
    CustomerExists: 409,
    InsufficientFunds: 409,
    NoSuchAccount: 404,
    NoSuchCustomer: 404,
}


async def refuse(request: Request, refusal: Exception) -> Response:
    return problem_response(STATUS[type(refusal)], detail=str(refusal))


async def refuse_request(request: Request, error: Exception) -> Response:
    """Such as a body that is no text, or a path that leads nowhere."""
    assert isinstance(error, HTTPException)
    if error.status_code < 400:  # an answer without a body: nothing has changed
        return await http_exception_handler(request, error)
    return problem_response(error.status_code, detail=error.detail, headers=error.headers)
