"""Webhooks: events that the kernel posts to a URL (observation.md 9). Secrets go in, and never come out."""

from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from fastapi import APIRouter
from pydantic import Field, SecretStr

from chronicle.contracts import observation_webhooks_pb2 as pb
from chronicle.contracts.observation_webhooks_pb2_grpc import WebhooksStub
from chronicle.values import EVENT_LOG
from chronicle_fastapi.admin.addresses import require_http, require_public
from chronicle_fastapi.admin.calls import ask
from chronicle_fastapi.admin.models import (
    LARGEST_NAME,
    AdminModel,
    AdminRequest,
    EventTypeReference,
    Name,
    NewName,
)
from chronicle_fastapi.admin.routes import ACCEPTED, resource_router
from chronicle_fastapi.admin.scopes import EventStoreScope, IdInPath, InEventStore, with_id

Url = Annotated[str, Field(min_length=1, max_length=4000, examples=["https://example.com/events"])]
Secret = Annotated[SecretStr, Field(max_length=10_000)]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=LARGEST_NAME)]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e\t]*$", max_length=10_000)]


class BasicAuthorization(AdminRequest):
    """A user name and a password, in every request."""

    kind: Literal["basic"]
    username: Name
    password: Secret


class BearerAuthorization(AdminRequest):
    """A token, in every request."""

    kind: Literal["bearer"]
    token: Secret


class OAuthAuthorization(AdminRequest):
    """A token that the kernel gets for its client credentials."""

    kind: Literal["oauth"]
    authority: Url
    client_id: Name
    client_secret: Secret


Authorization: TypeAlias = Annotated[
    BasicAuthorization | BearerAuthorization | OAuthAuthorization, Field(discriminator="kind")
]


class WebhookTarget(AdminRequest):
    """Where to post events, and what to send along."""

    url: Url
    authorization: Authorization | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=100)] = {}  # noqa: RUF012 (copied)


class NewWebhook(AdminRequest):
    """A webhook to add, or to change."""

    id: NewName
    target: WebhookTarget
    event_types: Annotated[list[EventTypeReference], Field(min_length=1, max_length=1000)]
    """What to post."""
    event_sequence_id: Name = EVENT_LOG
    is_replayable: bool = True
    is_active: bool = True
    """Whether events are posted at all."""


class WebhookSummary(AdminModel):
    """A webhook, without the secrets that it is called with."""

    id: str
    event_sequence_id: str
    event_types: list[EventTypeReference]
    url: str
    authorization: Literal["none", "basic", "bearer", "oauth"]
    header_names: list[str]
    """What is sent along; the values may be secrets."""
    is_replayable: bool
    is_active: bool


class WebhookTest(AdminModel):
    """What became of posting to a URL without any event. Any answer counts as success."""

    is_success: bool
    message: str
    """Why not; empty for a success."""


async def list_webhooks(scope: EventStoreScope) -> list[WebhookSummary]:
    """The webhooks of the event store, by id. Raises `CallError`.

    (Webhooks/GetWebhooks)
    """
    response = await ask(
        scope.client,
        WebhooksStub(scope.client.channel).GetWebhooks,
        "Webhooks/GetWebhooks",
        pb.GetWebhooksRequest(EventStore=scope.event_store),
    )
    return sorted((_summary(message) for message in response.items), key=lambda one: one.id)


async def find_webhook(scope: EventStoreScope, webhook_id: str) -> WebhookSummary:
    """A webhook. Raises `NotThereError` for one that is unknown, `CallError`.

    (Webhooks/GetWebhooks)
    """
    return with_id(await list_webhooks(scope), "webhook", webhook_id)


async def add_webhook(scope: EventStoreScope, webhook: NewWebhook, *, private: bool = False) -> None:
    """Adds a webhook in the background, or changes the one with its id.

    Of one that is there only types, URL, headers and authorization can change. Raises `AddressRefusedError`
    for a URL that is not `private`ly allowed and not public, `CallError`. (Webhooks/Add)
    """
    await _check(webhook.target, private)
    definition = pb.WebhookDefinition(
        EventSequenceId=webhook.event_sequence_id,
        Identifier=webhook.id,
        EventTypes=[pb.EventType(Id=one.id, Generation=one.generation) for one in webhook.event_types],
        Target=_target(webhook.target),
        # Left out means true, so both are always said.
        IsReplayable=webhook.is_replayable,
        IsActive=webhook.is_active,
    )
    await ask(
        scope.client,
        WebhooksStub(scope.client.channel).Add,
        "Webhooks/Add",
        pb.AddWebhooks(EventStore=scope.event_store, Owner=pb.OBSERVER_OWNER_Client, Webhooks=[definition]),
    )


async def try_target(scope: EventStoreScope, target: WebhookTarget, *, private: bool = False) -> WebhookTest:
    """Has the kernel post to a URL, without any event. Raises as `add_webhook`.

    (Webhooks/TestWebhook)
    """
    await _check(target, private)
    response = await ask(
        scope.client,
        WebhooksStub(scope.client.channel).TestWebhook,
        "Webhooks/TestWebhook",
        pb.TestWebhookRequest(Target=_target(target)),
    )
    return WebhookTest(is_success=response.Success, message=response.ErrorMessage)


async def remove_webhook(scope: EventStoreScope, webhook_id: str) -> None:
    """Removes a webhook, in the background. Raises `NotThereError`, `CallError`.

    (Webhooks/GetWebhooks, Remove)
    """
    await find_webhook(scope, webhook_id)
    await ask(
        scope.client,
        WebhooksStub(scope.client.channel).Remove,
        "Webhooks/Remove",
        pb.RemoveWebhooks(EventStore=scope.event_store, Webhooks=[webhook_id]),
    )


async def _check(target: WebhookTarget, private: bool) -> None:
    urls = [target.url]
    if isinstance(target.authorization, OAuthAuthorization):
        urls.append(target.authorization.authority)
    for url in urls:
        if private:
            require_http(url)
        else:
            await require_public(url)


def _target(target: WebhookTarget) -> pb.WebhookTarget:
    return pb.WebhookTarget(
        Url=target.url, Headers=target.headers, Authorization=_authorization(target.authorization)
    )


def _authorization(
    authorization: Authorization | None,
) -> pb.OneOf_BasicAuthorization_BearerTokenAuthorization_OAuthAuthorization | None:
    choice = pb.OneOf_BasicAuthorization_BearerTokenAuthorization_OAuthAuthorization
    match authorization:
        case BasicAuthorization():
            password = authorization.password.get_secret_value()
            return choice(Value0=pb.BasicAuthorization(Username=authorization.username, Password=password))
        case BearerAuthorization():
            return choice(Value1=pb.BearerTokenAuthorization(Token=authorization.token.get_secret_value()))
        case OAuthAuthorization():
            return choice(
                Value2=pb.OAuthAuthorization(
                    Authority=authorization.authority,
                    ClientId=authorization.client_id,
                    ClientSecret=authorization.client_secret.get_secret_value(),
                )
            )
        case _:
            return None


def _summary(message: pb.WebhookDefinition) -> WebhookSummary:
    return WebhookSummary(
        id=message.Identifier,
        event_sequence_id=message.EventSequenceId or EVENT_LOG,
        event_types=[EventTypeReference(id=one.Id, generation=one.Generation) for one in message.EventTypes],
        url=_without_password(message.Target.Url),
        authorization=_kind(message.Target),
        header_names=sorted(message.Target.Headers),
        # Left out means true.
        is_replayable=message.IsReplayable if message.HasField("IsReplayable") else True,
        is_active=message.IsActive if message.HasField("IsActive") else True,
    )


def _kind(target: pb.WebhookTarget) -> Literal["none", "basic", "bearer", "oauth"]:
    authorization = target.Authorization
    if authorization.HasField("Value0"):
        return "basic"
    if authorization.HasField("Value1"):
        return "bearer"
    return "oauth" if authorization.HasField("Value2") else "none"


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def create_router(*, private: bool) -> APIRouter:
    """The routes; `private` lets webhooks go to addresses that are not public."""
    router = resource_router("webhooks", "/event-stores/{event_store}/webhooks")

    @router.get("")
    async def get_webhooks(scope: InEventStore) -> list[WebhookSummary]:
        """List the webhooks of an event store."""
        return await list_webhooks(scope)

    @router.get("/{webhook_id}")
    async def get_webhook(scope: InEventStore, webhook_id: IdInPath) -> WebhookSummary:
        """Get one webhook."""
        return await find_webhook(scope, webhook_id)

    @router.post("", name="add_webhook", **ACCEPTED)
    async def add(scope: InEventStore, body: NewWebhook) -> None:
        """Add a webhook, or change the one with its id."""
        await add_webhook(scope, body, private=private)

    @router.post("/test", name="test_webhook")
    async def test(scope: InEventStore, body: WebhookTarget) -> WebhookTest:
        """Have the kernel post to a URL, without any event."""
        return await try_target(scope, body, private=private)

    @router.delete("/{webhook_id}", name="remove_webhook", **ACCEPTED)
    async def remove(scope: InEventStore, webhook_id: IdInPath) -> None:
        """Remove a webhook."""
        await remove_webhook(scope, webhook_id)

    return router
