-- name: definitions
SELECT identifier, definition, schema FROM read_models WHERE event_store_id = :event_store_id;

-- name: set_definition
INSERT INTO read_models (event_store_id, identifier, definition, schema) VALUES (?, ?, ?, ?)
ON CONFLICT (event_store_id, identifier) DO UPDATE SET definition = excluded.definition, schema = excluded.schema;

-- name: instances
SELECT key, document, last_handled, subject FROM read_model_instances
WHERE namespace_id = :namespace_id AND container = :container
    AND key IN (SELECT value FROM json_each(:keys));

-- name: page
-- In the order in which instances were first stored.
SELECT key, document, last_handled, subject FROM read_model_instances
WHERE namespace_id = :namespace_id AND container = :container
ORDER BY id LIMIT :limit OFFSET :skip;

-- name: count
SELECT count(*) FROM read_model_instances WHERE namespace_id = :namespace_id AND container = :container;

-- name: set_instance
INSERT INTO read_model_instances (namespace_id, container, key, document, last_handled, subject)
VALUES (:namespace_id, :container, :key, :document, :last_handled, :subject)
ON CONFLICT (namespace_id, container, key) DO UPDATE SET
    document = excluded.document,
    subject = excluded.subject,
    last_handled = max(last_handled, excluded.last_handled);

-- name: remove_instance
DELETE FROM read_model_instances WHERE namespace_id = :namespace_id AND container = :container AND key = :key;
