-- name: latest
-- The key of the highest revision of each identifier.
SELECT identifier, max(revision), public_key, private_key FROM encryption_keys
WHERE event_store_id = :event_store_id AND namespace = :namespace
    AND identifier IN (SELECT value FROM json_each(:identifiers))
GROUP BY identifier;

-- name: all_of
SELECT identifier, revision, public_key, private_key FROM encryption_keys
WHERE event_store_id = :event_store_id AND namespace = :namespace AND identifier = :identifier
ORDER BY revision;

-- name: add
INSERT INTO encryption_keys (event_store_id, namespace, identifier, revision, public_key, private_key)
VALUES (:event_store_id, :namespace, :identifier, :revision, :public_key, :private_key);

-- name: remove
DELETE FROM encryption_keys
WHERE event_store_id = :event_store_id AND namespace = :namespace AND identifier = :identifier;

-- name: fences
SELECT identifier, erased_through, fingerprints, new_key_allowed FROM encryption_key_fences
WHERE event_store_id = :event_store_id AND namespace = :namespace
    AND identifier IN (SELECT value FROM json_each(:identifiers));

-- name: set_fence
INSERT INTO encryption_key_fences (
    event_store_id, namespace, identifier, erased_through, fingerprints, new_key_allowed
) VALUES (:event_store_id, :namespace, :identifier, :erased_through, :fingerprints, :new_key_allowed)
ON CONFLICT (event_store_id, namespace, identifier) DO UPDATE SET
    erased_through = excluded.erased_through,
    fingerprints = excluded.fingerprints,
    new_key_allowed = excluded.new_key_allowed;

-- name: allow_new_key
UPDATE encryption_key_fences SET new_key_allowed = 1
WHERE event_store_id = :event_store_id AND namespace = :namespace AND identifier = :identifier;
