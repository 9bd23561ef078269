"""Signed tokens: JWT, HS256, for one widget of one account, with an expiry time and locked options.

``{"sub": "main/balance", "exp": 1795420800, "params": {"lang": "fr"}}``, signed with one of the
account's keys.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from widget.errors import Expired, Locked

MAX_SECONDS = 24 * 3600
"""The latest expiry of a token, in seconds from now."""
MAX_LENGTH = 4096

_ALGORITHM = "HS256"
# PyJWT would check the times by the clock of the machine. verify() uses the clock of the service.
_DECODE_OPTIONS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_sub": False,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token grants.

    Attributes:
        params: options that the URL cannot change.
        expires: when the token expires, in Unix seconds.
        renewable_until: the Unix time until which responses contain a new token, at most a day from
            now; 0 if the token is not renewed.
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
    """Create a token, signed with the newest key.

    Args:
        keys: the signing keys, newest first.
        subject: ``account/widget``.
        expires: Unix seconds.
        params: the options to lock.
        renewable_until: see ``Grant``.
    """
    claims: dict[str, Any] = {
        "sub": subject,
        "exp": int(expires),
    }
    if params:
        claims["params"] = dict(params)
    if renewable_until:
        claims["renew"] = int(renewable_until)
    return jwt.encode(claims, keys[0], _ALGORITHM)


def verify(
    token: str,
    keys: Sequence[bytes],
    subject: str,
    now: float,
) -> Grant:
    """Check a token and return what it grants.

    Args:
        token: any text.
        keys: the keys that tokens may be signed with.
        subject: ``account/widget``.
        now: Unix seconds.

    Raises:
        Expired: the token was valid until it expired.
        Locked: the token is not valid for this widget.
    """
    claims = _decode(token, keys)
    expires = claims.get("exp")
    params = claims.get("params", {})
    renewable_until = claims.get("renew", 0)
    # JavaScript creates times with fractions. A bool is an int in Python, but not in JSON.
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Locked("token: exp is required and must be a number")
    if not isinstance(params, dict):
        raise Locked("token: params must be an object")
    if type(renewable_until) is not int:
        raise Locked("token: renew must be an integer")
    if claims.get("sub") != subject:
        raise Locked("token: signed for another widget")
    # Both conditions are written so that NaN, which Python reads in JSON, does not pass.
    if not expires > now:
        raise Expired(f"token: expired {now - expires:.0f} s ago")
    latest = now + MAX_SECONDS
    if not max(expires, renewable_until) <= latest:
        raise Locked(f"token: expires more than {MAX_SECONDS // 3600} hours from now")
    return Grant(params, int(expires), renewable_until)


def viewer_key(password_hash: str) -> bytes:
    """The key that signs tokens of the unlock form.

    It is derived from the hash of the password, so that a new password invalidates them.
    """
    context = b"cabinet-widgets: viewer token"
    return hmac.digest(password_hash.encode(), context, hashlib.sha256)


def _decode(token: str, keys: Sequence[bytes]) -> dict[str, Any]:
    """The claims of a token that is signed with one of the keys."""
    # Each key needs another attempt, since a token does not say which one signed it.
    if len(token) <= MAX_LENGTH:
        for key in keys:
            try:
                return jwt.decode(token, key, [_ALGORITHM], options=_DECODE_OPTIONS)
            except (jwt.InvalidTokenError, RecursionError):
                # RecursionError: PyJWT parses the header's JSON before it checks the signature.
                continue
    raise Locked("token: not signed with a key of this account, or not a token")
