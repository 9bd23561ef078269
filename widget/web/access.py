"""Access control: one decision per request, the same for every form of a widget.

The functions are pure: clock, address and the check of a password are arguments.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from widget.config import Account, Network
from widget.errors import Forbidden, Locked, NotFound, WrongPassword
from widget.web import tokens
from widget.web.tokens import Grant
from widget.widgets import registry
from widget.widgets.base import Widget, Widgets

VIEWER_TOKEN_SECONDS = 3600
"""Lifetime of a token of the unlock form. It is renewed by refreshes of the page."""
MAX_VIEWER_SECONDS = 12 * 3600
"""How long after the password was entered tokens are renewed."""

# 203.0.113.7:51234, [2001:db8::1] or [2001:db8::1]:443. Without brackets, the last part of an IPv6
# address cannot be distinguished from a port.
_ADDRESS_WITH_PORT = re.compile(
    r"\[(?P<ipv6>[^\[\]]+)\](:\d{1,5})?|(?P<ipv4>[^:\[\]]+):\d{1,5}", re.ASCII
)

_NOT_FOUND = "unknown account or widget, or not enabled"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request.

    Attributes:
        address: the visitor's IP address, as reported by the trusted proxies.
        token: the token in the URL.
        check_password: whether the viewer password in the request is the account's; None if the
            request has no password. It is called only if the answer matters, since checking a
            password is expensive and attempts are limited.
    """

    address: str | None
    token: str | None = None
    check_password: Callable[[], bool] | None = None


def find_widget(
    accounts: Mapping[str, Account],
    widgets: Widgets,
    slug: str,
    name: str,
) -> tuple[Account, Widget]:
    """An account and one of its widgets.

    Args:
        accounts: by slug.
        widgets: all widgets by name.
        slug: the name of the account in the URL.
        name: the name of the widget in the URL.

    Raises:
        NotFound: the account or the widget is unknown, or the widget is not enabled. The error is
            the same in all three cases, so that it does not reveal which accounts there are.
    """
    account = accounts.get(slug)
    widget = widgets.get(name)
    if account is None or widget is None:
        raise NotFound(_NOT_FOUND)
    if name not in registry.enabled_widgets(account, widgets):
        raise NotFound(_NOT_FOUND)
    return account, widget


def authorize(
    account: Account,
    widget: str,
    credentials: Credentials,
    now: float,
) -> Grant | None:
    """Check that a request may see a widget.

    Args:
        account: the account.
        widget: the name of the widget.
        credentials: the credentials of the request.
        now: Unix seconds.

    Returns:
        What the token or password grants; None if the account is open and there is no token.

    Raises:
        Forbidden: the address is outside the account's networks.
        Expired: the token has expired.
        WrongPassword: the password is wrong.
        Locked: the token is invalid, or the account is closed and there are no credentials.
    """
    # Networks come first: from outside, nobody may try tokens or passwords.
    networks = account.allowed_networks
    if networks and not _is_inside(credentials.address, networks):
        raise Forbidden("outside allowed_networks")
    if credentials.token is not None:
        # An invalid token is refused for an open account too. Otherwise the options that it locks
        # would be ignored.
        return tokens.verify(
            credentials.token,
            signing_keys(account),
            f"{account.slug}/{widget}",
            now,
            renewing_key=viewer_key(account),
        )
    if account.access == "open":
        return None
    if credentials.check_password is None:
        raise Locked("neither token nor viewer password")
    if not credentials.check_password():
        raise WrongPassword("wrong viewer password")
    # Expired from the start: the page gets its token by renewal, like later ones.
    return Grant(
        params={},
        expires=0,
        is_for_account=True,
        renewable_until=int(now) + MAX_VIEWER_SECONDS,
    )


def renew(grant: Grant, now: float) -> Grant | None:
    """The grant of the next token, None if it is too early or too late for one.

    Args:
        grant: of the present token or password.
        now: Unix seconds.
    """
    if grant.renewable_until <= now:
        return None
    remaining = grant.expires - now
    # A new token for every refresh would change the page each time, even with the same figures.
    if remaining >= VIEWER_TOKEN_SECONDS / 2:
        return None
    expires = now + VIEWER_TOKEN_SECONDS
    expires = min(expires, grant.renewable_until)
    return replace(grant, expires=int(expires))


def sign_renewal(account: Account, grant: Grant) -> str:
    """The token for a grant that was renewed.

    It is for the whole account, because the viewer password is.
    """
    # Only grants of the unlock form are renewed. A new password ends their tokens.
    key = viewer_key(account)
    assert key is not None
    return tokens.sign(
        [key],
        tokens.account_subject(account.slug),
        grant.expires,
        renewable_until=grant.renewable_until,
    )


def signing_keys(account: Account) -> tuple[bytes, ...]:
    """All keys whose tokens are accepted: embed secrets, newest first, and the unlock form's."""
    key = viewer_key(account)
    if key is None:
        return account.embed_keys
    return (*account.embed_keys, key)


def viewer_key(account: Account) -> bytes | None:
    """The key that signs tokens of the unlock form, None if the account has no viewer password."""
    password_hash = account.viewer_password_hash
    if password_hash is None:
        return None
    return tokens.viewer_key(password_hash.get_secret_value())


def visitor_address(peer: str | None, forwarded: str, hops: int) -> str | None:
    """The address of the visitor, as far as the proxies in front of the service are trusted.

    Args:
        peer: the address that connected to this service.
        forwarded: the value of X-Forwarded-For. Each proxy appends the address that connected to
            it; everything before that was sent by the visitor.
        hops: the number of trusted proxies. If the header has fewer elements, the request did not
            pass through the outer proxies.
    """
    # Quoted strings are not parsed: a quotation mark sent by the visitor must not hide what the
    # proxies append.
    addresses: list[str | None] = [peer]
    if forwarded.strip():
        parts = forwarded.split(",")
        # The nearest one first, which the nearest proxy appended.
        addresses += [_without_port(part.strip()) for part in reversed(parts)]
    farthest = len(addresses) - 1
    return addresses[min(hops, farthest)]


def _without_port(element: str) -> str:
    """The address in an element of X-Forwarded-For: some proxies add a port and brackets."""
    match = _ADDRESS_WITH_PORT.fullmatch(element)
    if match is None:
        return element
    return match["ipv6"] or match["ipv4"]


def client_network(address: str | None) -> str:
    """The key by which attempts are counted: an IPv4 address, or the /64 network of an IPv6 one.

    A visitor with IPv6 usually has all addresses of a /64.
    """
    parsed = _parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        network = ipaddress.IPv6Network((parsed, 64), strict=False)
        return str(network)
    return str(parsed)


def _is_inside(address: str | None, networks: Sequence[Network]) -> bool:
    parsed = _parse_address(address)
    # A connection by a Unix socket has no address, and a visitor may send any text as one.
    if parsed is None:
        return False
    return any(parsed in network for network in networks)


def _parse_address(address: str | None) -> Address | None:
    """An address, IPv4 if it is an IPv4 address mapped to IPv6; None if it is malformed."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    # A socket for both protocols reports IPv4 visitors as ::ffff:192.0.2.1, while the networks of
    # the configuration are written as IPv4.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped
    return parsed
