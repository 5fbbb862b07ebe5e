"""Chronicle for FastAPI: a lifespan, dependencies, a unit of work per request, and problem responses.

chronicle = Chronicle("bank", discover("bank"))
app = FastAPI(lifespan=chronicle.lifespan)

@app.post("/accounts/{account_id}/deposits", status_code=201)
async def deposit(account_id: str, body: Deposit, event_log: EventLogDep) -> None:
    await event_log.append(account_id, FundsDeposited(amount=body.amount))
"""

from chronicle_fastapi.dependencies import (
    EventLogDep,
    EventStoreDep,
    ReadModelsDep,
    get_event_log,
    get_event_store,
    get_read_models,
)
from chronicle_fastapi.plugin import Chronicle
from chronicle_fastapi.problems import problem_response
from chronicle_fastapi.unit_of_work import UnitOfWorkDep, get_unit_of_work

__all__ = [
    "Chronicle",
    "EventLogDep",
    "EventStoreDep",
    "ReadModelsDep",
    "UnitOfWorkDep",
    "get_event_log",
    "get_event_store",
    "get_read_models",
    "get_unit_of_work",
    "problem_response",
]
