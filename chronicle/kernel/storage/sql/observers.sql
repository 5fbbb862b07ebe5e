-- name: definitions
SELECT id, type, owner, event_sequence, event_types, is_replayable, is_active
FROM observers WHERE event_store_id = :event_store_id;

-- name: set_definition
INSERT INTO observers (event_store_id, id, type, owner, event_sequence, event_types, is_replayable, is_active)
VALUES (:event_store_id, :id, :type, :owner, :event_sequence, :event_types, :is_replayable, :is_active)
ON CONFLICT (event_store_id, id) DO UPDATE SET
    type = excluded.type,
    owner = excluded.owner,
    event_sequence = excluded.event_sequence,
    event_types = excluded.event_types,
    is_replayable = excluded.is_replayable,
    is_active = excluded.is_active;

-- name: remove_definition
DELETE FROM observers WHERE event_store_id = :event_store_id AND id = :id;

-- name: state
SELECT next_number, last_handled, handled_count, ahead
FROM observer_states WHERE namespace_id = :namespace_id AND observer_id = :observer_id;

-- name: advance
-- Positions only move forward: a step that began earlier may be stored later, and must not take them back.
INSERT INTO observer_states (namespace_id, observer_id, next_number, last_handled, handled_count, ahead)
VALUES (:namespace_id, :observer_id, :next_number, :last_handled, :handled, coalesce(:ahead, '{}'))
ON CONFLICT (namespace_id, observer_id) DO UPDATE SET
    next_number = max(next_number, excluded.next_number),
    last_handled = coalesce(max(last_handled, excluded.last_handled), last_handled, excluded.last_handled),
    handled_count = handled_count + excluded.handled_count,
    ahead = coalesce(:ahead, ahead);

-- name: replays
SELECT partition, request FROM partition_replays
WHERE namespace_id = :namespace_id AND observer_id = :observer_id;

-- name: request_replay
INSERT INTO partition_replays (namespace_id, observer_id, partition, request)
VALUES (:namespace_id, :observer_id, :partition, 1)
ON CONFLICT (namespace_id, observer_id, partition) DO UPDATE SET request = request + 1
RETURNING request;

-- name: end_replay
DELETE FROM partition_replays
WHERE namespace_id = :namespace_id
    AND observer_id = :observer_id
    AND partition = :partition
    AND request = :request;
