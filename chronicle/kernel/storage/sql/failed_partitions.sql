-- name: of_observer
SELECT id, partition, sequence_number
FROM failed_partitions WHERE namespace_id = :namespace_id AND observer_id = :observer_id;

-- name: attempts
SELECT occurred, sequence_number, messages, stack_trace
FROM failed_partition_attempts WHERE failed_partition_id = :failed_partition_id ORDER BY attempt;

-- name: set_failed_partition
INSERT INTO failed_partitions (id, namespace_id, observer_id, partition, sequence_number)
VALUES (:id, :namespace_id, :observer_id, :partition, :sequence_number)
ON CONFLICT (id) DO UPDATE SET sequence_number = excluded.sequence_number;

-- name: add_attempt
INSERT INTO failed_partition_attempts (
    failed_partition_id, attempt, occurred, sequence_number, messages, stack_trace
) VALUES (:failed_partition_id, :attempt, :occurred, :sequence_number, :messages, :stack_trace);

-- name: remove_failed_partition
DELETE FROM failed_partitions WHERE id = :id;
