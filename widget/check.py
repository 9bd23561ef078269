"""Calls every function of every account once, and explains what to fix."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from widget.api.client import Client
from widget.config import Account
from widget.errors import CabinetError, NotOffered, Refused, Unavailable
from widget.names import FUNCTIONS, Function


@dataclass(frozen=True)
class Result:
    """What came of one call.

    Attributes:
        account: the slug of the account.
        function: the function that was called.
        seconds: how long it took; None if the API does not offer the function.
        problem: what is wrong and what to do about it; None if nothing is.
    """

    account: str
    function: Function
    seconds: float | None = None
    problem: str | None = None

    def __str__(self) -> str:
        duration = ""
        outcome = "not offered"
        if self.seconds is not None:
            duration = f"{1000 * self.seconds:.0f} ms"
            outcome = self.problem or "ok"
        return f"{self.account:<16} {self.function:<14} {duration:>8}  {outcome}"


def check_accounts(accounts: Iterable[Account], client: Client) -> Iterator[Result]:
    """Call all functions of accounts, one after the other.

    Yields:
        One result per function, as soon as it is there.
    """
    for account in accounts:
        for function in FUNCTIONS:
            if not client.offers(account, function):
                yield Result(account.slug, function)
                continue
            begin = time.monotonic()
            problem = call(client, account, function)
            yield Result(account.slug, function, time.monotonic() - begin, problem)


def call(client: Client, account: Account, function: Function) -> str | None:
    """Call a function: what is wrong and what to do about it, or None if it works."""
    try:
        client.call(account, function)
    except CabinetError as error:
        return explain(error, account, function)
    return None


def explain(error: CabinetError, account: Account, function: Function) -> str:
    """What is wrong, and which keys of the configuration to check."""
    if isinstance(error, Refused):
        # Commissions are the only function with a password of their own.
        key = "partner_password_env" if function == "commissions" else "password_env"
        return f"refused: {error}; check accounts.{account.slug}.{key}"
    if isinstance(error, Unavailable):
        # Proxy and certificates may be the reason, but only if they are set.
        keys = [key for key in ("proxy", "ca_file") if getattr(account.api, key)]
        listed = "".join(f", api.{key}" for key in keys)
        return f"not reached: {error}; check api.base_url ({account.api.base_url}){listed}"
    if isinstance(error, NotOffered):
        return f"not offered: {error}"
    if "max_response_bytes" in str(error):
        return f"unreadable: {error}; raise api.max_response_bytes"
    keys_to_check = (
        f"accounts.{account.slug}.login, api.base_url ({account.api.base_url}) and api.dialect"
    )
    advice = f"unreadable: {error}; check {keys_to_check}"
    if "api.methods" not in str(error):  # the error may give the same hint
        advice += f', or set api.methods.{function} ("" if the API does not have it)'
    return advice
