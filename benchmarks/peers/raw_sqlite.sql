-- name: durable
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;

-- name: schema
CREATE TABLE IF NOT EXISTS event (
  sequence_number INTEGER PRIMARY KEY,
  event_source_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  generation INTEGER NOT NULL,
  occurred INTEGER NOT NULL,
  correlation_id BLOB NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_by_source ON event (event_source_id, sequence_number);
CREATE INDEX IF NOT EXISTS event_by_type ON event (event_type, sequence_number);
CREATE INDEX IF NOT EXISTS event_by_correlation ON event (correlation_id);

-- name: insert
INSERT INTO event (sequence_number, event_source_id, event_type, generation, occurred, correlation_id, content)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: page
SELECT sequence_number, event_source_id, event_type, generation, occurred, correlation_id, content
FROM event WHERE sequence_number > ? ORDER BY sequence_number LIMIT 100;
