-- name: matching
-- Null criteria do not narrow.
event_sequence_id = :sequence
    AND (:event_source_type IS NULL OR event_source_type = :event_source_type)
    AND (:event_stream_type IS NULL OR event_stream_type = :event_stream_type)
    AND (:correlation_id IS NULL OR correlation_id = :correlation_id)
    AND (:event_types IS NULL OR event_type IN (SELECT value FROM json_each(:event_types)))
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(events.tags) AS tag
        WHERE tag.value IN (SELECT value FROM json_each(:tags))
    ))

-- name: of_source
-- SQLite knows nothing of how the events are spread, and would look through all of them.
events INDEXED BY events_by_source
WHERE event_source_id = :event_source_id
    AND {matching}

-- name: columns
number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash

-- name: count
SELECT count(*) FROM events WHERE {matching};

-- name: count_of_all
-- Numbers have no holes, and what is redacted keeps its own: counting a million takes half a second, this none.
SELECT coalesce(max(number) + 1, 0) FROM events WHERE event_sequence_id = :sequence;

-- name: count_of_source
SELECT count(*) FROM {of_source};

-- name: page
SELECT {columns} FROM events WHERE {matching} ORDER BY number LIMIT :limit OFFSET :skip;

-- name: page_of_source
SELECT {columns} FROM {of_source} ORDER BY number LIMIT :limit OFFSET :skip;

-- name: page_descending
SELECT {columns} FROM events WHERE {matching} ORDER BY number DESC LIMIT :limit OFFSET :skip;

-- name: page_descending_of_source
SELECT {columns} FROM {of_source} ORDER BY number DESC LIMIT :limit OFFSET :skip;

-- name: in_order
-- There is no index for these, so that appends need not keep them. Equal ones go by their numbers.
CASE WHEN NOT :descending THEN {sort_key} END,
    CASE WHEN :descending THEN {sort_key} END DESC,
    CASE WHEN :descending THEN -number ELSE number END

-- name: sort_key
CASE :sort_by WHEN 1 THEN occurred WHEN 2 THEN event_type ELSE event_source_id END

-- name: page_sorted
-- Numbers are sorted rather than whole events.
SELECT {columns} FROM events
WHERE event_sequence_id = :sequence
    AND number IN (SELECT number FROM events WHERE {matching} ORDER BY {in_order} LIMIT :limit OFFSET :skip)
ORDER BY {in_order};

-- name: page_sorted_of_source
SELECT {columns} FROM events
WHERE event_sequence_id = :sequence
    AND number IN (
        SELECT number FROM {of_source} ORDER BY {in_order} LIMIT :limit OFFSET :skip
    )
ORDER BY {in_order};

-- name: bucket
-- Where the bucket begins; SQLite's remainder of a negative number is negative.
occurred - (((occurred - :first) % :length) + :length) % :length

-- name: histogram
SELECT {bucket} AS bucket, count(*) FROM events WHERE {matching} GROUP BY bucket ORDER BY bucket;

-- name: histogram_of_source
SELECT {bucket} AS bucket, count(*) FROM {of_source} GROUP BY bucket ORDER BY bucket;
