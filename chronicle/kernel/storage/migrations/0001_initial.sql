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
    PRIMARY KEY (event_store_id, event_type, from_generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    user_name TEXT NOT NULL COLLATE NOCASE
) STRICT;

CREATE INDEX identities_by_subject ON identities (namespace_id, subject);

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

CREATE TABLE constraints (
    event_store_id INTEGER NOT NULL REFERENCES event_stores (id),
    name TEXT NOT NULL,
    -- JSON of the whole definition.
    definition TEXT NOT NULL,
    PRIMARY KEY (event_store_id, name)
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
