"""What the current request contains: options, token, the address of the visitor."""

import ipaddress
import logging
import threading
from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl

from flask import request

from widget.config import Server
from widget.errors import BadOption
from widget.web import access
from widget.web.cache_key import is_tracking
from widget.widgets.options import PICTURE_OPTIONS, Options, valid_options, without_names

# A token has up to 4,096 characters, and servers accept lines of about 8,000.
MAX_QUERY_LENGTH = 6144
MAX_PARAMETERS = 40

log = logging.getLogger("widget.web")

# The title and the rows decide the height of a widget, which its error page has as well.
_APPEARANCE_OPTIONS = ("theme", "background", "accent", "lang", "title", "rows", *PICTURE_OPTIONS)
# A proxy sets at least one of these.
_FORWARDING_HEADERS = {"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"}

Parameters = list[tuple[str, str]]
"""Names and values of a query, in order."""


def split_suffix(name: str) -> tuple[str, str]:
    """The name of a widget or account, and the suffix of a form with its dot, or nothing."""
    stem, dot, extension = name.partition(".")
    return stem, dot + extension


def query_parameters() -> Parameters:
    """The parameters of the query, without those that other sites append for tracking.

    Raises:
        BadOption: the query is too long or not valid UTF-8.
    """
    if len(request.query_string) > MAX_QUERY_LENGTH:
        raise BadOption("query", f"is longer than {MAX_QUERY_LENGTH} characters")
    try:
        parameters = parse_qsl(
            request.query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:  # also if there are too many parameters
        raise BadOption("query", "cannot be read") from None
    return [(name, value) for name, value in parameters if not is_tracking(name)]


def token_of(parameters: Parameters) -> str | None:
    """The token of a query, None if there is none.

    Raises:
        BadOption: there is more than one.
    """
    token = None
    for name, value in parameters:
        if name == "token":
            if token is not None:
                raise BadOption("token", "is given twice")
            token = value
    return token


def without_token(parameters: Parameters) -> Parameters:
    """The parameters of a query that are options."""
    return without_names(parameters, ["token"])


def link_parameters(names: Collection[str], token: str | None) -> Parameters:
    """The parameters of this query for links that choose other options of these names.

    Args:
        names: the options to leave out.
        token: the new token of the page, which replaces the present one; None if it has none.
    """
    parameters = without_names(query_parameters(), names)
    if token is None:
        return parameters
    return [*without_token(parameters), ("token", token)]


def appearance_options(parameters: Parameters) -> Options:
    """The valid options that apply to error pages as well; all others have their default.

    They are needed before all options are parsed, which is what may fail.
    """
    return valid_options(parameters, _APPEARANCE_OPTIONS)


def accepted_languages() -> Sequence[str]:
    """The language tags of Accept-Language, the preferred one first."""
    return [tag for tag, _ in request.accept_languages]


def visitor_address(server: Server) -> str | None:
    """The address of the visitor."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return access.visitor_address(request.remote_addr, forwarded, server.trusted_proxies)


class UntrustedProxyWarning:
    """Warns once if a proxy is in front of the service, but none is configured."""

    def __init__(self) -> None:
        self._first = threading.Lock()

    def check(self) -> None:
        """Look at the current request."""
        if "X-Forwarded-For" not in request.headers:
            return
        # It is never released, so that only one request gets it.
        if self._first.acquire(blocking=False):
            log.warning(
                "a request has X-Forwarded-For, but server.trusted_proxies is 0: if there is a"
                " proxy in front of this service, all its visitors count as one, so set it to the"
                " number of your proxies; otherwise, a visitor has sent the header"
            )


def is_from_private_network(server: Server) -> bool:
    """Whether the request comes from this machine or a private network.

    A request that an untrusted proxy forwarded may come from anywhere.
    """
    is_forwarded = any(name in request.headers for name in _FORWARDING_HEADERS)
    # The address of the connection is then that of the proxy.
    if is_forwarded and not server.trusted_proxies:
        return False
    address = visitor_address(server) or ""
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
