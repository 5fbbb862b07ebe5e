"""The event that everyone stores: ten fields of the usual kinds, about 300 bytes of JSON."""

from typing import TypedDict

from pydantic import BaseModel

EVENT_SOURCES = 5_000
"""Appends one by one go round this many event sources."""


class OrderFields(TypedDict):
    """The ten fields, as peers without pydantic take them."""

    order_id: str
    customer_id: str
    sku: str
    quantity: int
    unit_price: float
    currency: str
    placed_at: str
    express: bool
    note: str
    tags: list[str]


class Order(BaseModel):
    """The ten fields as a pydantic model: the body of the HTTP endpoints, and what peers encode to JSON."""

    order_id: str
    customer_id: str
    sku: str
    quantity: int
    unit_price: float
    currency: str
    placed_at: str
    express: bool
    note: str
    tags: list[str]


def order_fields(number: int) -> OrderFields:
    """The fields of one order; the order's id differs, the size does not."""
    return {
        "order_id": f"0d3c7c1e-9a55-4d4b-8a6e-{number % 10**12:012d}",
        "customer_id": "7f9f2f64-3d7b-4b61-9f7e-21f0a8e6c111",
        "sku": "BOOK-9781718502772",
        "quantity": 3,
        "unit_price": 1299.95,
        "currency": "EUR",
        "placed_at": "2026-11-23T18:27:45.123456+00:00",
        "express": True,
        "note": "leave it with the neighbour at number 12",
        "tags": ["web", "spring"],
    }


def order(number: int) -> Order:
    """One order, made anew."""
    return Order(**order_fields(number))


def event_source(number: int) -> str:
    """The event source that the event of this number belongs to."""
    return f"order-{number % EVENT_SOURCES:08d}"
