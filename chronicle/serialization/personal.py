"""Personal data in content: as what it is, or as what is left of it once its subject was erased (events.md
13.3).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from chronicle.serialization.scalars import Form, maker
from chronicle.serialization.shapes import Entries, Enumeration, Items, Scalar, Shape, Words

ERASED: Final = frozenset({b'""', b"[]", b"{}"})
"""What stands in content for a value that nobody can read any more."""

_ZEROS: Final[dict[type, Any]] = {
    bool: False,
    str: "",
    int: 0,
    float: 0.0,
    Decimal: Decimal(0),
    UUID: UUID(int=0),
    bytes: b"",
    datetime: datetime(1, 1, 1, tzinfo=UTC),
    date: date.min,
    time: time.min,
    timedelta: timedelta(0),
}

_decode_text: Final = msgspec.json.Decoder(str).decode


def personal_form(form: Form, erased: Callable[[], Any]) -> Form:
    """The form of a value that may have been erased, or that comes as the text it was encrypted as.

    `erased` gives what stands for it then, if it has no empty value of its own.
    """
    decode, convert = msgspec.json.Decoder(form.wire).decode, form.load

    def read(data: bytes) -> Any:
        value = decode(data)
        return value if convert is None else convert(value)

    def load(raw: msgspec.Raw) -> Any:
        data = bytes(raw)
        if data == b"null":
            return None
        try:
            return read(data)
        except Exception:
            if data in ERASED:
                return erased()
            if not data.startswith(b'"'):
                raise
            # Kernels give some numbers out as texts once they were encrypted.
            return read(_decode_text(data).encode())

    return Form(msgspec.Raw, load=load, dump=form.dump, is_personal=True)


def zero_of(shape: Shape) -> Any:
    """What stands for an erased value that can neither be left out nor be None."""
    match shape:
        case Scalar(base=base, concept=concept):
            zero = _ZEROS[base]
            return zero if concept is None else maker(concept)(zero)
        case Enumeration(type=type_):
            return next((member for member in type_ if member.value == 0), next(iter(type_)))
        case Words(type=type_) if isinstance(type_, type) and issubclass(type_, Enum):
            return next(iter(type_))
        case Words(type=type_):
            return get_args(type_)[0]
        case Items(container=container):
            return container()
        case Entries():
            return {}
    raise ValueError("it was erased, and nothing can stand for it: let the member be None, or have a default")
