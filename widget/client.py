"""HTTP to models: the functions of a Client Cabinet API in both dialects, every fault of a server as one of ``errors``.

A whole call, token and retry included, has one deadline; ``transport`` holds it against every server.
"""

import json
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from math import ceil
from typing import Any

import requests
from urllib3.exceptions import DecodeError
from urllib3.exceptions import HTTPError as TransportError

from widget import models
from widget.config import Account
from widget.errors import NoSuchPath, NotOffered, Refused, Unavailable, Unreadable, UpstreamError
from widget.names import Function
from widget.single_flight import SingleFlight
from widget.transport import DEADLINE, Deadline, Session, remaining_seconds

_METHODS: Mapping[str, Mapping[Function, str]] = {
    "client-api": {
        "balance": "client/RequestBalanceInformation/{login}",
        "summary": "client/RequestAccountInformation/{login}",
        "open_trades": "client/RequestOpenTrades/{login}",
        "closed_trades": "client/RequestClosedTrades/{login}?from={from}&to={to}",
        "lots": "client/RequestClosedLots/{login}?from={from}&to={to}",
        "bonus": "client/RequestBonusStatistic/{login}",
        "logins": "client/RequestLoginHistory/{login}",
        "commissions": "partner/GetCommissionRecords/{login}",
    },
    "cabinet-basic": {
        "balance": "GetAccountInformation",
        "summary": "GetAccountInformation",
        "open_trades": "GetOpenTrades",
        "closed_trades": "GetClosedTrades",
        "bonus": "GetBonusStatistic",
        "operations": "GetBalanceOperationsHistory",
    },
}
_TOKEN_PATH = {
    "client-api": "api/Authentication/RequestClientApiToken",
    "cabinet-basic": "api/ClientCabinetBasic/IsAccountCredentialsCorrect",
}
_PARTNERS: frozenset[Function] = frozenset({"commissions"})
_IN_A_PERIOD: frozenset[Function] = frozenset({"closed_trades", "lots"})

_CHUNK_BYTES = 65536
_PAGE_ROWS, _MOST_PAGES = 1000, 500
_RETRY_AT_LEAST, _RETRY_OTHERWISE, _RETRY_AT_MOST = 1.0, 15.0, 300.0  # seconds
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~:-]{1,4096}")
TokenKey = tuple[str, bool]
"""The slug of an account, and whether it is the partner's token."""

_FAULTS = (requests.RequestException, TransportError, OSError, ValueError)


class Client:
    """Calls the functions of accounts' APIs; one for a process, shared by all its threads.

    Args:
        clock: seconds from anywhere, for deadlines.
        now: Unix seconds, for periods that end now.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock, self._now = clock, now
        self._session = Session()
        self._tokens = Tokens()
        # What urllib3 logs carries whole addresses, and these carry the login.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def offers(self, account: Account, function: Function) -> bool:
        """Whether the account's API has a function, and the password that it needs is configured."""
        return bool(_path(account, function)) and (
            function not in _PARTNERS or account.partner_password is not None
        )

    def shared_function(self, account: Account, function: Function) -> Function:
        """The function to call for this one: ``balance`` if one call returns both balance and summary."""
        same = function == "summary" and _path(account, "summary") == _path(account, "balance")
        return "balance" if same else function

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> models.Result:
        """Ask the upstream, within the account's deadline.

        Args:
            account: whose figures, and where they are.
            function: which of them.
            start: begin of the period, for functions that have one; None is since ever.
            end: its end; None is now.

        Raises:
            NotOffered: the API has no such function.
            UpstreamError: there is no usable answer; the debug text says why, without any secret.
        """
        if not self.offers(account, function):
            raise NotOffered(
                f"{function}: not offered by this API, or its password is not configured"
            )
        period = {
            "from": int(start.timestamp()) if start else 0,
            "to": ceil(end.timestamp() if end else self._now()),
        }
        reset = DEADLINE.set(Deadline(self._clock, account.api.deadline_seconds))
        try:
            return self._answer(_Call(account, function, period))
        except UpstreamError as error:
            error.args = (self._without_secrets(account, _titled(function, str(error))),)
            raise
        finally:
            DEADLINE.reset(reset)

    def _answer(self, call: "_Call") -> models.Result:
        account = call.account
        if call.function == "closed_trades" and account.api.dialect == "cabinet-basic":
            return self._paged_history(call)
        answer = models.parse(call.function, self._fetch(call, {}), account.api.timezone)
        if isinstance(answer, models.AccountInformation) and account.currency:
            return replace(answer, currency=account.currency)
        return answer

    def _paged_history(self, call: "_Call") -> models.History:
        trades: dict[
            models.ClosedTrade, None
        ] = {}  # a trade that moved to the next page meanwhile counts once
        before: Sequence[object] = ()
        for offset in range(0, _PAGE_ROWS * _MOST_PAGES, _PAGE_ROWS):
            page = models.as_rows(
                models.decode(
                    call.function, self._fetch(call, {"count": _PAGE_ROWS, "offset": offset})
                )
            )
            if page and page == before:
                raise Unreadable("two pages are the same: the API ignores the offset")
            history = models.build_records(
                call.function, page, call.account.api.timezone, first=offset
            )
            assert isinstance(history, models.History)
            trades.update(dict.fromkeys(history.trades))
            if (
                len(page) != _PAGE_ROWS
            ):  # more than asked for: an API that does not page has given all
                return models.History(tuple(trades))  # this dialect tells of deposits elsewhere
            before = page
        raise Unreadable(f"more than {_PAGE_ROWS * _MOST_PAGES} rows")

    def _fetch(self, call: "_Call", page: Mapping[str, int]) -> bytes:
        """The body that answers one HTTP request, with a new token once where the old one is refused."""
        token = self._token(call)
        body = self._send(call.account, call.request(token, page), {401, 403})
        if body is None and token is not None:
            body = self._send(
                call.account, call.request(self._token(call, stale=token), page), {401, 403}
            )
        if body is None:
            raise Refused(
                "a new token was refused too: the API password is wrong, or this server's address is outside the "
                "account's IP mask"
                if token
                else "the account is not at the open level: set its API password in password_env"
            )
        return body

    def _token(self, call: "_Call", stale: str | None = None) -> str | None:
        """A token that is not the stale one; None where no password is configured."""
        if call.password is None:
            return None
        key = (call.account.slug, call.is_partner)
        return self._tokens.get(key, lambda: self._request_token(call), stale)

    def _request_token(self, call: "_Call") -> str:
        body = self._send(call.account, call.token_request(), {400, 401, 403})
        token = None if body is None else _token_in(body)
        if not token:
            raise Refused(
                "no token: the API password is wrong, or this server's address is outside the IP mask"
            )
        if not _TOKEN.fullmatch(token):
            raise Unreadable("the response to the token request is not a token")
        return token

    def _send(
        self, account: Account, request: Mapping[str, Any], denials: Collection[int]
    ) -> bytes | None:
        """The body of an answer; None where the server answers that the caller may not have it."""
        for _ in range(
            2
        ):  # a kept connection may have been closed meanwhile, or the server is just being restarted
            try:
                with self._session.request(**request, **_transport(account)) as response:
                    return self._read(
                        response,
                        account.api.max_response_bytes,
                        denials,
                        "token" in request.get("json", ()),
                    )
            except _FAULTS as error:
                cause = _innermost(error)
                came_before_an_answer = isinstance(error, requests.ConnectionError)
            if not (came_before_an_answer and isinstance(cause, ConnectionError | ssl.SSLEOFError)):
                break
        raise _fault(cause, account.api.deadline_seconds)

    def _read(
        self,
        response: requests.Response,
        limit: int,
        denials: Collection[int],
        has_sent_token: bool,
    ) -> bytes | None:
        status = response.status_code
        if 200 <= status < 300:
            return _body(response, limit)
        if status in denials or (
            status in (400, 500) and has_sent_token and b"token" in _body(response, limit).lower()
        ):
            return None
        if status == 429 or status >= 500:
            raise Unavailable(
                f"HTTP {status}", self._retry_after(response.headers.get("Retry-After", ""))
            )
        if 300 <= status < 400:
            raise Unreadable(f"HTTP {status}: a redirect, which is not followed; correct base_url")
        raise NoSuchPath(f"HTTP {status}; if this API uses another path, set it in api.methods")

    def _retry_after(self, header: str) -> float:
        try:
            seconds = (
                float(header)
                if header.isdecimal()
                else parsedate_to_datetime(header).timestamp() - self._now()
            )
        except (ValueError, OverflowError):
            return _RETRY_OTHERWISE
        return min(max(seconds, _RETRY_AT_LEAST), _RETRY_AT_MOST)

    def _without_secrets(self, account: Account, text: str) -> str:
        passwords = [
            secret.get_secret_value()
            for secret in (account.password, account.partner_password)
            if secret
        ]
        for secret in [*passwords, *self._tokens.of_account(account.slug)]:
            text = text.replace(secret, "***")
        return re.sub(rf"(?<!\d){account.login}(?!\d)", "***", text)[:500]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a function; ``period`` in Unix seconds."""

    account: Account
    function: Function
    period: Mapping[str, int]

    @property
    def is_partner(self) -> bool:
        return self.function in _PARTNERS

    @property
    def password(self) -> str | None:
        secret = self.account.partner_password if self.is_partner else self.account.password
        return secret.get_secret_value() if secret else None

    def request(self, token: str | None, page: Mapping[str, int]) -> dict[str, Any]:
        """What goes to ``requests``."""
        values = {"login": self.account.login, **self.period}
        path = re.sub(
            r"\{(login|from|to)\}",
            lambda match: str(values[match[1]]),
            _path(self.account, self.function),
        )
        if self.account.api.dialect == "client-api":
            return self._request("GET", path, headers={"passkey": token} if token else {})
        path = path if "/" in path else f"api/ClientCabinetBasic/{path}"
        period = self.period if self.function in _IN_A_PERIOD else {}
        body = {
            "login": self.account.login,
            **({"token": token} if token else {}),
            **period,
            **page,
        }
        return self._request("POST", path, json=body)

    def token_request(self) -> dict[str, Any]:
        """The request for a token, as it goes to ``requests``."""
        dialect = self.account.api.dialect
        body = {"login": self.account.login, "password": self.password}
        if dialect == "client-api":
            body = {name.capitalize(): value for name, value in body.items()}
        path = _TOKEN_PATH[dialect].replace(
            "RequestClient", "RequestPartner" if self.is_partner else "RequestClient"
        )
        return self._request("POST", path, json=body)

    def _request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return {"method": method, "url": f"{self.account.api.base_url}/{path.lstrip('/')}", **more}


class Tokens:
    """The current token of each account and level. Callers that need a new one at the same time share one request."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, str] = {}
        # Part of a flight's key is the refused token, so that nobody gets back the token that was just refused.
        self._flights = SingleFlight[tuple[TokenKey, str | None], str]()

    def get(self, key: TokenKey, request: Callable[[], str], refused: str | None) -> str:
        """The token, or a new one if there is none or the API refused it.

        Args:
            key: whose token.
            request: requests a new token from the API.
            refused: the token that the API has refused, if any.

        Raises:
            UpstreamError: the request failed, here or in the call that this one waited for.
        """
        token = self._tokens.get(key)
        if token is not None and token != refused:
            return token
        flight, is_leader = self._flights.join((key, refused))
        if is_leader:
            return flight.run(lambda: self._renew(key, request, refused))
        try:
            return flight.result(DEADLINE.get().left)
        except TimeoutError:
            raise Unavailable("another call still waits for the token") from None
        except UpstreamError as error:
            raise copy(error) from None  # the text of an error is completed for each function

    def of_account(self, slug: str) -> list[str]:
        """All tokens of an account, to remove them from texts."""
        return [token for (owner, _), token in list(self._tokens.items()) if owner == slug]

    def _renew(self, key: TokenKey, request: Callable[[], str], refused: str | None) -> str:
        token = self._tokens.get(key)
        if token is not None and token != refused:
            return token  # another flight has ended between the look at the token and the join
        try:
            token = request()
        except UpstreamError:
            self._tokens.pop(key, None)
            raise
        self._tokens[key] = token
        return token


def _path(account: Account, function: Function) -> str:
    """The path of a function, as a template; empty where the API has no such function."""
    return account.api.methods.get(function, _METHODS[account.api.dialect].get(function, ""))


def _titled(function: Function, text: str) -> str:
    title = models.function_title(function)
    return text if text.startswith(title) else f"{title}: {text}"


def _token_in(body: bytes) -> str | None:
    """The token of an answer: bare, a JSON string, or the ``token`` of an object."""
    text = body.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    try:
        value = models.unwrap(json.loads(text, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        return text
    if isinstance(value, dict):
        value = {name.lower(): item for name, item in value.items()}.get("token")
    return value.strip() if isinstance(value, str) else None


def _body(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    while chunk := response.raw.read(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > limit:
            raise Unreadable(f"more than {limit} bytes (max_response_bytes)")
    return bytes(body)


def _innermost(error: BaseException) -> BaseException:
    """What happened first; the errors around it carry the address, and so the login."""
    inner = error.__cause__ or error.__context__
    return _innermost(inner) if isinstance(inner, (*_FAULTS, HTTPException)) else error


def _fault(cause: BaseException, seconds: float) -> UpstreamError:
    if isinstance(cause, TimeoutError):
        return Unavailable(f"no complete response within the deadline of {seconds:g} s")
    if isinstance(cause, socket.gaierror):
        return Unavailable(f"the name of the API's host cannot be resolved ({cause.strerror})")
    if isinstance(cause, ssl.SSLError):
        return Unavailable(f"TLS failed: {cause}; if the API has a private CA, set ca_file")
    if isinstance(cause, DecodeError):
        return Unreadable("the response cannot be decompressed")
    return Unavailable(f"{type(cause).__name__}: {cause}")


def _transport(account: Account) -> dict[str, Any]:
    proxy = account.api.proxy
    return {
        "stream": True,
        "timeout": remaining_seconds(),
        "verify": account.api.ca_file or True,
        "proxies": {"http": proxy, "https": proxy} if proxy else None,
    }
