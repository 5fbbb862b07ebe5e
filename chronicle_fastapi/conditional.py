"""Optimistic concurrency over HTTP: entity tags of read models, and preconditions (RFC 9110, 8.8.3 and 13).

@app.get("/accounts/{account_id}")
async def account(found: Annotated[Account, Depends(with_etag(Account, key="account_id"))]) -> Account:
    return found

@app.post("/accounts/{account_id}/withdrawals", status_code=201)
async def withdraw(
    account_id: str,
    body: Withdrawal,
    event_log: EventLogDep,
    expected: Annotated[ConcurrencyScope | None, Depends(if_match(Account, key="account_id"))],
) -> None:
    await event_log.append(account_id, FundsWithdrawn(amount=body.amount), concurrency=expected)

The tag of an instance is the number of the last event that it contains. What a request says of it is not
merely compared: it becomes the concurrency scope of the append, so that nothing can come in between.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Annotated, Final, TypeAlias, TypeVar

from fastapi import Header, HTTPException, Path, Response

from chronicle import ConcurrencyScope, ReadModels
from chronicle_fastapi.dependencies import ReadModelsDep
from chronicle_fastapi.entity_tags import EntityTags
from chronicle_fastapi.problems import PRECONDITION_FAILED, ProblemError

_Model = TypeVar("_Model")

IfMatch: TypeAlias = Annotated[list[str] | None, Header(alias="If-Match")]
IfNoneMatch: TypeAlias = Annotated[list[str] | None, Header(alias="If-None-Match")]

# Sixteen digits hold any number of events, and keep `int` away from texts of any length.
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")


@cache
def with_etag(model: type[_Model], *, key: str) -> Callable[..., Awaitable[_Model]]:
    """A dependency: the instance whose key is the path parameter `key`, its tag in the response's `ETag`.

    Answers 304 when the request's `If-None-Match` names that tag, 404 when there is no such instance, and
    400 for an `If-None-Match` that cannot be read. The same one for the same arguments, as `if_match` is too,
    so that `app.dependency_overrides` works.
    """

    async def instance(
        response: Response,
        read_models: ReadModelsDep,
        instance_key: Annotated[str, Path(alias=key)],
        if_none_match: IfNoneMatch = None,
    ) -> _Model:
        found = await read_models.instance(model, instance_key)
        if found is None:
            detail = f"There is no {model.__name__} under this key."
            raise ProblemError(404, detail=detail, type="urn:chronicle:not-found")
        tag = str(found.sequence_number)
        headers = {"ETag": f'"{tag}"'}
        none_match = _entity_tags("If-None-Match", if_none_match)
        if none_match is not None and none_match.match_weakly(tag):
            raise HTTPException(304, headers=headers)
        response.headers.update(headers)
        return found.model

    return instance


@cache
def if_match(
    model: type[object], *, key: str, required: bool = False
) -> Callable[..., Awaitable[ConcurrencyScope | None]]:
    """A dependency: what the request expects of the instance whose key is the path parameter `key`, as the
    concurrency scope to append with; None, which leaves the append as it is, when it expects nothing more.

    The model has to be one whose key is the event source id, as a reducer's is.

    | The request says | The append is refused with 412 |
    |---|---|
    | `If-Match: "42"` | when there are newer events than number 42 that the model's reducer handles |
    | `If-Match: "41", "42"` | likewise, of the one that is current; at once when none of them is |
    | `If-Match: *` | at once, when there is no such instance |
    | `If-None-Match: *` | when there are any events that the model's reducer handles |
    | `If-None-Match: "42"` | at once, when that is the current one |
    | nothing | never; with `required` at once, with 428 |

    Weak tags never match, and a header that cannot be read is answered with 400.
    """

    async def scope(
        read_models: ReadModelsDep,
        instance_key: Annotated[str, Path(alias=key)],
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> ConcurrencyScope | None:
        match = _entity_tags("If-Match", if_match)
        none_match = _entity_tags("If-None-Match", if_none_match)
        if required and match is None and none_match is None:
            raise ProblemError(
                428,
                detail="Say what this request is based on: send the ETag of what was read as If-Match.",
                type="urn:chronicle:precondition-required",
            )
        instance = _Instance(read_models, model, instance_key)
        expected = None if match is None else await instance.matching(match)
        if none_match is not None:
            unmatched = await instance.not_matching(none_match)
            # Whoever says both has said more with the first.
            expected = unmatched if match is None else expected
        return expected

    return scope


class _Instance:
    """What a precondition is about."""

    def __init__(self, read_models: ReadModels, model: type[object], key: str) -> None:
        self._read_models = read_models
        self._model = model
        self._key = key

    async def matching(self, tags: EntityTags) -> ConcurrencyScope | None:
        """What to expect when the instance has to have one of these tags."""
        if len(tags.strong) == 1:
            (tag,) = tags.strong
            # Not compared with the instance, which may not contain yet what the caller knows of.
            return self._at(tag)
        current = await self._tag()
        if not tags.match_strongly(current):
            raise _failed()
        return None if tags.is_any or current is None else self._at(current)

    async def not_matching(self, tags: EntityTags) -> ConcurrencyScope | None:
        """What to expect when the instance must have none of these tags."""
        if tags.is_any:
            return self._read_models.scope(self._model, self._key, None)
        if tags.match_weakly(await self._tag()):
            raise _failed()
        return None

    def _at(self, tag: str) -> ConcurrencyScope:
        if _NUMBER.fullmatch(tag) is None:
            raise _failed()  # it is no tag of ours
        return self._read_models.scope(self._model, self._key, int(tag))

    async def _tag(self) -> str | None:
        found = await self._read_models.instance(self._model, self._key)
        return None if found is None else str(found.sequence_number)


def _entity_tags(header: str, lines: Sequence[str] | None) -> EntityTags | None:
    try:
        return None if lines is None else EntityTags.parse(lines)
    except ValueError as error:
        raise ProblemError(400, detail=f"{header} cannot be read: {error}.") from error


def _failed() -> ProblemError:
    detail = "It is not as this request expects. Read again, decide again, and send a new request."
    return ProblemError(412, "Precondition failed", detail, type=PRECONDITION_FAILED)
