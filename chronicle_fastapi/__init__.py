"""Chronicle for FastAPI: a lifespan, dependencies, a unit of work per request, and problem responses.

chronicle = Chronicle("bank", discover("bank"))
app = FastAPI(lifespan=chronicle.lifespan)

@app.post("/accounts/{account_id}/deposits", status_code=201)
async def deposit(account_id: str, body: Deposit, event_log: EventLogDep) -> None:
    await event_log.append(account_id, FundsDeposited(amount=body.amount))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from chronicle_fastapi.conditional import if_match, with_etag
from chronicle_fastapi.dependencies import (
    ClientDep,
    EventLogDep,
    EventStoreDep,
    ReadModelsDep,
    event_sequence,
    get_client,
    get_event_log,
    get_event_store,
    get_read_models,
    read_model,
)
from chronicle_fastapi.identity import IdentityResolver, identity_of_principal
from chronicle_fastapi.live import LiveEvents, live
from chronicle_fastapi.namespaces import (
    ClaimNamespace,
    HeaderNamespace,
    NamespaceResolver,
    PathNamespace,
    SubdomainNamespace,
)
from chronicle_fastapi.plugin import Chronicle
from chronicle_fastapi.problem_models import problem_responses
from chronicle_fastapi.problems import ProblemError, problem_response
from chronicle_fastapi.request_options import RequestOptions
from chronicle_fastapi.unit_of_work import UnitOfWorkDep, get_unit_of_work

if TYPE_CHECKING:
    from chronicle_fastapi.admin.access import require_admin_token
    from chronicle_fastapi.admin.router import chronicle_admin, create_admin_router
    from chronicle_fastapi.health import create_health_router

__all__ = [
    "Chronicle",
    "ClaimNamespace",
    "ClientDep",
    "EventLogDep",
    "EventStoreDep",
    "HeaderNamespace",
    "IdentityResolver",
    "LiveEvents",
    "NamespaceResolver",
    "PathNamespace",
    "ProblemError",
    "ReadModelsDep",
    "RequestOptions",
    "SubdomainNamespace",
    "UnitOfWorkDep",
    "chronicle_admin",
    "create_admin_router",
    "create_health_router",
    "event_sequence",
    "get_client",
    "get_event_log",
    "get_event_store",
    "get_read_models",
    "get_unit_of_work",
    "identity_of_principal",
    "if_match",
    "live",
    "problem_response",
    "problem_responses",
    "read_model",
    "require_admin_token",
    "with_etag",
]


# Some fifty routes and a page take as long to make as everything above, and the health endpoints ask some of
# those routes; not every application has them.
_MADE_WHEN_ASKED_FOR: Final = {
    "chronicle_admin": "chronicle_fastapi.admin.router",
    "create_admin_router": "chronicle_fastapi.admin.router",
    "create_health_router": "chronicle_fastapi.health",
    "require_admin_token": "chronicle_fastapi.admin.access",
}


def __getattr__(name: str) -> Any:
    module = _MADE_WHEN_ASKED_FOR.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)
