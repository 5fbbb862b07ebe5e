"""Instances of read models for handlers that ask for them: the one of the event's source (S111).

@reactor
async def thank(event: FundsDeposited, account: Account) -> None: ...
"""

from collections.abc import Iterable
from typing import Any

from chronicle.events.event_context import EventContext
from chronicle.observation.services import Services
from chronicle.read_models.read_models import ReadModels


def add_instances(services: Services, read_models: ReadModels, models: Iterable[type]) -> None:
    """Lets handlers ask for `Account`, which has to be there by then, and for `Account | None`.

    Reducers run beside reactors: an instance may not contain the event yet that is being handled. A handler
    that needs one fails its event when there is none, and is given it again later.
    """
    for model in models:
        services.add_factory(model, _required(read_models, model))
        services.add_factory(model | None, _optional(read_models, model))


def _optional(read_models: ReadModels, model: type) -> Any:
    async def find(context: EventContext) -> object:
        return await read_models.get(model, context.event_source_id)

    return find


def _required(read_models: ReadModels, model: type) -> Any:
    async def get(context: EventContext) -> object:
        instance: object = await read_models.get(model, context.event_source_id)
        if instance is None:
            raise LookupError(
                f"There is no {model.__qualname__} '{context.event_source_id}' yet. A handler that can do "
                f"without asks for {model.__qualname__} | None."
            )
        return instance

    return get
