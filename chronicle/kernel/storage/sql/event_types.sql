-- name: generations
SELECT event_store_id, event_type, generation, tombstone, schema
FROM event_type_generations ORDER BY event_store_id, event_type, generation;

-- name: migrations
SELECT event_store_id, event_type, from_generation, to_generation, upcast, downcast
FROM event_type_migrations ORDER BY event_store_id, event_type, from_generation;

-- name: set_generation
INSERT INTO event_type_generations (event_store_id, event_type, generation, tombstone, schema)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (event_store_id, event_type, generation)
DO UPDATE SET tombstone = excluded.tombstone, schema = excluded.schema;

-- name: remove_migrations
DELETE FROM event_type_migrations WHERE event_store_id = ? AND event_type = ?;

-- name: add_migration
INSERT INTO event_type_migrations (event_store_id, event_type, from_generation, to_generation, upcast, downcast)
VALUES (?, ?, ?, ?, ?, ?);
