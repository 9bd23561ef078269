"""Who may see a widget: one pure decision, the same for every format."""

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
    """What an account demands of whoever asks for one of its widgets."""

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
    """What a request brought.

    Attributes:
        address: the visitor's, as far as trusted proxies tell.
        token: of the URL.
        password_is_right: whether a viewer password came with it and is the account's; None where none came.
    """

    address: str | None
    token: str | None = None
    password_is_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes; with what the token says, where one opened the widget."""

    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """No, and why."""

    reason: CabinetError


ANYBODY: Final = Allow()


def signing_keys(account: Account) -> tuple[bytes, ...]:
    """All keys whose tokens open the account: the operator's, and the one of the unlock form."""
    viewer = account.viewer_password_hash
    return account.embed_keys + ((tokens.viewer_key(viewer.get_secret_value()),) if viewer else ())


def decide(policy: Policy | None, credentials: Credentials, now: float) -> Allow | Deny:
    """Whether a request may see a widget.

    Args:
        policy: None for an unknown account, an unknown widget and one that is not enabled: all three alike.
        credentials: what the request brought.
        now: Unix seconds.
    """
    if policy is None:
        return Deny(NotFound("unknown account or widget, or not enabled"))
    if policy.networks and not _is_inside(credentials.address, policy.networks):
        return Deny(Forbidden("outside allowed_networks"))
    if credentials.token is not None:
        # A token that does not hold is refused on an open account too: its locked options would be lost.
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
    """Whose request it is, as far as the proxies in front can be believed.

    Args:
        peer: who connected to this service.
        forwarded: all of X-Forwarded-For; each proxy adds at its end whom it was asked by, and what stands before that
            is whatever the visitor sent.
        hops: how many proxies there are. Where fewer have spoken, the request came in behind the others.
    """
    # No quoting: a quotation mark of the visitor's must not swallow what the proxies add.
    chain = [part.strip() for part in forwarded.split(",")] if forwarded.strip() else []
    return [*chain, peer][-1 - min(hops, len(chain))]


def client_network(address: str | None) -> str:
    """What tries are counted by: an IPv4 address, or the /64 that anybody with IPv6 has all addresses of."""
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
