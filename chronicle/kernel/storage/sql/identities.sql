-- name: after
SELECT id, subject, name, user_name FROM identities
WHERE namespace_id = :namespace_id AND id > :after ORDER BY id;

-- name: by_subject
SELECT id, subject, name, user_name FROM identities
WHERE namespace_id = :namespace_id AND subject = :subject ORDER BY id LIMIT 1;

-- name: by_user_name
SELECT id, subject, name, user_name FROM identities
WHERE namespace_id = :namespace_id AND user_name_key = :user_name_key ORDER BY id LIMIT 1;

-- name: add
INSERT INTO identities (namespace_id, subject, name, user_name, user_name_key)
VALUES (:namespace_id, :subject, :name, :user_name, :user_name_key);

-- name: rename
UPDATE identities SET name = :name WHERE namespace_id = :namespace_id AND subject = :subject
RETURNING id, subject, name, user_name;
