"""Reducers: clients that fold events into read models, which the kernel keeps (observation.md 5)."""

from collections.abc import Sequence

from chronicle.kernel.compliance import Compliance
from chronicle.kernel.observation import verdicts
from chronicle.kernel.observation.subscriber import Batch, Effect, ObservationState, Outcome
from chronicle.kernel.observation.targets import Targets
from chronicle.kernel.read_models import (
    ChangeKind,
    InstanceChange,
    InvalidReadModelState,
    ReadModelDefinitions,
    ReadModelSchema,
    Sink,
    Sinks,
)
from chronicle.kernel.storage.read_models import StoredInstance
from chronicle.values import UNAVAILABLE


class ReducerSubscriber:
    """Gives each batch the state to start from, and turns the state that comes back into what is stored."""

    def __init__(
        self,
        targets: Targets,
        read_models: ReadModelDefinitions,
        sinks: Sinks,
        compliance: Compliance,
        read_model: str,
        *,
        guard_on_watermark: bool = True,
    ) -> None:
        self._targets = targets
        self._read_models = read_models
        self._sinks = sinks
        self._compliance = compliance
        self._read_model = read_model
        self._guard = guard_on_watermark

    @property
    def folds(self) -> bool:
        """See `Subscriber`: a batch begins where the one before has come to."""
        return True

    async def undo(self, partition: str) -> Effect | None:
        """See `Subscriber`: the instance is removed."""
        definition = (await self._read_models.get(self._read_model)).definition
        if not definition.is_materialized:
            return None
        sink = self._sinks.of(definition)
        instance = (await sink.instances([partition])).get(partition)
        return None if instance is None else sink.write(InstanceChange(ChangeKind.REMOVED, instance, None))

    async def deliver(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """See `Subscriber`. Events that an instance contains already are not delivered again."""
        # Asked for each time: it may be registered anew, with another schema or container, while we run.
        read_model = await self._read_models.get(self._read_model)
        if not read_model.definition.is_materialized:
            return await self._targets.deliver(batches)
        sink = self._sinks.of(read_model.definition)
        stored = await sink.instances([batch.partition for batch in batches])
        readable = await self._compliance.release_instances(read_model.schema.text, list(stored.values()))
        instances = {instance.key: instance for instance in readable}
        to_reduce = [self._to_reduce(batch, instances.get(batch.partition)) for batch in batches]
        answers = iter(await self._targets.deliver([batch for batch in to_reduce if batch.events]))
        return [
            await self._outcome(batch, instances.get(batch.partition), next(answers), read_model.schema, sink)
            if batch.events
            else _contained(whole)
            for whole, batch in zip(batches, to_reduce, strict=True)
        ]

    def _to_reduce(self, batch: Batch, instance: StoredInstance | None) -> Batch:
        if instance is None or batch.is_replay:
            return batch
        events = batch.events
        if self._guard and events[0].number <= instance.last_handled:
            events = [event for event in events if event.number > instance.last_handled]
        return Batch(batch.partition, events, instance.document)

    async def _outcome(
        self,
        batch: Batch,
        instance: StoredInstance | None,
        answer: Outcome,
        schema: ReadModelSchema,
        sink: Sink,
    ) -> Outcome:
        if answer.state is ObservationState.FAILED:
            # Nothing of the batch is stored: whatever the client got done has to be done again (O66, O166).
            return answer._replace(last_successful=UNAVAILABLE)
        if answer.state is not ObservationState.SUCCESS:
            return answer
        cause = batch.events[-1]
        if not answer.read_model:
            if instance is None:
                return answer
            return answer._replace(effect=sink.write(InstanceChange(ChangeKind.REMOVED, instance, cause)))
        try:
            document = schema.document(answer.read_model, batch.partition)
        except InvalidReadModelState as error:
            return verdicts.raised(error)
        # Where the next batch of a replay starts from.
        answer = answer._replace(read_model=document)
        if instance is not None and schema.is_same(document, instance.document):
            return answer
        subject = batch.events[0].subject
        document = await self._compliance.encrypt_state(schema.text, subject or batch.partition, document)
        stored = StoredInstance(batch.partition, document, cause.number, subject)
        kind = ChangeKind.ADDED if instance is None else ChangeKind.MODIFIED
        return answer._replace(effect=sink.write(InstanceChange(kind, stored, cause)))


def _contained(batch: Batch) -> Outcome:
    return Outcome(ObservationState.SUCCESS, batch.events[-1].number)
