-- name: event
SELECT
    number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
FROM events WHERE event_sequence_id = :sequence AND number = :number;

-- name: events_of_source
SELECT
    number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
FROM events
WHERE event_sequence_id = :sequence AND event_source_id = :event_source_id AND number >= :first
ORDER BY number LIMIT :limit;

-- name: replace
UPDATE events SET
    event_type = :event_type,
    generation = :generation,
    occurred = :occurred,
    correlation_id = :correlation_id,
    causation = :causation,
    caused_by = :caused_by,
    content = :content,
    hash = :hash
WHERE event_sequence_id = :sequence AND number = :number;

-- name: empty_revision_requests
UPDATE events SET content = json_set(content, '$.content', '')
WHERE event_sequence_id = :system AND number IN (SELECT value FROM json_each(:requests));

-- name: request_replays
-- Of a partition, by all observers that take one of these types.
INSERT INTO partition_replays (namespace_id, observer_id, partition, request)
SELECT :namespace_id, id, :partition, 1 FROM observers
WHERE event_store_id = :event_store_id
    AND event_sequence = :event_sequence
    AND is_replayable
    AND is_active
    AND EXISTS (
        SELECT 1 FROM json_each(observers.event_types) AS observed
        WHERE json_extract(observed.value, '$.id') IN (SELECT value FROM json_each(:event_types))
    )
ON CONFLICT (namespace_id, observer_id, partition) DO UPDATE SET request = request + 1
RETURNING observer_id, partition, request;

-- name: namespaces_with_requests
-- Those whose `system` sequence has requests that the observer has not handled yet, or could not handle.
SELECT event_stores.name, namespaces.name
FROM namespaces
JOIN event_stores ON event_stores.id = namespaces.event_store_id
JOIN event_sequences ON event_sequences.namespace_id = namespaces.id
WHERE event_sequences.name = :system
    AND (
        EXISTS (
            SELECT 1 FROM failed_partitions
            WHERE failed_partitions.namespace_id = namespaces.id
                AND failed_partitions.observer_id = :observer_id
        )
        OR EXISTS (
            SELECT 1 FROM events
            WHERE events.event_sequence_id = event_sequences.id
                AND events.event_type IN (SELECT value FROM json_each(:event_types))
                AND events.number >= coalesce((
                    SELECT next_number FROM observer_states
                    WHERE observer_states.namespace_id = namespaces.id
                        AND observer_states.observer_id = :observer_id
                ), 0)
        )
    );
