"""What a form sent, read without a library for uploads: ours have none."""

from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request

LARGEST_FORM = 64 * 1024
"""Bytes; a token, a reason, an address: everything ours hold is far smaller."""

Form = dict[str, str]


async def form_of(request: Request) -> Form:
    """The fields of a form by name; of several with one name, the last.

    Raises `HTTPException` 413 for one that is too large, 400 for one that is no form.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        raise HTTPException(400, "This is no form.") from None


FormDep = Annotated[Form, Depends(form_of)]

Deed = TypeVar("Deed")


def chosen(form: Form, deeds: Mapping[str, Deed], what: str) -> tuple[str, Deed]:
    """The word on the button that sent a form, and what it stands for.

    Raises `HTTPException` 400 for a word that no button has.
    """
    action = form.get("action", "")
    if action not in deeds:
        raise nothing_to_do_with(what)
    return action, deeds[action]


def nothing_to_do_with(what: str) -> HTTPException:
    """The answer to a form that none of our pages sends."""
    return HTTPException(400, f"That is nothing to do with {what}.")
