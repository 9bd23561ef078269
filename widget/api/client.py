"""The client: calls the functions of accounts' APIs.

Every fault of a server becomes one of ``errors``. A whole call, with its token and a retry, has
one deadline, which ``transport`` enforces.
"""

import errno
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from itertools import islice
from typing import Any

import requests
from urllib3.exceptions import DecodeError
from urllib3.exceptions import HTTPError as TransportError

from widget.api import clocks, parsing
from widget.api.dialects import DIALECTS, PASSWORD_FUNCTIONS, Call, Request, path_of
from widget.api.documents import NotJSON, rows_in
from widget.api.pages import Page, PageReader
from widget.api.records import AccountInformation, ClosedTrade, History, Result
from widget.api.rows import Note
from widget.api.transport import DEADLINE, Deadline, Session, remaining_seconds
from widget.config import Account, Api
from widget.errors import (
    NoSuchPath,
    NotOffered,
    RateLimited,
    Refused,
    ServerFailure,
    Unavailable,
    Unreachable,
    Unreadable,
    UpstreamError,
)
from widget.names import Function
from widget.single_flight import SingleFlight

log = logging.getLogger(__name__)

# How much of a body is read before its length is checked again.
CHUNK_BYTES = 65536

# Nobody has published the largest page. Larger pages mean fewer calls; an API may send fewer rows.
PAGE_ROWS = 1000

# Seconds until the next attempt after a 429 or 5xx, whatever Retry-After says.
MIN_RETRY_AFTER = 1.0
DEFAULT_RETRY_AFTER = 15.0
MAX_RETRY_AFTER = 300.0

# Characters of an error in the log. What a server sends may be much longer.
MAX_DEBUG_TEXT = 500

# Texts of errors quote what the server has sent; numbers of more than a few digits are its too.
SERVER_TEXT = re.compile(
    r"""(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|"(?:[^"\\]|\\.)*"|\d[\d.]{4,}""",
)

# What may be a token. A login page with status 200 is not, and would be sent as a header.
TOKEN = re.compile(r"[A-Za-z0-9+/=_.~:-]{1,4096}")

TOKEN_DENIALS = frozenset({400, 401, 403, 500})
"""With one of these, an API may respond to a request whose token has expired. The newer dialect
does it with 500 and "Access denied". Other codes say nothing about the token."""

REFUSALS = frozenset({401, 403})
"""With these, an API refuses a request, with a token or without one."""

PASSWORD_DENIALS = frozenset({400, 401, 403})
"""With these, an API refuses a password. Some respond to it as to a malformed request."""

AMBIGUOUS_DENIALS = frozenset({400, 500})
"""Those of ``TOKEN_DENIALS`` that may just as well come from a server that is broken."""

RENEWAL_PAUSE_SECONDS = 120.0
"""How long a renewal that did not help is not repeated for ``AMBIGUOUS_DENIALS``."""

OnResponse = Callable[[str, str, int, str, bytes | None], object]
"""See ``Client``."""

OnNote = Callable[[str, Note], object]
"""See ``Client``."""

TokenKey = tuple[str, bool]
"""The slug of an account, and whether it is the partner's token."""

RenewalKey = tuple[TokenKey, Function | None]
"""A token, and the function that it was renewed for; None for any function."""

FlightKey = tuple[TokenKey, str | None]
"""A token, and the one that the API has refused, if any."""

NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
"""The numbers of the errors of a host that no packet reaches."""

FAULTS = (requests.RequestException, TransportError, OSError, ValueError)
"""All that requests and urllib3 raise when a server misbehaves."""


class LogOnce:
    """Logs what the operator of an account should know, each fact once."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def __call__(self, slug: str, note: Note) -> None:
        """Log a note unless there was one about the same field."""
        key = (slug, note.field)
        if key in self._logged:
            return
        self._logged.add(key)
        log.warning("account %s: %s", slug, note.text)


@dataclass(frozen=True, slots=True)
class Denial:
    """A response that may mean that the token has expired or the password is wrong.

    Attributes:
        status: its HTTP status.
        retry_after: seconds until another attempt makes sense, if the server has trouble.
    """

    status: int
    retry_after: float


class Client:
    """Calls the functions of accounts' APIs. There is one for a process, shared by all its threads.

    Args:
        clock: gives seconds from any starting point, for deadlines.
        now: gives Unix seconds, for periods that end now.
        on_note: is called with the slug of an account and what its operator should know. The same
            may be noted again; by default it is logged once.
        on_response: is called with each response: the slug of the account, the function (or
            "token"), the status, the Content-Type, and the body (None if it was not read).
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        on_note: OnNote | None = None,
        on_response: OnResponse | None = None,
    ) -> None:
        self._clock = clock
        self._now = now
        self._on_note = on_note or LogOnce()
        self._on_response = on_response
        # How far the times of each account's API were in the future at most.
        self._leads: dict[str, timedelta] = {}
        self._session = Session()
        self._tokens = Tokens(clock)
        # urllib3 logs whole URLs, and these have the login.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def offers(self, account: Account, function: Function) -> bool:
        """Whether the account's API has a function, and its password is configured."""
        if not path_of(account, function):
            return False
        if function in PASSWORD_FUNCTIONS:
            return account.partner_password is not None
        # The other functions need no password, if the account is at the open level.
        return True

    def shared_function(self, account: Account, function: Function) -> Function:
        """The function to call: ``balance`` instead of ``summary`` if one call returns both."""
        if function != "summary":
            return function
        summary_path = path_of(account, "summary")
        balance_path = path_of(account, "balance")
        if summary_path == balance_path:
            return "balance"
        return function

    def reach(self, account: Account) -> None:
        """Find out whether a server responds at the address of the account's API.

        Raises:
            Unavailable: none does. The debug text says why.
        """
        call = Call(account, "balance", {})
        deadline = Deadline(self._clock, account.api.deadline_seconds)
        reset = DEADLINE.set(deadline)
        try:
            # Any status is a response: nobody expects anything of the address itself.
            any_failure = range(300, 600)
            self._send(call, Request("GET", ""), any_failure, "address")
        except Unreadable:
            return
        finally:
            DEADLINE.reset(reset)

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Result:
        """Call a function of the API, within the account's deadline.

        Args:
            account: whose figures, and where they are.
            function: the function.
            start: the beginning of the period, for functions that have one; None for the whole
                history.
            end: its end; None for a period that ends now, which has no upper bound.

        Raises:
            NotOffered: the API does not have the function.
            UpstreamError: there is no usable response. The debug text says why, without any secret.
        """
        if not self.offers(account, function):
            raise NotOffered(
                f"{function}: not offered by this API, or its password is not configured"
            )
        period = clocks.requested_period(account.api, start, end, self._now())
        call = Call(account, function, period)
        deadline = Deadline(self._clock, account.api.deadline_seconds)
        # A context variable, because the sockets that check it are created deep inside urllib3.
        reset = DEADLINE.set(deadline)
        try:
            return self._call(call)
        except UpstreamError as error:
            text = self._public_text(account, str(error))
            titled = with_title(function, text)
            error.args = (titled[:MAX_DEBUG_TEXT],)
            raise
        finally:
            DEADLINE.reset(reset)

    def _call(self, call: Call) -> Result:
        account = call.account
        dialect = DIALECTS[account.api.dialect]
        if call.function == "closed_trades" and dialect.pages_history:
            result: Result = self._paged_history(call)
        else:
            body = self._fetch(call, {})
            result = self._parse(call, body).result
        self._note_lead(account, result)
        # The configured currency wins: what the API's codes mean differs by deployment.
        if isinstance(result, AccountInformation) and account.currency:
            return replace(result, currency=account.currency, currency_is_certain=True)
        return result

    def _paged_history(self, call: Call) -> History:
        """All pages of the closed trades. These APIs have operations in a function of their own."""

        def fetch(begin: int) -> Page[ClosedTrade]:
            body = self._fetch(call, {"count": PAGE_ROWS, "offset": begin})
            parsed = self._parse(call, body, first_row=begin)
            assert isinstance(parsed.result, History)
            return Page(parsed.result.trades, parsed.row_count, body)

        reader = PageReader(fetch, call.account.api.max_response_bytes)
        return History(tuple(reader.read()))

    def _parse(self, call: Call, body: bytes, first_row: int = 0) -> parsing.Parsed:
        """The meaning of a body. What could not be read is noted."""
        api = call.account.api
        rules = parsing.TimeRules(api.timezone, unix_times_are_local=api.unix_times == "local")
        parsed = parsing.parse(call.function, body, rules, first_row)
        for note in parsed.notes:
            text = self._public_text(call.account, note.text)
            public_note = note._replace(text=text)
            self._on_note(call.account.slug, public_note)
        return parsed

    def _note_lead(self, account: Account, result: Result) -> None:
        """Note if times lie in the future: the configured time zone is then wrong."""
        now = self._now()
        lead = clocks.lead_of(result, now)
        # The longest lead is the best hint to the zone: the newest time is hardly older than now.
        if lead <= self._leads.get(account.slug, timedelta(0)):
            return
        self._leads[account.slug] = lead
        text = clocks.describe_lead(account.api, lead, now)
        self._on_note(account.slug, Note("times", text))

    def _fetch(self, call: Call, page: Mapping[str, int]) -> bytes:
        """The body for a request.

        If the token may have expired, a new one is requested and the request repeated once.
        """
        token = self._token(call)
        result = self._send_with_token(call, token, page)
        if isinstance(result, Denial) and token is not None:
            result = self._repeat_with_new_token(call, token, page, result)
        if isinstance(result, Denial):
            raise error_of_denial(call, result)
        if token is not None:
            self._tokens.count_success(token_key(call), call.function)
        return result

    def _repeat_with_new_token(
        self,
        call: Call,
        token: str,
        page: Mapping[str, int],
        denial: Denial,
    ) -> bytes | Denial:
        """The result of the same request with a new token; the denial if there is no new token."""
        key = token_key(call)
        is_ambiguous = denial.status in AMBIGUOUS_DENIALS
        # A server that is broken must not be asked for one token after the other.
        if is_ambiguous and not self._tokens.may_renew(key, call.function, token):
            return denial
        try:
            new_token = self._token(call, refused=token)
        except (Unavailable, Unreadable):
            if not is_ambiguous:
                self._tokens.discard(key, token)
                raise
            # Both requests failed: the server has more trouble than an expired token.
            self._tokens.count_useless_renewal(key, call.function)
            return denial
        except Refused:
            # The next call requests a token at once, instead of trying the refused one again.
            self._tokens.discard(key, token)
            raise
        result = self._send_with_token(call, new_token, page)
        if isinstance(result, Denial):
            self._tokens.count_useless_renewal(key, call.function)
        return result

    def _send_with_token(
        self,
        call: Call,
        token: str | None,
        page: Mapping[str, int],
    ) -> bytes | Denial:
        """The body for a request, or how the API denies it."""
        dialect = DIALECTS[call.account.api.dialect]
        request = dialect.request(call, token, page)
        denials = REFUSALS
        if token is not None:
            denials = TOKEN_DENIALS
        return self._send(call, request, denials, call.function)

    def _token(self, call: Call, refused: str | None = None) -> str | None:
        """A token other than the refused one; None if no password is configured."""
        if call.password is None:
            return None
        return self._tokens.get(
            token_key(call),
            request=lambda: self._request_token(call),
            refused=refused,
        )

    def _request_token(self, call: Call) -> str:
        request = DIALECTS[call.account.api.dialect].token_request(call)
        body = self._send(call, request, PASSWORD_DENIALS, "token")
        token = None
        if not isinstance(body, Denial):
            token = token_in(body)
        if not token:
            raise Refused(
                "no token: the API password is wrong, "
                "or this server's address is outside the IP mask"
            )
        if not TOKEN.fullmatch(token):
            raise Unreadable("the response to the token request is not a token")
        return token

    def _send(
        self,
        call: Call,
        request: Request,
        denials: Collection[int],
        name: str,
    ) -> bytes | Denial:
        """The body of the response; a denial if its status is one of these.

        Args:
            call: for which call.
            request: the request.
            denials: codes of HTTP.
            name: what is requested, for ``on_response``.
        """
        account = call.account
        path = request.path.lstrip("/")
        url = f"{account.api.base_url}/{path}"
        # The second attempt is for a connection that the server has closed meanwhile, or a server
        # that is restarting.
        for _ in range(2):
            try:
                with self._session.request(
                    request.method,
                    url,
                    headers=dict(request.headers),
                    json=request.json,
                    **transport_options(account),
                ) as response:
                    return self._read(response, account, denials, name)
            except FAULTS as error:
                cause = innermost(error)
                was_before_response = isinstance(error, requests.ConnectionError)
            was_dropped = isinstance(cause, ConnectionError | ssl.SSLEOFError)
            # Any other fault would only happen again.
            if not was_before_response or not was_dropped:
                break
        # It is raised outside of the handler, so that no exception with the URL, and so the login,
        # is attached to it.
        reason = self._without_secrets(account, str(cause))
        raise fault(cause, reason, account.api)

    def _read(
        self,
        response: requests.Response,
        account: Account,
        denials: Collection[int],
        name: str,
    ) -> bytes | Denial:
        """The body of a response; a denial if its status is one of these."""
        status = response.status_code
        is_success = 200 <= status < 300
        body = None
        if is_success:
            body = read_body(response, account.api.max_response_bytes)
        if self._on_response is not None:
            kind = response.headers.get("Content-Type", "")
            self._on_response(account.slug, name, status, kind, body)
        if body is not None:
            return body
        retry_after = self._retry_after(response.headers.get("Retry-After", ""))
        if status in denials:
            return Denial(status, retry_after)
        raise error_of_status(status, retry_after)

    def _retry_after(self, header: str) -> float:
        """The seconds of a Retry-After header, within limits."""
        try:
            seconds = seconds_until(header, self._now())
        except (ValueError, OverflowError):
            return DEFAULT_RETRY_AFTER
        if seconds < MIN_RETRY_AFTER:
            return MIN_RETRY_AFTER
        return min(seconds, MAX_RETRY_AFTER)

    def _public_text(self, account: Account, text: str) -> str:
        """The text of an error, in which what the server has sent is without secrets.

        Our own words stay as they are, even if the password is one of them.
        """

        def mask(match: re.Match[str]) -> str:
            return self._without_secrets(account, match[0])

        text = SERVER_TEXT.sub(mask, text)
        return without_login(account, text)

    def _without_secrets(self, account: Account, text: str) -> str:
        """What a server has sent, without passwords, tokens and the login.

        Servers repeat them in their errors.
        """
        secrets = self._tokens.of_account(account.slug)
        for password in (account.password, account.partner_password):
            if password is not None:
                secret = password.get_secret_value()
                secrets.append(secret)
        for secret in secrets:
            # An empty secret would insert the stars between all characters.
            if secret:
                text = text.replace(secret, "***")
        return without_login(account, text)


class Tokens:
    """The current token of each account and level.

    Callers that need a new one at the same time share one request.

    Args:
        clock: gives seconds from any starting point.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[TokenKey, str] = {}
        # When a renewal did not help: for a function, and (None) for all functions of a token.
        self._useless: dict[RenewalKey, float] = {}
        # Part of a flight's key is the refused token, so that nobody gets back the token that was
        # just refused.
        self._flights = SingleFlight[FlightKey, str]()

    def get(
        self,
        key: TokenKey,
        request: Callable[[], str],
        refused: str | None,
    ) -> str:
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
        # The wait for another call's request is part of this call's deadline.
        try:
            return flight.result(DEADLINE.get().left)
        except TimeoutError:
            raise Unavailable("another call still waits for the token") from None
        except UpstreamError as error:
            raise copy(error) from None  # the text of an error is completed for each function

    def may_renew(self, key: TokenKey, function: Function, token: str) -> bool:
        """Whether a new token may help a function whose response leaves in doubt why it failed.

        It may not if a renewal did not help shortly before: for this function, or for any function
        as long as none has worked since. So a server that is broken gets only a few requests for
        tokens, however many functions are called, and one broken function does not keep the others
        from renewing a token that has expired.
        """
        # Another call has renewed it meanwhile, so that trying again costs no token.
        if self._tokens.get(key) != token:
            return True
        latest_end = self._clock() - RENEWAL_PAUSE_SECONDS
        for cause in (function, None):
            useless_at = self._useless.get((key, cause))
            if useless_at is not None and useless_at > latest_end:
                return False
        return True

    def count_useless_renewal(self, key: TokenKey, function: Function) -> None:
        """Note that a renewal did not help a function."""
        now = self._clock()
        self._useless[key, function] = now
        self._useless[key, None] = now

    def count_success(self, key: TokenKey, function: Function) -> None:
        """Note that a function has worked with the current token."""
        self._useless.pop((key, function), None)
        self._useless.pop((key, None), None)

    def discard(self, key: TokenKey, token: str) -> None:
        """Forget a token that the API has refused, so that the next call requests a new one."""
        if self._tokens.get(key) == token:
            self._tokens.pop(key, None)

    def of_account(self, slug: str) -> list[str]:
        """All tokens of an account, to remove them from texts."""
        found = []
        # A copy, because other threads add tokens meanwhile.
        for key, token in list(self._tokens.items()):
            owner, _ = key
            if owner == slug:
                found.append(token)
        return found

    def _renew(
        self,
        key: TokenKey,
        request: Callable[[], str],
        refused: str | None,
    ) -> str:
        """A new token, unless there is one already."""
        token = self._tokens.get(key)
        if token is not None and token != refused:
            return token  # another flight has ended between the look at the token and the join
        token = request()
        self._tokens[key] = token
        return token


def without_login(account: Account, text: str) -> str:
    """A text without the number of the account."""
    # Only as a whole number: a short login may be a part of a larger one, such as a port.
    login = rf"(?<!\d){account.login}(?!\d)"
    return re.sub(login, "***", text)


def token_key(call: Call) -> TokenKey:
    """Whose token a call needs."""
    return (call.account.slug, call.is_partner)


def error_of_denial(call: Call, denial: Denial) -> UpstreamError:
    """The error for a request that was denied, with a new token too if there was one."""
    if denial.status not in REFUSALS:
        return error_of_status(denial.status, denial.retry_after)
    if call.password is not None:
        return Refused(
            "a new token was refused too: the API password is wrong, "
            "or this server's address is outside the account's IP mask"
        )
    key = "password_env"
    if call.is_partner:
        key = "partner_password_env"
    return Refused(
        "the account is not at the open level:"
        f" set its API password in accounts.{call.account.slug}.{key}"
    )


def error_of_status(status: int, retry_after: float) -> UpstreamError:
    """The error for a response that is neither successful nor a refusal.

    Args:
        status: its HTTP status.
        retry_after: seconds until another attempt makes sense, if the server has trouble.
    """
    if status == 429:
        return RateLimited(f"HTTP {status}", retry_after)
    if status >= 500:
        return ServerFailure(f"HTTP {status}", retry_after)
    is_redirect = 300 <= status < 400
    if is_redirect:
        return Unreadable(f"HTTP {status}: a redirect, which is not followed; correct base_url")
    return NoSuchPath(f"HTTP {status}; if this API uses another path, set it in api.methods")


def with_title(function: Function, text: str) -> str:
    """An error text that begins with the name of the function."""
    title = parsing.function_title(function)
    # The errors of parsing have it already, with the field behind it.
    if text.startswith(title):
        return text
    return f"{title}: {text}"


def token_in(body: bytes) -> str | None:
    """The token of a response: bare text, a JSON string, or the field ``token`` of an object."""
    text = body.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    try:
        values = list(islice(rows_in(text), 2))
    except NotJSON:
        return text
    if len(values) != 1:
        return None
    value = values[0]
    if isinstance(value, dict):
        fields = {name.lower(): item for name, item in value.items()}
        value = fields.get("token")
    if not isinstance(value, str):
        return None
    return value.strip()


def seconds_until(retry_after: str, now: float) -> float:
    """The seconds of a Retry-After header, which has a number of seconds or a date.

    Raises:
        ValueError: it has neither.
    """
    if retry_after.isdecimal():
        return float(retry_after)
    moment = parsedate_to_datetime(retry_after)
    return moment.timestamp() - now


def read_body(response: requests.Response, limit: int) -> bytes:
    """The decompressed body.

    Raises:
        Unreadable: it is longer than the limit.
    """
    # Appending to bytes would copy all of them each time.
    body = bytearray()
    # The limit counts decompressed bytes, so a small gzip bomb does not fill the memory.
    while True:
        chunk = response.raw.read(CHUNK_BYTES, decode_content=True)
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > limit:
            raise Unreadable(f"more than {limit} bytes (max_response_bytes)")


def innermost(error: BaseException) -> BaseException:
    """The original error. Those around it contain the URL, and so the login."""
    inner = error.__cause__ or error.__context__
    if isinstance(inner, (*FAULTS, HTTPException)):
        return innermost(inner)
    return error


def fault(cause: BaseException, reason: str, api: Api) -> UpstreamError:
    """The error for a fault of a connection or a server.

    Args:
        cause: what was raised.
        reason: its text, without secrets.
        api: what was called.
    """
    if isinstance(cause, TimeoutError):
        deadline = f"{api.deadline_seconds:g} s"
        return Unavailable(f"no complete response within the deadline of {deadline}")
    if isinstance(cause, socket.gaierror):
        return Unreachable(f"the name of the API's host cannot be resolved ({cause.strerror})")
    if isinstance(cause, ssl.SSLError):
        advice = "if the API has a private CA, set ca_file"
        if api.ca_file:
            advice = "check the certificate of the API's CA in ca_file"
        return Unreachable(f"TLS failed: {reason}; {advice}")
    if isinstance(cause, DecodeError):
        return Unreadable("the response cannot be decompressed")
    text = f"{type(cause).__name__}: {reason}"
    if is_unreachable(cause):
        return Unreachable(text)
    return Unavailable(text)


def is_unreachable(cause: BaseException) -> bool:
    """Whether no connection could be established.

    If a request was sent and got no response, the reason may be the account.
    """
    if isinstance(cause, ConnectionRefusedError):
        return True
    return isinstance(cause, OSError) and cause.errno in NO_ROUTE


def transport_options(account: Account) -> dict[str, Any]:
    """How ``requests`` should connect to the account's API."""
    api = account.api
    proxies = None
    if api.proxy:
        proxies = {"http": api.proxy, "https": api.proxy}
    return {
        # The body is read in chunks, to stop when it is too long.
        "stream": True,
        "timeout": remaining_seconds(),
        # True means the usual certificate authorities.
        "verify": api.ca_file or True,
        "proxies": proxies,
    }
