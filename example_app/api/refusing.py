"""The bank's own refusals look like Chronicle's: application/problem+json."""

from typing import Final

from fastapi import Request, Response

from chronicle_fastapi import problem_response
from example_app.bank.refusals import InsufficientFunds, NoSuchAccount, NoSuchCustomer

STATUS: Final[dict[type[Exception], int]] = {InsufficientFunds: 409, NoSuchAccount: 404, NoSuchCustomer: 404}


async def refuse(request: Request, refusal: Exception) -> Response:
    return problem_response(STATUS[type(refusal)], detail=str(refusal))
