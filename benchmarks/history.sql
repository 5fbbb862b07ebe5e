-- name: fast
-- Nobody reads the file meanwhile, and a crash costs no more than another run.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -500000;

-- name: log
SELECT id FROM event_sequences WHERE name = 'event-log';

-- name: repeat
-- The first events of a log once more, :by numbers later.
INSERT INTO events (
    event_sequence_id, number, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
)
SELECT
    event_sequence_id, number + :by, event_source_id, event_source_type, event_stream_type, event_stream_id,
    event_type, generation, occurred, correlation_id, causation, caused_by, tags, subject, content, hash
FROM events
WHERE event_sequence_id = :log AND number < :count
ORDER BY number;
