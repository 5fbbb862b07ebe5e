-- name: add
-- A request that comes again, after a crash, finds its revision there.
INSERT INTO event_revisions (
    event_sequence_id, number, request,
    generation, occurred, correlation_id, causation, caused_by, content, hash
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (event_sequence_id, number, request) DO NOTHING;

-- name: remove
DELETE FROM event_revisions WHERE event_sequence_id = ? AND number = ?;

-- name: are_there
SELECT EXISTS (SELECT 1 FROM event_revisions WHERE event_sequence_id = ?);

-- name: of_events
SELECT number, request, generation, occurred, correlation_id, causation, caused_by, content, hash
FROM event_revisions
WHERE event_sequence_id = :sequence AND number IN (SELECT value FROM json_each(:numbers))
ORDER BY number, request;
