"""The application: `uvicorn example_app.main:app`, or `python -m example_app`."""

import os

from fastapi import FastAPI

from chronicle import Artifacts, Services, discover
from chronicle_fastapi import Chronicle, RequestOptions, chronicle_admin, create_health_router
from example_app import api
from example_app.bank.welcome import Mailer
from example_app.surroundings import BRANCHES, PrintingMailer, teller

demonstration = discover("example_app.demo") if os.environ.get("BANK_DEMO") else Artifacts()

chronicle = Chronicle(
    "bank",
    discover("example_app.bank") + demonstration,
    requests=RequestOptions(identity=teller, allowed_namespaces=BRANCHES),
    services=Services().add(Mailer, PrintingMailer()),
)

app = FastAPI(title="Bank", description="A bank on Chronicle and FastAPI.", lifespan=chronicle.lifespan)
api.add_to(app)
app.include_router(create_health_router())
app.include_router(chronicle_admin)
