"""Declared subscriptions: what the decorator takes, and what artifacts make of it."""

from typing import Any

import pytest
from pydantic import BaseModel

from chronicle import (
    Artifacts,
    DeclarationError,
    UnknownEventTypeError,
    discover,
    event_store_subscription,
    event_type,
)
from chronicle.subscriptions import SubscriptionDeclaration, subscription_of


@event_type("order-placed")
class OrderPlaced(BaseModel):
    number: int


@event_store_subscription("shop", event_types=[OrderPlaced])
class Orders:
    pass


class OrdersOfToday(Orders):
    pass


def test_a_class_is_declared_under_its_full_name() -> None:
    assert subscription_of(Orders) == SubscriptionDeclaration(f"{__name__}.Orders", "shop", (OrderPlaced,))


def test_an_id_can_be_given() -> None:
    declared = event_store_subscription("shop", id="orders")(type("Named", (), {}))
    assert subscription_of(declared) == SubscriptionDeclaration("orders", "shop", ())


@pytest.mark.parametrize("target", [OrdersOfToday, OrderPlaced, "Orders", len])
def test_what_is_not_decorated_itself_is_none(target: Any) -> None:
    with pytest.raises(DeclarationError, match=r"is no subscription\. Put @event_store_subscription above"):
        Artifacts(subscriptions=[target])


def test_a_function_cannot_be_one() -> None:
    with pytest.raises(DeclarationError, match="belongs above a class"):
        event_store_subscription("shop")(print)  # type: ignore[type-var]


@pytest.mark.parametrize(("source", "id_"), [("", None), (" ", "orders"), ("shop", ""), ("shop", " ")])
def test_neither_source_nor_id_may_be_blank(source: str, id_: str | None) -> None:
    with pytest.raises(DeclarationError, match="neither may be blank"):
        event_store_subscription(source, id=id_)(type("Blank", (), {}))


def test_event_types_have_to_be_some() -> None:
    with pytest.raises(UnknownEventTypeError):
        event_store_subscription("shop", event_types=[Orders])


def test_their_event_types_belong_to_the_artifacts() -> None:
    assert Artifacts(subscriptions=[Orders]).event_types == (OrderPlaced,)


def test_two_with_one_id_are_refused() -> None:
    first, second = (event_store_subscription("shop", id="orders")(type(name, (), {})) for name in "AB")
    with pytest.raises(DeclarationError, match="Two subscriptions have the id 'orders'"):
        Artifacts(subscriptions=[first, second])
    assert Artifacts(subscriptions=[first, first]).subscriptions == (first,)


def test_they_are_discovered() -> None:
    found = discover(__name__)
    assert found.subscriptions == (Orders,)
