"""Puts the services on a server: the same for a port and for the embedded channel."""

from typing import cast

import grpc.aio

from chronicle.contracts.clients_pb2_grpc import add_ConnectionServiceServicer_to_server
from chronicle.contracts.compliance_pb2_grpc import add_ComplianceServicer_to_server
from chronicle.contracts.event_sequences_pb2_grpc import add_EventSequencesServicer_to_server
from chronicle.contracts.event_stores_pb2_grpc import add_EventStoresServicer_to_server
from chronicle.contracts.events_constraints_pb2_grpc import add_ConstraintsServicer_to_server
from chronicle.contracts.events_pb2_grpc import add_EventTypesServicer_to_server
from chronicle.contracts.host_pb2_grpc import add_ServerServicer_to_server
from chronicle.contracts.identities_pb2_grpc import add_IdentitiesServicer_to_server
from chronicle.contracts.namespaces_pb2_grpc import add_NamespacesServicer_to_server
from chronicle.contracts.observation_event_store_subscriptions_pb2_grpc import (
    add_EventStoreSubscriptionsServicer_to_server,
)
from chronicle.contracts.observation_pb2_grpc import (
    add_FailedPartitionsServicer_to_server,
    add_ObserversServicer_to_server,
)
from chronicle.contracts.observation_reactors_pb2_grpc import add_ReactorsServicer_to_server
from chronicle.contracts.observation_reducers_pb2_grpc import add_ReducersServicer_to_server
from chronicle.contracts.read_models_pb2_grpc import add_ReadModelsServicer_to_server
from chronicle.contracts.seeding_pb2_grpc import add_EventSeedingServicer_to_server
from chronicle.contracts.sequence_queries_pb2_grpc import add_SequenceQueriesServicer_to_server
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.compliance import ComplianceService
from chronicle.kernel.services.connection_service import ConnectionServiceService
from chronicle.kernel.services.constraints import ConstraintsService
from chronicle.kernel.services.event_sequences import EventSequencesService
from chronicle.kernel.services.event_store_subscriptions import EventStoreSubscriptionsService
from chronicle.kernel.services.event_stores import EventStoresService
from chronicle.kernel.services.event_types import EventTypesService
from chronicle.kernel.services.failed_partitions import FailedPartitionsService
from chronicle.kernel.services.faults import GuardedServer, Server
from chronicle.kernel.services.identities import IdentitiesService
from chronicle.kernel.services.namespaces import NamespacesService
from chronicle.kernel.services.observers import ObserversService
from chronicle.kernel.services.reactors import ReactorsService
from chronicle.kernel.services.read_models import ReadModelsService
from chronicle.kernel.services.reducers import ReducersService
from chronicle.kernel.services.seeding import EventSeedingService
from chronicle.kernel.services.sequence_queries import SequenceQueriesService
from chronicle.kernel.services.server import ServerService
from chronicle.kernel.services.unbuilt import UnbuiltMethods


def register_services(kernel: Kernel, server: Server) -> list[str]:
    """Registers everything that is built.

    Returns the paths, `/package.Service/Method`, of what is built. All else of the contract answers
    UNIMPLEMENTED.
    """
    guard = GuardedServer(server)
    # The generated functions ask for a whole server, and use the two methods that the guard has.
    guarded = cast(grpc.aio.Server, guard)
    add_ConnectionServiceServicer_to_server(ConnectionServiceService(kernel), guarded)
    add_ServerServicer_to_server(ServerService(kernel), guarded)
    add_EventStoresServicer_to_server(EventStoresService(kernel), guarded)
    add_NamespacesServicer_to_server(NamespacesService(kernel), guarded)
    add_EventTypesServicer_to_server(EventTypesService(kernel), guarded)
    add_ConstraintsServicer_to_server(ConstraintsService(kernel), guarded)
    add_EventSequencesServicer_to_server(EventSequencesService(kernel), guarded)
    add_SequenceQueriesServicer_to_server(SequenceQueriesService(kernel), guarded)
    add_IdentitiesServicer_to_server(IdentitiesService(kernel), guarded)
    add_EventSeedingServicer_to_server(EventSeedingService(kernel), guarded)
    add_ComplianceServicer_to_server(ComplianceService(kernel), guarded)
    add_ObserversServicer_to_server(ObserversService(kernel), guarded)
    add_FailedPartitionsServicer_to_server(FailedPartitionsService(kernel), guarded)
    add_EventStoreSubscriptionsServicer_to_server(EventStoreSubscriptionsService(kernel), guarded)
    add_ReactorsServicer_to_server(ReactorsService(kernel), guarded)
    add_ReducersServicer_to_server(ReducersService(kernel), guarded)
    add_ReadModelsServicer_to_server(ReadModelsService(kernel), guarded)
    server.add_generic_rpc_handlers((UnbuiltMethods(),))
    return guard.built
