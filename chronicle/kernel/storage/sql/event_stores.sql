-- name: event_stores
SELECT id, name FROM event_stores ORDER BY id;

-- name: event_store_id
SELECT id FROM event_stores WHERE name = :name;

-- name: add_event_store
INSERT INTO event_stores (name) VALUES (:name);

-- name: namespaces
SELECT id, event_store_id, name FROM namespaces ORDER BY id;

-- name: namespace
SELECT id, event_store_id, name FROM namespaces WHERE event_store_id = :event_store_id AND name = :name;

-- name: add_namespace
INSERT INTO namespaces (event_store_id, name) VALUES (:event_store_id, :name);
