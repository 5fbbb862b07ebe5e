"""Recommendations: what the kernel thinks an administrator should do (observation.md 8.5)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chronicle.contracts import recommendations_pb2 as pb
from chronicle.contracts.recommendations_pb2_grpc import RecommendationsStub
from chronicle.events.wire import to_moment, to_uuid
from chronicle_fastapi.admin.calls import ask, guid
from chronicle_fastapi.admin.events import moment_or_none
from chronicle_fastapi.admin.models import AdminModel
from chronicle_fastapi.admin.routes import ACCEPTED, DONE, resource_router
from chronicle_fastapi.admin.scopes import InNamespace, NamespaceScope, with_id


class RecommendationSummary(AdminModel):
    """Something that the kernel recommends, such as to replay an observer whose definition has changed."""

    id: UUID
    name: str
    type: str
    description: str
    occurred: datetime | None


async def list_recommendations(scope: NamespaceScope) -> list[RecommendationSummary]:
    """What is recommended for the namespace. Raises `CallError`.

    (Recommendations/GetRecommendations)
    """
    response = await ask(
        scope.client,
        RecommendationsStub(scope.client.channel).GetRecommendations,
        "Recommendations/GetRecommendations",
        pb.GetRecommendationsRequest(EventStore=scope.event_store, Namespace=scope.namespace),
    )
    return [
        RecommendationSummary(
            id=to_uuid(message.Id),
            name=message.Name,
            type=message.Type,
            description=message.Description,
            occurred=moment_or_none(to_moment(message.Occurred)),
        )
        for message in response.items
    ]


async def perform_recommendation(scope: NamespaceScope, recommendation_id: UUID) -> None:
    """Does what is recommended, in the background; it is then recommended no longer.

    Raises `NotThereError`, `CallError`. (Recommendations/GetRecommendations, Perform)
    """
    await _require(scope, recommendation_id)
    await ask(
        scope.client,
        RecommendationsStub(scope.client.channel).Perform,
        "Recommendations/Perform",
        pb.Perform(**_place(scope, recommendation_id)),
    )


async def ignore_recommendation(scope: NamespaceScope, recommendation_id: UUID) -> None:
    """Forgets what is recommended.

    Raises `NotThereError`, `CallError`. (Recommendations/GetRecommendations, Ignore)
    """
    await _require(scope, recommendation_id)
    await ask(
        scope.client,
        RecommendationsStub(scope.client.channel).Ignore,
        "Recommendations/Ignore",
        pb.Perform(**_place(scope, recommendation_id)),
    )


async def _require(scope: NamespaceScope, recommendation_id: UUID) -> None:
    with_id(await list_recommendations(scope), "recommendation", recommendation_id)


def _place(scope: NamespaceScope, recommendation_id: UUID) -> dict[str, Any]:
    return {
        "EventStore": scope.event_store,
        "Namespace": scope.namespace,
        "RecommendationId": guid(recommendation_id),
    }


router = resource_router(
    "recommendations", "/event-stores/{event_store}/namespaces/{namespace}/recommendations"
)


@router.get("")
async def get_recommendations(scope: InNamespace) -> list[RecommendationSummary]:
    """List what the kernel recommends for a namespace."""
    return await list_recommendations(scope)


@router.post("/{recommendation_id}/perform", name="perform_recommendation", **ACCEPTED)
async def _perform(scope: InNamespace, recommendation_id: UUID) -> None:
    """Do what is recommended."""
    await perform_recommendation(scope, recommendation_id)


@router.post("/{recommendation_id}/ignore", name="ignore_recommendation", **DONE)
async def _ignore(scope: InNamespace, recommendation_id: UUID) -> None:
    """Forget what is recommended."""
    await ignore_recommendation(scope, recommendation_id)
