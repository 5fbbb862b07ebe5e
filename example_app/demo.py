"""Events to start with, when BANK_DEMO is set. Seeds are kept as they are, so nothing personal is in them."""

from decimal import Decimal

from chronicle import Seeds, seeder
from example_app.bank.events import AccountOpened, FundsDeposited, FundsWithdrawn


@seeder
def demonstration(seeds: Seeds) -> None:
    seeds.for_source(
        "a-100",
        [
            AccountOpened(owner="c-100", initial_balance=Decimal(1000)),
            FundsDeposited(amount=Decimal(250)),
            FundsWithdrawn(amount=Decimal(40)),
        ],
    )
