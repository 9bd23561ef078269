"""Calls every function of every account once, and explains what to fix."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from widget.api.client import Client
from widget.api.dialects import PARTNER_FUNCTIONS
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
            milliseconds = 1000 * self.seconds
            duration = f"{milliseconds:.0f} ms"
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
            began = time.monotonic()
            problem = call(client, account, function)
            seconds = time.monotonic() - began
            yield Result(account.slug, function, seconds, problem)


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
        key = password_key(function)
        return f"refused: {error}; check accounts.{account.slug}.{key}"
    if isinstance(error, Unavailable):
        keys = connection_keys(account)
        return f"not reached: {error}; check {keys}"
    if isinstance(error, NotOffered):
        return f"not offered: {error}"
    return f"unreadable: {error}; {advice_if_unreadable(error, account, function)}"


def password_key(function: Function) -> str:
    """The key of the password that a function needs."""
    if function in PARTNER_FUNCTIONS:
        return "partner_password_env"
    return "password_env"


def connection_keys(account: Account) -> str:
    """The keys that decide how the API is reached."""
    api = account.api
    keys = f"api.base_url ({api.base_url})"
    # Proxy and certificates may be the reason, but only if they are set.
    if api.proxy:
        keys += ", api.proxy"
    if api.ca_file:
        keys += ", api.ca_file"
    return keys


def advice_if_unreadable(error: CabinetError, account: Account, function: Function) -> str:
    """What to do about a response that is not what the function should return."""
    # These errors have one class: they differ for the operator only, and their text says how.
    text = str(error)
    if "max_response_bytes" in text:
        return "raise api.max_response_bytes"
    advice = (
        f"check accounts.{account.slug}.login,"
        f" api.base_url ({account.api.base_url}) and api.dialect"
    )
    if "api.methods" not in text:  # the error may give the same hint
        advice += f', or set api.methods.{function} ("" if the API does not have it)'
    return advice
