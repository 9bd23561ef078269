"""Signed tokens: JWT, HS256, for a widget or an account, with an expiry time and locked options.

``{"sub": "main/balance", "exp": 1795420800, "params": {"lang": "fr"}}``, signed with one of the
account's keys. The subject ``main/*`` stands for every enabled widget of the account.
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
LEEWAY_SECONDS = 30
"""By how much the clock of the site that signs tokens may differ from the clock of the service."""
MAX_LENGTH = 4096
MAX_TIME = 2**53
"""The largest time, in Unix seconds: the largest integer that JavaScript represents exactly."""

_ALGORITHM = "HS256"
# PyJWT checks the signature. It would check times by the clock of the machine, but verify() uses
# the clock of the service; and it would refuse claims that have no meaning here.
_DECODE_OPTIONS: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_sub": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token grants.

    Attributes:
        params: options that the URL cannot change.
        expires: when the token expires, in Unix seconds.
        is_for_account: whether it is for every enabled widget of the account, so that ``params``
            apply to the widgets that have the option.
        renewable_until: the Unix time until which responses contain a new token; 0 if the token is
            not renewed.
    """

    params: Mapping[str, Any]
    expires: int
    is_for_account: bool = False
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
        subject: ``account/widget`` or ``account/*``.
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
    renewing_key: bytes | None = None,
) -> Grant:
    """Check a token and return what it grants.

    Args:
        token: any text.
        keys: the keys that tokens may be signed with.
        subject: ``account/widget``; ``account/*`` for what only tokens of a whole account grant.
        now: Unix seconds.
        renewing_key: the key whose tokens may be renewed. Others sign with the other keys, so that
            the claim ``renew`` means nothing there.

    Raises:
        Expired: the token was valid until it expired.
        Locked: the token is not valid for this widget. The text names the claim that is wrong.
    """
    claims, key = _decode(token, keys)
    subject_of_account = account_subject(subject)
    if claims.get("sub") not in (subject, subject_of_account):
        raise Locked(f"token: sub is neither {subject} nor {subject_of_account}")
    params = claims.get("params", {})
    # PHP writes an empty array as a list.
    if params == []:
        params = {}
    if not isinstance(params, dict):
        raise Locked("token: params is not an object")
    expires = _valid_expiry(claims, now)
    renewable_until = 0
    if key == renewing_key:
        renewable_until = claims.get("renew", 0)
    return Grant(
        params,
        expires=int(expires),
        is_for_account=claims["sub"] == subject_of_account,
        renewable_until=renewable_until,
    )


def _valid_expiry(claims: Mapping[str, Any], now: float) -> float:
    """When a token expires, if it is valid now.

    Raises:
        Expired: it has expired.
        Locked: it is not valid yet, or for too long, or does not say when it expires.
    """
    expires = _seconds(claims, "exp")
    if expires is None:
        raise Locked("token: exp is missing")
    if expires > now + MAX_SECONDS + LEEWAY_SECONDS:
        raise Locked(f"token: exp is more than {MAX_SECONDS // 3600} hours ahead")
    if expires <= now - LEEWAY_SECONDS:
        raise Expired(f"token: exp was {now - expires:.0f} s ago")
    not_before = _seconds(claims, "nbf")
    if not_before is not None and not_before > now + LEEWAY_SECONDS:
        raise Locked(f"token: nbf is {not_before - now:.0f} s ahead")
    return expires


def account_subject(subject: str) -> str:
    """The subject of tokens for the whole account that a subject belongs to: ``account/*``."""
    slug, _, _ = subject.partition("/")
    return f"{slug}/*"


def viewer_key(password_hash: str) -> bytes:
    """The key that signs tokens of the unlock form.

    It is derived from the hash of the password, so that a new password invalidates them.
    """
    context = b"cabinet-widgets: viewer token"
    return hmac.digest(password_hash.encode(), context, hashlib.sha256)


def _decode(token: str, keys: Sequence[bytes]) -> tuple[dict[str, Any], bytes]:
    """The claims of a token that is signed with one of the keys, and the key."""
    if len(token) > MAX_LENGTH:
        raise Locked(f"token: longer than {MAX_LENGTH} characters")
    # Each key needs another attempt, since a token does not say which one signed it.
    for key in keys:
        try:
            return jwt.decode(token, key, [_ALGORITHM], options=_DECODE_OPTIONS), key
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidAlgorithmError:
            raise Locked(f"token: alg is not {_ALGORITHM}") from None
        except (jwt.InvalidTokenError, RecursionError):
            # RecursionError: older releases of PyJWT do not handle deeply nested JSON.
            raise Locked("token: not a JWT") from None
    raise Locked("token: signature is not by a key of this account")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A claim in Unix seconds, None if it is missing."""
    if name not in claims:
        return None
    value = claims[name]
    # JavaScript creates times with fractions. A bool is an int in Python, but not in JSON.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Python reads NaN and Infinity in JSON, and integers that are too large for a float.
    if not is_number or not -MAX_TIME <= value <= MAX_TIME:
        raise Locked(f"token: {name} is not a time in Unix seconds")
    return float(value)
