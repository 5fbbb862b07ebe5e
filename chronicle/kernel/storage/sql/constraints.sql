-- name: constraints
SELECT event_store_id, name, definition FROM constraints ORDER BY event_store_id, name;

-- name: set_constraint
INSERT INTO constraints (event_store_id, name, definition) VALUES (?, ?, ?)
ON CONFLICT (event_store_id, name) DO UPDATE SET definition = excluded.definition;
