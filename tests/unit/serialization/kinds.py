"""Types of the kinds that content has: enumerations, and values with a type of their own."""

from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import NewType
from uuid import UUID


class Color(Enum):
    RED = 1
    GREEN = 2


class Level(IntEnum):
    LOW = 0
    HIGH = 10


class Word(StrEnum):
    YES = "yes"


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class AccountId(str): ...


class Cents(int): ...


class OrderId(UUID): ...


Amount = NewType("Amount", Decimal)
