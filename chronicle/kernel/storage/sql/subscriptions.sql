-- name: subscriptions
SELECT event_stores.name, identifier, source_event_store, event_types
FROM event_store_subscriptions JOIN event_stores ON event_stores.id = event_store_id
ORDER BY event_store_id, identifier;

-- name: set_subscription
INSERT INTO event_store_subscriptions (event_store_id, identifier, source_event_store, event_types)
VALUES (:event_store_id, :identifier, :source_event_store, :event_types)
ON CONFLICT (event_store_id, identifier) DO UPDATE SET
    source_event_store = excluded.source_event_store,
    event_types = excluded.event_types;

-- name: remove_subscription
DELETE FROM event_store_subscriptions WHERE event_store_id = :event_store_id AND identifier = :identifier;
