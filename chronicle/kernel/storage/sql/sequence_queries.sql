-- name: queries
-- Names come before ids, so that the order is always the same.
SELECT definition FROM sequence_queries
WHERE event_store_id = :event_store_id AND (is_for_everyone OR owner = :owner)
ORDER BY name, id;

-- name: save_query
INSERT OR REPLACE INTO sequence_queries (event_store_id, id, name, owner, is_for_everyone, definition)
VALUES (?, ?, ?, ?, ?, ?);

-- name: delete_query
DELETE FROM sequence_queries WHERE event_store_id = :event_store_id AND id = :id;

-- name: folders
SELECT definition FROM sequence_query_folders
WHERE event_store_id = :event_store_id AND (is_for_everyone OR owner = :owner)
ORDER BY path, id;

-- name: save_folder
INSERT OR REPLACE INTO sequence_query_folders (event_store_id, id, path, owner, is_for_everyone, definition)
VALUES (?, ?, ?, ?, ?, ?);

-- name: delete_folder
DELETE FROM sequence_query_folders WHERE event_store_id = :event_store_id AND id = :id;
