"""Signed tokens: JWT, HS256, for one widget of one account, with an expiry time and locked options.

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
    claims: dict[str, Any] = {"sub": subject, "exp": int(expires)}
    if params:
        claims["params"] = dict(params)
    if renewable_until:
        claims["renew"] = int(renewable_until)
    return jwt.encode(claims, keys[0], _ALGORITHM)


def verify(token: str, keys: Sequence[bytes], subject: str, now: float) -> Grant:
    """Check a token and return what it grants.

    Raises:
        Expired: the token was valid until it expired.
        Locked: the token is not valid for this widget.
    """
    claims = _claims(token, keys)
    expires, params, renew = claims.get("exp"), claims.get("params", {}), claims.get("renew", 0)
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Locked("token: exp is required and must be a number")
    if type(renew) is not int or not isinstance(params, dict):
        raise Locked("token: params must be an object")
    if claims.get("sub") != subject:
        raise Locked("token: signed for another widget")
    if not expires > now:
        raise Expired(f"token: expired {now - expires:.0f} s ago")
    if not max(expires, renew) <= now + MAX_SECONDS:
        raise Locked(f"token: expires more than {MAX_SECONDS // 3600} hours from now")
    return Grant(params, int(expires), renew)


def _claims(token: str, keys: Sequence[bytes]) -> dict[str, Any]:
    if len(token) <= MAX_LENGTH:
        for key in keys:
            try:
                # verify() checks the times, because it uses the clock of the service.
                return jwt.decode(
                    token,
                    key,
                    [_ALGORITHM],
                    options={"verify_exp": False, "verify_iat": False, "verify_sub": False},
                )
            except (jwt.InvalidTokenError, RecursionError):
                # RecursionError: PyJWT parses the JSON of the header before it checks the signature.
                continue
    raise Locked("token: not signed with a key of this account, or not a token")


def viewer_key(password_hash: str) -> bytes:
    """The key that signs tokens of the unlock form.

    It is derived from the hash of the password, so that a new password invalidates them.
    """
    return hmac.digest(password_hash.encode(), b"cabinet-widgets: viewer token", hashlib.sha256)
