"""Calls every function of every account once, and explains what to fix."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from widget.api import parsing
from widget.api.client import Client
from widget.api.dialects import PARTNER_FUNCTIONS, path_of
from widget.api.records import AccountInformation
from widget.config import Account
from widget.errors import CabinetError, RateLimited, Refused, ServerFailure, Unavailable
from widget.names import FUNCTIONS, Function


@dataclass(frozen=True)
class Result:
    """What came of one call.

    Attributes:
        account: whose function it is.
        function: the function.
        seconds: how long the call took; None if there was none.
        reason: why there was none.
        error: how the call failed; None if it did not.
        advice: what the operator should add to the configuration; empty if nothing.
    """

    account: Account
    function: Function
    seconds: float | None = None
    reason: str = ""
    error: CabinetError | None = None
    advice: str = ""

    @property
    def works(self) -> bool:
        """Whether the function was called, and returned something."""
        return self.error is None and not self.reason

    def __str__(self) -> str:
        duration = ""
        outcome = f"not offered: {self.reason}"
        if self.seconds is not None:
            milliseconds = 1000 * self.seconds
            duration = f"{milliseconds:.0f} ms"
            outcome = "ok"
        slug = self.account.slug
        return f"{slug:<16} {self.function:<14} {duration:>8}  {outcome}"


Problem = list[Result]
"""All calls that failed because of one cause."""


def check_accounts(accounts: Iterable[Account], client: Client) -> Iterator[Result]:
    """Call all functions of accounts, one after the other.

    Yields:
        One result per function, as soon as it is there.
    """
    for account in accounts:
        for function in FUNCTIONS:
            reason = reason_not_to_call(account, function)
            if reason:
                yield Result(account, function, reason=reason)
            else:
                yield call(client, account, function)


def reason_not_to_call(account: Account, function: Function) -> str:
    """Why a function is not called; empty if it is."""
    if not path_of(account, function):
        return "this API has no such function, and its widget says so"
    is_for_partners = function in PARTNER_FUNCTIONS
    if not is_for_partners or account.partner_password is not None:
        return ""
    # Referrals have an open level, which most accounts do not need.
    is_enabled = account.widgets is not None and function in account.widgets
    if function == "referrals" and is_enabled:
        return ""
    return f"for partners only; if you are one, set accounts.{account.slug}.partner_password_env"


def call(client: Client, account: Account, function: Function) -> Result:
    """Call a function."""
    began = time.monotonic()
    error = None
    advice = ""
    try:
        value = client.call(account, function)
    except CabinetError as failure:
        error = failure
    else:
        if isinstance(value, AccountInformation):
            advice = advice_about_currency(account, value)
    return Result(
        account,
        function,
        seconds=time.monotonic() - began,
        error=error,
        advice=advice,
    )


def advice_about_currency(account: Account, information: AccountInformation) -> str:
    """That the currency should be configured; empty if it is known."""
    key = f"accounts.{account.slug}.currency"
    if information.currency is None:
        return f'{key}: the API reports no currency; set it, such as currency = "USD"'
    if information.currency_is_certain:
        return ""
    return (
        f"{key}: the API sends a code that probably means {information.currency};"
        " set the currency to be sure"
    )


def group_problems(results: Iterable[Result]) -> list[Problem]:
    """The failed calls by their causes."""
    problems: dict[tuple[str, ...], Problem] = {}
    for result in results:
        if result.error is None:
            continue
        kind = type(result.error).__name__
        cause = cause_of(result.error, result.function)
        key = (kind, cause, scope_of(result))
        problem = problems.setdefault(key, [])
        problem.append(result)
    return list(problems.values())


def cause_of(error: CabinetError, function: Function) -> str:
    """The text of an error without the name of the function that failed."""
    title = parsing.function_title(function)
    return str(error).removeprefix(f"{title}: ")


def scope_of(result: Result) -> str:
    """For what a cause is the same: an API that is not reached, a password, or an account."""
    account = result.account
    # What the API responds may be about the account.
    is_response = isinstance(result.error, RateLimited | ServerFailure)
    if isinstance(result.error, Unavailable) and not is_response:
        return account.api.base_url
    if isinstance(result.error, Refused):
        return f"{account.slug} {password_key(result.function)}"
    return account.slug


def explain(problem: Problem, results: Iterable[Result]) -> str:
    """What is wrong, what to do about it, and which functions are affected, in one line.

    Args:
        problem: the calls that failed because of one cause.
        results: all calls.
    """
    return f"{explain_cause(problem, results)} (affects {affected(problem)})"


def explain_cause(problem: Problem, results: Iterable[Result]) -> str:
    """The same without the functions."""
    first = problem[0]
    error = first.error
    assert error is not None
    account = first.account
    cause = cause_of(error, first.function)
    login = f"accounts.{account.slug}.login"
    if isinstance(error, Refused):
        key = password_key(first.function)
        return f"refused: {cause}; check accounts.{account.slug}.{key} and {login}"
    if isinstance(error, RateLimited):
        return f"too many calls: {cause}; run this again in a few minutes"
    if isinstance(error, ServerFailure):
        return f"failed in the API: {cause}; check {login}: some APIs respond so to a wrong one"
    if isinstance(error, Unavailable):
        return f"not reached: {cause}; check {connection_keys(account)}"
    advice = advice_if_unreadable(problem, results)
    return f"unreadable: {cause}; {advice}"


def affected(problem: Problem) -> str:
    """The functions that failed, by account."""
    functions: dict[str, list[str]] = {}
    for result in problem:
        names = functions.setdefault(result.account.slug, [])
        names.append(result.function)
    lists = []
    for slug, names in functions.items():
        listed = ", ".join(names)
        lists.append(f"{slug}: {listed}")
    return "; ".join(lists)


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


def advice_if_unreadable(problem: Problem, results: Iterable[Result]) -> str:
    """What to do about responses that are not what the functions should return."""
    first = problem[0]
    account = first.account
    # These errors have one class: they differ for the operator only, and their text says how.
    if "max_response_bytes" in str(first.error):
        return "raise api.max_response_bytes"
    working = [result for result in results if result.works]
    # If nothing of the account works, it is not the path of one function.
    if not any(result.account.slug == account.slug for result in working):
        return (
            f"check accounts.{account.slug}.login,"
            f" api.base_url ({account.api.base_url}) and api.dialect"
        )
    keys = [f"api.methods.{result.function}" for result in problem]
    listed = ", ".join(keys)
    return f'check {listed}: the path, or "" if the API does not have the function'
