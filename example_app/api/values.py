"""What requests and responses are made of."""

from decimal import Decimal
from typing import Annotated, Final

from fastapi import Path
from pydantic import BaseModel, Field

# Numbers, not names: ids stay readable when everything personal is gone.
_CUSTOMER: Final = r"^c-[0-9]{1,9}$"
_ACCOUNT: Final = r"^a-[0-9]{1,9}$"

CustomerNumber = Annotated[str, Field(pattern=_CUSTOMER, examples=["c-1"])]
CustomerId = Annotated[str, Path(pattern=_CUSTOMER, examples=["c-1"])]
AccountNumber = Annotated[str, Field(pattern=_ACCOUNT, examples=["a-1"])]
AccountId = Annotated[str, Path(pattern=_ACCOUNT, examples=["a-1"])]

Money = Annotated[Decimal, Field(max_digits=12, decimal_places=2, examples=["250.00"])]
Amount = Annotated[Money, Field(gt=0)]


class Receipt(BaseModel):
    """What was stored."""

    sequence_number: int | None
    """The event's number. Once it is in the ETag of a read model, that contains the event."""
