"""Signed tokens: JWT, HS256, for one widget of one account, with an end and with locked options.

``{"sub": "main/balance", "exp": 1795420800, "params": {"lang": "fr"}}``, signed with one of the account's keys.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from widget.errors import Expired, Locked

MAX_SECONDS = 24 * 3600
MAX_LENGTH = 4096
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows.

    Attributes:
        params: options that the URL cannot change.
        expires: when it ends, in Unix seconds.
        renewable_until: until when whoever holds it gets a new one with each answer, at most a day; 0 for never.
    """

    params: Mapping[str, Any]
    expires: int
    renewable_until: int = 0


def sign(
    keys: Sequence[bytes],
    subject: str,
    expires: float,
    params: Mapping[str, str | int | float] | None = None,
    renewable_until: float = 0,
) -> str:
    """A token signed with the newest of the keys.

    Args:
        keys: the newest first.
        subject: ``account/widget``.
        expires: Unix seconds.
        params: options to lock.
        renewable_until: see ``Grant``.
    """
    claims: dict[str, Any] = {"sub": subject, "exp": int(expires)}
    if params:
        claims["params"] = dict(params)
    if renewable_until:
        claims["renew"] = int(renewable_until)
    return jwt.encode(claims, keys[0], _ALGORITHM)


def verify(token: str, keys: Sequence[bytes], subject: str, now: float) -> Grant:
    """What a token allows.

    Raises:
        Expired: it was good once.
        Locked: it never was, for this widget.
    """
    claims = _claims(token, keys)
    expires, params, renew = claims.get("exp"), claims.get("params", {}), claims.get("renew", 0)
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Locked("token: exp is required, and a number")
    if type(renew) is not int or not isinstance(params, dict):
        raise Locked("token: params is an object")
    if claims.get("sub") != subject:
        raise Locked("token: made for another widget")
    if not expires > now:
        raise Expired(f"token: ended {now - expires:.0f} s ago")
    if not max(expires, renew) <= now + MAX_SECONDS:
        raise Locked(f"token: ends more than {MAX_SECONDS // 3600} hours from now")
    return Grant(params, int(expires), renew)


def _claims(token: str, keys: Sequence[bytes]) -> dict[str, Any]:
    if len(token) <= MAX_LENGTH:
        for key in keys:
            try:
                # The times are checked above, by the service's own clock.
                return jwt.decode(
                    token,
                    key,
                    [_ALGORITHM],
                    options={"verify_exp": False, "verify_iat": False, "verify_sub": False},
                )
            except (
                jwt.InvalidTokenError,
                RecursionError,
            ):  # its header is read before the signature
                continue
    raise Locked("token: not signed with a key of this account, or no token at all")


def viewer_key(password_hash: str) -> bytes:
    """The key of the unlock form's tokens: made of the password's hash, so that a new password ends them."""
    return hmac.digest(password_hash.encode(), b"cabinet-widgets: viewer token", hashlib.sha256)
