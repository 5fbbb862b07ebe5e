"""The application: `uvicorn example_app.main:app`, or `python -m example_app`."""

from fastapi import FastAPI

from chronicle import discover
from chronicle_fastapi import Chronicle
from example_app import api
from example_app.bank import ledger

chronicle = Chronicle("bank", discover("example_app.bank"))

app = FastAPI(title="Bank", description=api.__doc__ or "", lifespan=chronicle.lifespan)
app.include_router(api.router)
app.add_exception_handler(ledger.Refusal, api.refuse)
