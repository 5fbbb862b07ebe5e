"""Subscriptions of event stores to the outboxes of others (observation.md 10)."""

from chronicle.kernel.subscriptions.definitions import EventStoreSubscription
from chronicle.kernel.subscriptions.subscriptions import EventStoreSubscriptions

__all__ = ["EventStoreSubscription", "EventStoreSubscriptions"]
