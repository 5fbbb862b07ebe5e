"""Personal data of one namespace: encrypted on its way to the disk, released on its way out (events.md 13).

What a schema marks is found out once per schema. Content of a schema without marks passes as it is.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chronicle.kernel.compliance.envelopes import BrokenEnvelope, Sealed, sealed_value
from chronicle.kernel.compliance.errors import EncryptionKeyErased, PersonalDataErased
from chronicle.kernel.compliance.keys import EncryptionKeys
from chronicle.kernel.compliance.plans import Finding, Plan, copied, plan_of, text_of
from chronicle.kernel.event_types import EventTypes
from chronicle.kernel.schemas import InvalidContent, content_of
from chronicle.kernel.storage.encryption_keys import KeyScope
from chronicle.kernel.storage.events import GenerationalEvent, StoredEvent
from chronicle.kernel.storage.generations import GenerationContent
from chronicle.kernel.storage.read_models import StoredInstance

if TYPE_CHECKING:
    from chronicle.kernel.compliance.ciphers import SubjectKey

_log: Final = logging.getLogger(__name__)

_MOST_PLANS: Final = 1024


class Stored(NamedTuple):
    """Content as it is stored, and what is needed to read it."""

    plan: Plan | None
    subject: str
    content: str


class Readable(NamedTuple):
    """Events whose content in other generations than their own is readable, and what they say."""

    events: Sequence[StoredEvent]
    contents: Sequence[str] | None = None
    """What stands in place of the events' own contents; `None` when all are as they are stored."""


class _Seal(NamedTuple):
    """An encrypted value in a document."""

    finding: Finding
    subject: str
    value: Sealed | BrokenEnvelope


class Compliance:
    """Encrypts and releases the personal data of one namespace."""

    def __init__(self, keys: EncryptionKeys, scope: KeyScope) -> None:
        self._keys = keys
        self._scope = scope
        self.plan_of: Final = lru_cache(_MOST_PLANS)(plan_of)
        """Where a schema marks personal data; `None` when it does nowhere. Raises `InvalidSchema`."""

    async def encrypt(self, schema: str, subject: str, content: dict[str, Any]) -> dict[str, Any]:
        """Content as it is stored: a new one, or the same when there is nothing personal in it.

        Raises `CompliancePropertyNotFoundInSchema` for a property of which the schema does not say whether
        it is personal; otherwise as `seal`.
        """
        plan = self.plan_of(schema)
        if plan is None or not plan.has_personal(content, subject):
            return content
        return await self.seal(plan, subject, content)

    async def seal(self, plan: Plan, subject: str, content: dict[str, Any]) -> dict[str, Any]:
        """Content with what is personal in it encrypted; the subject's key is made if it has none.

        Raises `PersonalDataErased` when the subject was erased.
        """
        document: dict[str, Any] = copied(content)
        found = plan.find(document, subject, is_strict=False)
        if not found:
            return content
        try:
            key = self._keys.in_memory(self._scope, subject) or await self._keys.provide(self._scope, subject)
        except EncryptionKeyErased as error:
            raise PersonalDataErased(found[0].path, subject) from error
        for holder, name, _, _ in found:
            holder[name] = key.seal(text_of(holder[name]))
        return document

    async def encrypt_state(self, schema: str, subject: str, document: str) -> str:
        """A read model's document as it is stored.

        Of a subject that was erased nothing personal is kept, and of what the schema does not declare
        nothing is known to be: a read model goes on all the same.
        """
        plan = self.plan_of(schema)
        if plan is None:
            return document
        content = content_of(document)
        found = plan.find(content, subject, is_strict=False)
        if not found:
            return document
        try:
            key = await self._keys.provide(self._scope, subject)
        except EncryptionKeyErased:
            for holder, name, place, _ in found:
                holder[name] = place.blank
        else:
            for holder, name, _, _ in found:
                holder[name] = key.seal(text_of(holder[name]))
        return text_of(content)

    async def release(self, schema: str, subject: str, content: str, *, is_strict: bool = False) -> str:
        """Content with its personal data readable; empty values in place of those that nobody can read.

        Raises `InvalidSchema` or `InvalidContent` for texts that are no JSON objects and, if it is strict,
        `CompliancePropertyNotFoundInSchema`.
        """
        plan = self.plan_of(schema)
        if plan is None:
            return content
        if is_strict:
            plan.find(content_of(content), subject)
        return (await self.release_all([Stored(plan, subject, content)]))[0]

    async def release_all(self, contents: Iterable[Stored]) -> list[str]:
        """As `release`, for many at once: keys that are not at hand are fetched and used together."""
        texts: list[str] = []
        documents: dict[int, dict[str, Any]] = {}
        seals: list[_Seal] = []
        for index, (plan, subject, content) in enumerate(contents):
            texts.append(content)
            found = () if plan is None else _seals(plan, subject, content)
            if found:
                documents[index], sealed = found
                seals += sealed
        if seals:
            await self._open(seals)
            for index, document in documents.items():
                texts[index] = text_of(document)
        return texts

    async def release_events(self, events: Sequence[StoredEvent], event_types: EventTypes) -> Readable:
        """Events as readers see them, in all their generations."""
        plans = {id_: self._plans_of_type(event_types, id_) for id_ in {event.event_type for event in events}}
        if not any(plans.values()):
            return Readable(events)
        texts = iter(
            await self.release_all(
                Stored(
                    plans[event.event_type].get(generation, plans[event.event_type].get(None)),
                    event.subject or event.event_source_id,
                    content,
                )
                for event in events
                for generation, content in _contents(event)
            )
        )
        readable: list[StoredEvent] = []
        contents: list[str] = []
        for event in events:
            contents.append(next(texts))
            others = tuple(other._replace(content=next(texts)) for other in _others(event))
            readable.append(GenerationalEvent.of(event, others) if others else event)
        return Readable(readable, contents)

    async def release_instances(
        self, schema: str, instances: Sequence[StoredInstance]
    ) -> Sequence[StoredInstance]:
        """Instances of a read model with their personal data readable."""
        plan = self.plan_of(schema)
        if plan is None:
            return instances
        documents = await self.release_all(
            Stored(plan, instance.subject or instance.key, instance.document) for instance in instances
        )
        return [
            instance._replace(document=document)
            for instance, document in zip(instances, documents, strict=True)
        ]

    def _plans_of_type(self, event_types: EventTypes, event_type: str) -> Mapping[int | None, Plan | None]:
        """Those of its generations, and under None that of any other; nothing when no generation has one."""
        if not event_types.knows(event_type):
            return {}
        definition = event_types.protecting(event_type)
        plans: dict[int | None, Plan | None] = {
            generation: self.plan_of(schema) for generation, schema in definition.schemas.items()
        }
        plans[None] = next(iter(plans.values()))
        return plans if any(plans.values()) else {}

    async def _open(self, seals: Sequence[_Seal]) -> None:
        """Puts what each seal holds where it stands."""
        keys = await self._keys.find(self._scope, {seal.subject for seal in seals})
        slow = [seal for seal in seals if not _opens_at_once(seal, keys)]
        opened: dict[int, str | None] = {}
        if slow:
            # RSA: a thousand of them would hold up everyone else for a third of a second.
            texts = await self._keys.run(lambda: [_opened(seal, keys) for seal in slow])
            opened = {id(seal): text for seal, text in zip(slow, texts, strict=True)}
        unreadable = 0
        for seal in seals:
            text = opened[id(seal)] if id(seal) in opened else _opened(seal, keys)
            holder, name, place, _ = seal.finding
            holder[name] = place.blank if text is None else place.restored(text)
            unreadable += text is None and seal.subject in keys
        if unreadable:
            # Nothing about whose they are: an identifier may be personal itself.
            _log.info("%d values were encrypted with other keys than their subjects have now", unreadable)


def _others(event: StoredEvent) -> Sequence[GenerationContent]:
    """Its content in other generations, as it is given to readers; that of a revised event is not."""
    return event.others if type(event) is GenerationalEvent else ()


def _contents(event: StoredEvent) -> Iterator[tuple[int, str]]:
    yield event.generation, event.content
    for other in _others(event):
        yield other.generation, other.content


def _seals(plan: Plan, subject: str, content: str) -> tuple[dict[str, Any], list[_Seal]] | tuple[()]:
    try:
        document = content_of(content)
    except InvalidContent:
        return ()
    seals = [
        _Seal(finding, subject, sealed)
        for finding in plan.find(document, subject, is_strict=False)
        if (sealed := sealed_value(finding.holder[finding.key])) is not None
    ]
    return (document, seals) if seals else ()


def _opens_at_once(seal: _Seal, keys: "Mapping[str, SubjectKey]") -> bool:
    key = keys.get(seal.subject)
    return key is None or isinstance(seal.value, BrokenEnvelope) or key.opens_at_once(seal.value)


def _opened(seal: _Seal, keys: "Mapping[str, SubjectKey]") -> str | None:
    key = keys.get(seal.subject)
    return None if key is None or isinstance(seal.value, BrokenEnvelope) else key.open(seal.value)
