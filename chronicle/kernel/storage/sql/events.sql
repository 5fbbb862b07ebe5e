-- name: sequence_id
SELECT id FROM event_sequences WHERE namespace_id = :namespace_id AND name = :name;

-- name: add_sequence
INSERT INTO event_sequences (namespace_id, name) VALUES (:namespace_id, :name);

-- name: sequence_names
SELECT name FROM event_sequences WHERE namespace_id = :namespace_id;

-- name: insert
INSERT INTO events (
    event_sequence_id, number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: tail
SELECT max(number) FROM events WHERE event_sequence_id = :sequence;

-- name: tail_of_whole_source
-- What most appends that are compared with the log ask for: half as long under way as the general one.
SELECT number FROM events
WHERE event_sequence_id = ? AND event_source_id = ? AND number > ?
ORDER BY number DESC LIMIT 1;

-- name: tail_of_source
-- Null filters do not narrow.
SELECT number FROM events
WHERE event_sequence_id = :sequence
    AND number > :after
    AND event_source_id = :event_source_id
    AND (:event_source_type IS NULL OR event_source_type = :event_source_type)
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:event_stream_id IS NULL OR event_stream_id = :event_stream_id)
    AND (:event_types IS NULL OR event_type IN (SELECT value FROM json_each(:event_types)))
ORDER BY number DESC LIMIT 1;

-- name: tail_filtered
-- Walks from the end to the first match: how far, `after` bounds.
SELECT number FROM events
WHERE event_sequence_id = :sequence
    AND number > :after
    AND (:event_source_type IS NULL OR event_source_type = :event_source_type)
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:event_stream_id IS NULL OR event_stream_id = :event_stream_id)
    AND (:event_types IS NULL OR event_type IN (SELECT value FROM json_each(:event_types)))
ORDER BY number DESC LIMIT 1;

-- name: has_events_of_source
SELECT EXISTS (
    SELECT 1 FROM events WHERE event_sequence_id = :sequence AND event_source_id = :event_source_id
);

-- name: read
-- A negative limit is none.
SELECT
    number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
FROM events
WHERE event_sequence_id = :sequence
    AND number BETWEEN :first AND :last
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:event_stream_id IS NULL OR event_stream_id = :event_stream_id)
    AND (:event_types IS NULL OR event_type IN (SELECT value FROM json_each(:event_types)))
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(events.tags) AS tag
        WHERE tag.value IN (SELECT value FROM json_each(:tags))
    ))
ORDER BY number LIMIT :limit;

-- name: read_source
-- SQLite knows nothing of how the events are spread, and would look through all of them.
SELECT
    number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
FROM events INDEXED BY events_by_source
WHERE event_sequence_id = :sequence
    AND event_source_id = :event_source_id
    AND number BETWEEN :first AND :last
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:event_stream_id IS NULL OR event_stream_id = :event_stream_id)
    AND (:event_types IS NULL OR event_type IN (SELECT value FROM json_each(:event_types)))
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(events.tags) AS tag
        WHERE tag.value IN (SELECT value FROM json_each(:tags))
    ))
ORDER BY number LIMIT :limit;
