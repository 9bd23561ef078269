"""Access control: one pure decision per request, the same for every format of a widget."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from widget import tokens
from widget.config import Account, Network
from widget.errors import CabinetError, Forbidden, Locked, NotFound, WrongPassword
from widget.tokens import Grant

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Policy:
    """What an account requires of a request for one of its widgets."""

    subject: str
    closed: bool
    networks: tuple[Network, ...]
    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, account: Account, widget: str) -> "Policy":
        """The policy for a widget of an account."""
        return cls(
            f"{account.slug}/{widget}",
            account.access == "closed",
            account.allowed_networks,
            signing_keys(account),
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request.

    Attributes:
        address: the visitor's IP address, as reported by the trusted proxies.
        token: the token in the URL.
        password_is_right: whether the viewer password of the request is correct; None if it has none.
    """

    address: str | None
    token: str | None = None
    password_is_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """Access is granted, by a token if ``grant`` is set."""

    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """Access is denied; ``reason`` is the error to raise."""

    reason: CabinetError


ANYBODY: Final = Allow()


def signing_keys(account: Account) -> tuple[bytes, ...]:
    """All keys whose tokens are accepted for the account: the embed secrets, and that of the unlock form."""
    viewer = account.viewer_password_hash
    return account.embed_keys + ((tokens.viewer_key(viewer.get_secret_value()),) if viewer else ())


def decide(policy: Policy | None, credentials: Credentials, now: float) -> Allow | Deny:
    """Decide whether a request may see a widget.

    Args:
        policy: None for an unknown account, an unknown widget and a widget that is not enabled.
            The three cases have the same result.
        credentials: the credentials of the request.
        now: Unix seconds.
    """
    if policy is None:
        return Deny(NotFound("unknown account or widget, or not enabled"))
    if policy.networks and not _is_inside(credentials.address, policy.networks):
        return Deny(Forbidden("outside allowed_networks"))
    if credentials.token is not None:
        # An invalid token is refused for an open account too. Otherwise its locked options would be ignored.
        try:
            return Allow(tokens.verify(credentials.token, policy.keys, policy.subject, now))
        except Locked as error:
            return Deny(error)
    if credentials.password_is_right is False:
        return Deny(WrongPassword("wrong viewer password"))
    if policy.closed and not credentials.password_is_right:
        return Deny(Locked("neither token nor viewer password"))
    return ANYBODY


def visitor_address(peer: str | None, forwarded: str, hops: int) -> str | None:
    """The address of the visitor, as far as the proxies in front of the service are trusted.

    Args:
        peer: the address that connected to this service.
        forwarded: the value of X-Forwarded-For. Each proxy appends the address that connected to
            it; everything before that was sent by the visitor.
        hops: the number of trusted proxies. If the header has fewer elements, the request did not
            pass through the outer proxies.
    """
    # Quoted strings are not parsed: a quotation mark sent by the visitor must not hide what the proxies append.
    chain = [part.strip() for part in forwarded.split(",")] if forwarded.strip() else []
    return [*chain, peer][-1 - min(hops, len(chain))]


def client_network(address: str | None) -> str:
    """The key by which attempts are counted: an IPv4 address, or the /64 network of an IPv6 address.

    A visitor with IPv6 usually has all addresses of a /64.
    """
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _is_inside(address: str | None, networks: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(address: str | None) -> Address | None:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
