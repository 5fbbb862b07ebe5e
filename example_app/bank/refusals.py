"""What the bank does not do. Chronicle's own refusals, by constraints and scopes, need no classes here."""

from decimal import Decimal


class Refusal(Exception):
    """The bank does not do what was asked for."""


class NoSuchCustomer(Refusal):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"There is no customer '{customer_id}'.")


class CustomerExists(Refusal):
    def __init__(self, customer_id: str) -> None:
        super().__init__(f"There is a customer '{customer_id}' already.")


class NoSuchAccount(Refusal):
    def __init__(self, account_id: str) -> None:
        super().__init__(f"There is no account '{account_id}'.")


class InsufficientFunds(Refusal):
    def __init__(self, account_id: str, balance: Decimal, amount: Decimal) -> None:
        super().__init__(f"'{account_id}' holds {balance}, which is less than {amount}.")
