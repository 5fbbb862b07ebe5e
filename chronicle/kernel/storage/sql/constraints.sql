-- name: constraints
SELECT id, event_store_id, name, definition FROM constraints
WHERE is_in_force
ORDER BY event_store_id, name;

-- name: add
INSERT INTO constraints (event_store_id, name, definition, is_in_force) VALUES (?, ?, ?, 0);

-- name: replace_for
UPDATE constraints SET is_in_force = 0
WHERE is_in_force
    AND (event_store_id, name) = (SELECT event_store_id, name FROM constraints WHERE id = ?);

-- name: bring_into_force
UPDATE constraints SET is_in_force = 1 WHERE id = ?;

-- name: remove_unused_values
DELETE FROM unique_values
WHERE (constraint_id, event_sequence_id, scope, value) IN (
    SELECT constraint_id, event_sequence_id, scope, value FROM unique_values
    WHERE constraint_id IN (
        SELECT id FROM constraints WHERE event_store_id = :event_store_id AND NOT is_in_force
    )
    LIMIT :limit
);

-- name: remove_unused
DELETE FROM constraints WHERE event_store_id = ? AND NOT is_in_force;

-- name: sequences
SELECT id, namespace, tail FROM (
    SELECT
        event_sequences.id,
        namespaces.name AS namespace,
        (SELECT max(number) FROM events WHERE event_sequence_id = event_sequences.id) AS tail
    FROM event_sequences
    JOIN namespaces ON namespaces.id = event_sequences.namespace_id
    WHERE namespaces.event_store_id = ?
)
WHERE tail IS NOT NULL
ORDER BY id;

-- name: hold
INSERT INTO unique_values (
    constraint_id, event_sequence_id, scope, value, event_source_id, number, checked
) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (constraint_id, event_sequence_id, scope, value) DO UPDATE
SET event_source_id = excluded.event_source_id, number = excluded.number, checked = excluded.checked;

-- name: holder
-- As `holders`, of one value.
SELECT value, event_source_id, number, checked FROM unique_values
WHERE constraint_id = :constraint_id
    AND event_sequence_id = :sequence
    AND scope = :scope
    AND value = :values;

-- name: holders
-- Of several values, one after the other in :values, 32 bytes each.
WITH RECURSIVE positions (position) AS (
    SELECT 1
    UNION ALL
    SELECT position + 32 FROM positions WHERE position + 32 <= length(:values)
)
SELECT value, event_source_id, number, checked FROM unique_values
WHERE constraint_id = :constraint_id
    AND event_sequence_id = :sequence
    AND scope = :scope
    AND value IN (SELECT substr(:values, position, 32) FROM positions);

-- name: first_event
SELECT number FROM events
WHERE event_sequence_id = :sequence
    AND number > :after
    AND event_source_id = :event_source_id
    AND (:event_source_type IS NULL OR event_source_type = :event_source_type)
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:event_stream_id IS NULL OR event_stream_id = :event_stream_id)
    AND event_type IN (SELECT value FROM json_each(:event_types))
ORDER BY number LIMIT 1;
