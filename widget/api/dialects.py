"""The dialects of the Client Cabinet API: how each of them writes its requests.

A new dialect is a subclass of ``Dialect``, an entry in ``DIALECTS`` and a value of ``dialect`` in
``config``. Responses need no code per dialect: ``parsing`` accepts what all of them send.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from widget.config import Account
from widget.names import Function

PARTNER_FUNCTIONS: frozenset[Function] = frozenset({"commissions", "referrals"})
"""Functions that are called with the partner's token instead of the account's."""

PASSWORD_FUNCTIONS: frozenset[Function] = frozenset({"commissions"})
"""Functions that have no open level."""

PERIOD_FUNCTIONS: frozenset[Function] = frozenset({"closed_trades", "lots"})
"""Functions whose result depends on the period."""

PLACEHOLDER = re.compile(r"\{(login|from|to)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to an API.

    Attributes:
        method: GET or POST.
        path: follows the base URL.
        headers: those of this request only.
        json: the body; None for a request without body.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function.

    Attributes:
        account: whose figures.
        function: the function.
        period: ``from`` and ``to`` in seconds of the API's clock.
    """

    account: Account
    function: Function
    period: Mapping[str, int]

    @property
    def is_partner(self) -> bool:
        """Whether it needs the partner's token instead of the account's."""
        return self.function in PARTNER_FUNCTIONS

    @property
    def password(self) -> str | None:
        """The API password; None at the open level, which needs none."""
        secret = self.account.password
        if self.is_partner:
            secret = self.account.partner_password
        if secret is None:
            return None
        return secret.get_secret_value()


class Dialect(ABC):
    """How an API wants its requests.

    Attributes:
        paths: the path of each function, which the configuration can override. ``{login}``,
            ``{from}`` and ``{to}`` are filled in. The API does not have the other functions.
        pages_history: whether closed trades come in pages.
    """

    paths: ClassVar[Mapping[Function, str]]
    pages_history: ClassVar[bool] = False

    @abstractmethod
    def token_request(self, call: Call) -> Request:
        """The request for a token."""

    @abstractmethod
    def request(self, call: Call, token: str | None, page: Mapping[str, int]) -> Request:
        """The request for a function.

        Args:
            call: which function of which account.
            token: None at the open level.
            page: ``count`` and ``offset``; empty for functions without pages.
        """


class ClientApi(Dialect):
    """The older dialect: GET requests with the token in the header ``passkey``."""

    paths: ClassVar[Mapping[Function, str]] = {
        "balance": "client/RequestBalanceInformation/{login}",
        "summary": "client/RequestAccountInformation/{login}",
        "open_trades": "client/RequestOpenTrades/{login}",
        "closed_trades": "client/RequestClosedTrades/{login}?from={from}&to={to}",
        "lots": "client/RequestClosedLots/{login}?from={from}&to={to}",
        "bonus": "client/RequestBonusStatistic/{login}",
        "logins": "client/RequestLoginHistory/{login}",
        "commissions": "partner/GetCommissionRecords/{login}",
        "referrals": "partner/GetClickStatistics/{login}",
    }

    def token_request(self, call: Call) -> Request:
        """The request for a token."""
        path = "api/Authentication/RequestClientApiToken"
        # Partners have tokens of their own, for other functions.
        if call.is_partner:
            path = "api/Authentication/RequestPartnerApiToken"
        # In PascalCase, as the documentation of this dialect writes them.
        credentials = {
            "Login": call.account.login,
            "Password": call.password,
        }
        return Request("POST", path, json=credentials)

    def request(
        self,
        call: Call,
        token: str | None,
        page: Mapping[str, int],  # noqa: ARG002  # this dialect has no pages
    ) -> Request:
        """The request for a function."""
        path = fill_in(path_of(call.account, call.function), call)
        headers = {}
        # At the open level there is no token.
        if token is not None:
            headers["passkey"] = token
        return Request("GET", path, headers)


class CabinetBasic(Dialect):
    """The newer dialect: POST requests of JSON with the token in the body."""

    paths: ClassVar[Mapping[Function, str]] = {
        "balance": "GetAccountInformation",
        "summary": "GetAccountInformation",
        "open_trades": "GetOpenTrades",
        "closed_trades": "GetClosedTrades",
        "bonus": "GetBonusStatistic",
        "operations": "GetBalanceOperationsHistory",
    }
    pages_history: ClassVar[bool] = True

    def token_request(self, call: Call) -> Request:
        """The request for a token."""
        credentials = {
            "login": call.account.login,
            "password": call.password,
        }
        path = "api/ClientCabinetBasic/IsAccountCredentialsCorrect"
        return Request("POST", path, json=credentials)

    def request(
        self,
        call: Call,
        token: str | None,
        page: Mapping[str, int],
    ) -> Request:
        """The request for a function."""
        path = fill_in(path_of(call.account, call.function), call)
        # The configuration may give the name of a function, as the table does, or a whole path.
        if "/" not in path:
            path = f"api/ClientCabinetBasic/{path}"
        body: dict[str, Any] = {"login": call.account.login}
        if token is not None:
            body["token"] = token
        if call.function in PERIOD_FUNCTIONS:
            body |= call.period
        body |= page
        return Request("POST", path, json=body)


DIALECTS: Mapping[str, Dialect] = {
    "client-api": ClientApi(),
    "cabinet-basic": CabinetBasic(),
}
"""The dialects by the names that the configuration uses."""


def path_of(account: Account, function: Function) -> str:
    """The path of a function with its placeholders; empty if the API does not have the function."""
    configured = account.api.methods.get(function)
    # An empty path is a path too: it says that this API does not have the function.
    if configured is not None:
        return configured
    dialect = DIALECTS[account.api.dialect]
    return dialect.paths.get(function, "")


def fill_in(path: str, call: Call) -> str:
    """A path with the values of its placeholders."""
    values = {"login": call.account.login, **call.period}

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        return str(values[name])

    # Not str.format(), since a configured path may contain other braces.
    return PLACEHOLDER.sub(value_of, path)
