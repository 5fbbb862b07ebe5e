"""What events claim under constraints."""

from hashlib import sha256
from typing import Any, NamedTuple

from chronicle.kernel.constraints import UniqueConstraint, UniqueEventTypeConstraint, UniqueProperties
from chronicle.kernel.constraints.claims import Claim
from chronicle.kernel.constraints.definitions import ConstraintScope
from chronicle.kernel.constraints.event_types import EventTypeClaim
from chronicle.kernel.constraints.rules import KnownConstraint, claims_of, compile_rules
from chronicle.kernel.constraints.values import ValueClaim


class Event(NamedTuple):
    event_type: str = "registered"
    event_source_id: str = "a"
    event_source_type: str = "Person"
    event_stream_type: str = "Years"
    event_stream_id: str = "2026"


def claims(
    *constraints: UniqueConstraint | UniqueEventTypeConstraint, event: Event, **content: Any
) -> list[Claim]:
    known = [KnownConstraint(number, constraint) for number, constraint in enumerate(constraints)]
    return list(claims_of(compile_rules(known), event, content))


def hash_of(*, ignore_casing: bool = False, **content: Any) -> bytes:
    constraint = UniqueConstraint(
        "c", (UniqueProperties("registered", ("one", "two")),), ignore_casing=ignore_casing
    )
    (claim,) = claims(constraint, event=Event(), **content)
    assert isinstance(claim, ValueClaim)
    return claim.place.value


def test_values_are_hashed_joined_as_the_kernel_does() -> None:
    assert hash_of(one="x", two=True) == sha256(b"x-True").digest()
    assert hash_of(one="a-b", two="c") == hash_of(one="a", two="b-c")
    assert hash_of(one=None, two="x") == hash_of(one="x", two=None)
    assert hash_of(one="X", ignore_casing=True) == sha256(b"x").digest()
    assert hash_of(one="\ud800") != hash_of(one="\ud801")


def test_an_event_of_another_type_and_one_without_values_claim_nothing() -> None:
    constraint = UniqueConstraint("c", (UniqueProperties("registered", ("one",)),), removed_with=("left",))
    assert claims(constraint, event=Event(), one=None) == []
    assert claims(constraint, event=Event("left"), one="x") == []


def test_the_first_definition_of_an_event_type_counts() -> None:
    twice = (UniqueProperties("registered", ("one",)), UniqueProperties("registered", ("two",)))
    (claim,) = claims(UniqueConstraint("c", twice), event=Event(), one="x", two="y")
    assert isinstance(claim, ValueClaim)
    assert claim.properties == [("one", "x")]


def test_a_scope_is_made_of_the_dimensions_that_count() -> None:
    scopes = {
        "": ConstraintScope(),
        "est:Person": ConstraintScope(event_source_type="_scoped_"),
        "est:Person|estt:Years|esid:2026": ConstraintScope("*", "*", "*"),
        "estt:Years|esid:2026": ConstraintScope("", "x", "y"),
    }
    for text, scope in scopes.items():
        constraint = UniqueConstraint("c", (UniqueProperties("registered", ("one",)),), scope=scope)
        (claim,) = claims(constraint, event=Event(), one="x")
        assert isinstance(claim, ValueClaim)
        assert claim.place.scope == text


def test_claims_come_in_the_order_of_the_constraints() -> None:
    unique = UniqueConstraint("u", (UniqueProperties("registered", ("one",)),))
    once = UniqueEventTypeConstraint("o", ("registered", "registered"))
    first, second = claims(once, unique, event=Event(), one="x")
    assert isinstance(first, EventTypeClaim)
    assert isinstance(second, ValueClaim)
