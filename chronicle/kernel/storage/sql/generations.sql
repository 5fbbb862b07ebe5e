-- name: add
INSERT INTO event_generations (event_sequence_id, number, generation, content, hash) VALUES (?, ?, ?, ?, ?);

-- name: of_events
SELECT number, generation, content, hash FROM event_generations
WHERE event_sequence_id = :sequence AND number IN (SELECT value FROM json_each(:numbers))
ORDER BY number, generation;

-- name: remove
DELETE FROM event_generations WHERE event_sequence_id = ? AND number = ?;

-- name: keep_highest
INSERT INTO event_generations (event_sequence_id, number, generation, content, hash)
SELECT event_sequence_id, number, generation, content, hash FROM events
WHERE event_sequence_id = ? AND number = ?;

-- name: replace_highest
UPDATE events SET generation = :generation, content = :content, hash = :hash
WHERE event_sequence_id = :sequence AND number = :number;

-- name: mark_for_rewrite
INSERT INTO generation_rewrites (event_store_id, event_type, next_number) VALUES (?, ?, 0)
ON CONFLICT (event_store_id, event_type) DO UPDATE SET next_number = 0;

-- name: pending_rewrites
SELECT event_type, next_number FROM generation_rewrites WHERE event_store_id = ? ORDER BY event_type;

-- name: event_stores_to_rewrite
SELECT DISTINCT event_store_id FROM generation_rewrites;

-- name: next_number
SELECT next_number FROM generation_rewrites WHERE event_store_id = ? AND event_type = ?;

-- name: move_rewrite
UPDATE generation_rewrites SET next_number = ? WHERE event_store_id = ? AND event_type = ?;

-- name: end_rewrite
DELETE FROM generation_rewrites WHERE event_store_id = ? AND event_type = ?;
