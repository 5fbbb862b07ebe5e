-- The first schema. A migration that was released is never edited: a change is a new file.

CREATE TABLE event_stores (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY,
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    -- The kernel compares namespaces without regard to casing; the first casing is kept (events.md 1).
    name TEXT NOT NULL COLLATE NOCASE,
    UNIQUE (event_store_id, name)
) STRICT;

CREATE TABLE event_sequences (
    id INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE event_type_generations (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    event_type TEXT NOT NULL,
    generation INTEGER NOT NULL,
    tombstone INTEGER NOT NULL,
    schema TEXT NOT NULL,
    PRIMARY KEY (event_store_id, event_type, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_type_migrations (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    event_type TEXT NOT NULL,
    from_generation INTEGER NOT NULL,
    to_generation INTEGER NOT NULL,
    upcast TEXT NOT NULL,
    downcast TEXT NOT NULL,
    PRIMARY KEY (event_store_id, event_type, from_generation, to_generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- As user names are compared: in lower case, of letters that SQLite cannot fold as well.
    user_name_key TEXT NOT NULL
) STRICT;

CREATE INDEX identities_by_subject ON identities (namespace_id, subject);

CREATE INDEX identities_by_user_name ON identities (namespace_id, user_name_key);

CREATE TABLE events (
    -- A row of event_sequences; checking that for every event would be a look-up for nothing.
    event_sequence_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    event_source_id TEXT NOT NULL,
    event_source_type TEXT NOT NULL,
    event_stream_type TEXT NOT NULL,
    event_stream_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    generation INTEGER NOT NULL,
    -- Ticks of 100 ns since the Unix epoch, UTC.
    occurred INTEGER NOT NULL,
    -- The sixteen bytes of the guid as written, most significant first.
    correlation_id BLOB NOT NULL,
    -- The chain in the wire's own encoding, as it arrived; nothing but the services looks into it.
    causation BLOB NOT NULL,
    -- JSON array of identity ids, the acting one first.
    caused_by TEXT NOT NULL,
    -- JSON array of texts; null when there are none.
    tags TEXT,
    -- Null when the event source id is the subject.
    subject TEXT,
    -- JSON, byte for byte as it arrived.
    content TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (event_sequence_id, number)
) STRICT, WITHOUT ROWID;

-- The one index beside the key: each further one costs a single append about a tenth.
CREATE INDEX events_by_source ON events (event_sequence_id, event_source_id, number);

-- The generations in which an event is stored besides the one above, which is the highest.
CREATE TABLE event_generations (
    event_sequence_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    content TEXT NOT NULL,
    -- Empty when this generation was registered after the event was appended.
    hash TEXT NOT NULL,
    PRIMARY KEY (event_sequence_id, number, generation)
) STRICT, WITHOUT ROWID;

-- Event types whose stored events lack a generation, from this number on.
CREATE TABLE generation_rewrites (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    event_type TEXT NOT NULL,
    next_number INTEGER NOT NULL,
    PRIMARY KEY (event_store_id, event_type)
) STRICT, WITHOUT ROWID;

-- What events were revised to. The events themselves stay; the latest revision is what is read of them.
CREATE TABLE event_revisions (
    event_sequence_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- The number of the request in the `system` sequence: the same request changes nothing the second time.
    request INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    occurred INTEGER NOT NULL,
    correlation_id BLOB NOT NULL,
    causation BLOB NOT NULL,
    -- JSON array of identity ids, of which there is one.
    caused_by TEXT NOT NULL,
    content TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (event_sequence_id, number, request)
) STRICT, WITHOUT ROWID;

-- Streams that take no more events, whatever their event source; none is ever opened again.
CREATE TABLE closed_streams (
    event_sequence_id INTEGER NOT NULL REFERENCES event_sequences (id),
    event_stream_type TEXT NOT NULL,
    event_stream_id TEXT NOT NULL,
    PRIMARY KEY (event_sequence_id, event_stream_type, event_stream_id)
) STRICT, WITHOUT ROWID;

-- What was seeded, once for each time; the same entry may come several times.
CREATE TABLE seeded_events (
    id INTEGER PRIMARY KEY,
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    -- Null for what all namespaces have been given.
    namespace_id INTEGER REFERENCES namespaces (id),
    event_source_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    content TEXT NOT NULL,
    -- JSON array of texts.
    tags TEXT NOT NULL,
    -- The chain of the call that brought it, in the wire's own encoding.
    causation BLOB NOT NULL
) STRICT;

CREATE INDEX seeded_events_by_namespace ON seeded_events (event_store_id, namespace_id, id);

CREATE TABLE sequence_queries (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    is_for_everyone INTEGER NOT NULL,
    -- All of it in the wire's own encoding; nothing but the services looks into it.
    definition BLOB NOT NULL,
    PRIMARY KEY (event_store_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence_query_folders (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    owner TEXT NOT NULL,
    is_for_everyone INTEGER NOT NULL,
    definition BLOB NOT NULL,
    PRIMARY KEY (event_store_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE constraints (
    id INTEGER PRIMARY KEY,
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    name TEXT NOT NULL,
    -- JSON of the whole definition.
    definition TEXT NOT NULL,
    -- 0 while the index is filled, and again once it was replaced.
    is_in_force INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX constraints_in_force ON constraints (event_store_id, name) WHERE is_in_force;

-- Who has taken which value last. That he holds it still is not said here: the events tell.
CREATE TABLE unique_values (
    constraint_id INTEGER NOT NULL REFERENCES constraints (id),
    event_sequence_id INTEGER NOT NULL REFERENCES event_sequences (id),
    -- What the value is unique within; empty for the whole event sequence (events.md 7.4).
    scope TEXT NOT NULL,
    -- SHA-256, for values may be personal.
    value BLOB NOT NULL,
    event_source_id TEXT NOT NULL,
    -- The event by which the source has taken it.
    number INTEGER NOT NULL,
    -- Up to which number the source is known to have kept it.
    checked INTEGER NOT NULL,
    PRIMARY KEY (constraint_id, event_sequence_id, scope, value)
) STRICT, WITHOUT ROWID;

-- The keys that personal data is encrypted with, one for each subject.
CREATE TABLE encryption_keys (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    -- In lower case. By name: a key is deleted in a namespace of all event stores, also where it is not yet.
    namespace TEXT NOT NULL,
    identifier TEXT NOT NULL,
    revision INTEGER NOT NULL,
    -- PKCS#1 in DER.
    public_key BLOB NOT NULL,
    private_key BLOB NOT NULL,
    PRIMARY KEY (event_store_id, namespace, identifier, revision)
) STRICT, WITHOUT ROWID;

-- What must not come back after the keys of a subject were deleted.
CREATE TABLE encryption_key_fences (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    namespace TEXT NOT NULL,
    identifier TEXT NOT NULL,
    erased_through INTEGER NOT NULL,
    -- JSON array of the SHA-256 of public keys, in hexadecimal.
    fingerprints TEXT NOT NULL,
    new_key_allowed INTEGER NOT NULL,
    PRIMARY KEY (event_store_id, namespace, identifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE read_models (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    identifier TEXT NOT NULL,
    -- JSON of the whole definition but the schema.
    definition TEXT NOT NULL,
    schema TEXT NOT NULL,
    PRIMARY KEY (event_store_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE read_model_instances (
    id INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    container TEXT NOT NULL,
    key TEXT NOT NULL,
    -- JSON of the instance, names in the schema's casing.
    document TEXT NOT NULL,
    -- The number of the last event that the instance contains.
    last_handled INTEGER NOT NULL,
    -- Whose key its personal data is encrypted with; null when there is none, or when it is that of `key`.
    subject TEXT,
    UNIQUE (namespace_id, container, key)
) STRICT;

-- Pages go in the order in which instances were first stored.
CREATE INDEX read_model_instances_in_order ON read_model_instances (namespace_id, container, id);

CREATE TABLE observers (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    id TEXT NOT NULL,
    -- 1 reactor, 2 projection, 3 reducer, 4 external (observation.md 2.1).
    type INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    event_sequence TEXT NOT NULL,
    -- JSON array of {"id", "generation", "key"}.
    event_types TEXT NOT NULL,
    is_replayable INTEGER NOT NULL,
    -- 0 for a passive reducer, which never subscribes.
    is_active INTEGER NOT NULL,
    PRIMARY KEY (event_store_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE observer_states (
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    observer_id TEXT NOT NULL,
    next_number INTEGER NOT NULL,
    -- Null until an event was handled.
    last_handled INTEGER,
    handled_count INTEGER NOT NULL,
    -- JSON object of partitions that were handled beyond next_number, up to and including the number given.
    ahead TEXT NOT NULL,
    PRIMARY KEY (namespace_id, observer_id)
) STRICT, WITHOUT ROWID;

-- Partitions that an observer has to handle again from their first event.
CREATE TABLE partition_replays (
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    observer_id TEXT NOT NULL,
    partition TEXT NOT NULL,
    -- Counts the requests: one that comes during a replay is not answered by its end.
    request INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, observer_id, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE failed_partitions (
    id BLOB PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    observer_id TEXT NOT NULL,
    partition TEXT NOT NULL,
    -- Where the next attempt begins.
    sequence_number INTEGER NOT NULL,
    UNIQUE (namespace_id, observer_id, partition)
) STRICT;

CREATE TABLE failed_partition_attempts (
    failed_partition_id BLOB NOT NULL REFERENCES failed_partitions (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    occurred INTEGER NOT NULL,
    sequence_number INTEGER NOT NULL,
    -- JSON array of texts, outermost first.
    messages TEXT NOT NULL,
    stack_trace TEXT NOT NULL,
    PRIMARY KEY (failed_partition_id, attempt)
) STRICT, WITHOUT ROWID;

-- What event stores get from the outboxes of others.
CREATE TABLE event_store_subscriptions (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    identifier TEXT NOT NULL,
    -- By name: it need not be there yet.
    source_event_store TEXT NOT NULL,
    -- JSON array of {"id", "generation", "key"}.
    event_types TEXT NOT NULL,
    PRIMARY KEY (event_store_id, identifier)
) STRICT, WITHOUT ROWID;
