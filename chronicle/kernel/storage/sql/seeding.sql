-- name: record
INSERT INTO seeded_events (
    event_store_id, namespace_id, event_source_id, event_type, content, tags, causation
) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: recorded
SELECT event_source_id, event_type, content, tags, causation FROM seeded_events
WHERE event_store_id = :event_store_id AND namespace_id IS :namespace_id
ORDER BY id;
