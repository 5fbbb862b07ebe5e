-- name: close
INSERT OR IGNORE INTO closed_streams (event_sequence_id, event_stream_type, event_stream_id)
VALUES (:sequence, :event_stream_type, :event_stream_id);

-- name: is_closed
SELECT EXISTS (
    SELECT 1 FROM closed_streams
    WHERE event_sequence_id = :sequence
        AND event_stream_type = :event_stream_type
        AND event_stream_id = :event_stream_id
);
