"""Constraints: what the events of an event store may not do together (events.md 7).

`Constraints` knows those of an event store and gives the claims that an event makes under them. Claims are
made on the event loop, from the content in the clear; inside the write job of the append they are checked
against what other events hold, and applied once the event is stored.
"""

from chronicle.kernel.constraints.claims import Claim, Claims, apply, check, look_up
from chronicle.kernel.constraints.constraints import Constraints
from chronicle.kernel.constraints.definitions import (
    Constraint,
    ConstraintScope,
    UniqueConstraint,
    UniqueEventTypeConstraint,
    UniqueProperties,
)
from chronicle.kernel.constraints.ledger import Ledger
from chronicle.kernel.constraints.values import BatchClaims
from chronicle.kernel.constraints.violations import ConstraintType, ConstraintViolation

__all__ = [
    "BatchClaims",
    "Claim",
    "Claims",
    "Constraint",
    "ConstraintScope",
    "ConstraintType",
    "ConstraintViolation",
    "Constraints",
    "Ledger",
    "UniqueConstraint",
    "UniqueEventTypeConstraint",
    "UniqueProperties",
    "apply",
    "check",
    "look_up",
]
