"""Access control: tokens, networks, passwords."""

import base64
import hashlib
import hmac
import ipaddress
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget import tokens
from widget.access import Allow, Credentials, Deny, Policy, decide
from widget.errors import CabinetError, Expired, Forbidden, Locked, NotFound, WrongPassword

NOW = 1_795_000_000
OLD, NEW = b"o" * 32, b"n" * 32
CLOSED = Policy("main/balance", closed=True, networks=(), keys=(NEW, OLD))
OPEN = Policy("main/balance", closed=False, networks=(), keys=(NEW,))


def minted(key: bytes = NEW, algorithm: str = "HS256", **claims: Any) -> str:
    """A token that was created by another library."""
    return jwt.encode({"sub": "main/balance", "exp": NOW + 600, **claims}, key, algorithm)


def asked(policy: Policy | None, token: str | None = None, **more: Any) -> Allow | CabinetError:
    """The decision: Allow, or the reason against it."""
    decision = decide(policy, Credentials(more.pop("address", "198.51.100.7"), token, **more), NOW)
    return decision if isinstance(decision, Allow) else decision.reason


def test_an_open_account_is_open() -> None:
    assert asked(OPEN) == Allow()


def test_a_closed_account_is_locked_without_a_credential() -> None:
    assert type(asked(CLOSED)) is Locked


def test_unknown_accounts_and_widgets_are_not_found_whatever_the_credentials() -> None:
    assert type(asked(None, minted(), password_is_right=True)) is NotFound


def test_a_token_of_the_newest_or_an_older_key_grants_access_and_locks_options() -> None:
    for key in (NEW, OLD):
        decision = asked(CLOSED, minted(key, params={"lang": "fr"}))
        assert isinstance(decision, Allow)
        assert decision.grant is not None
        assert (decision.grant.params, decision.grant.expires) == ({"lang": "fr"}, NOW + 600)


def test_the_service_accepts_its_own_tokens() -> None:
    token = tokens.sign([NEW, OLD], "main/balance", NOW + 60, {"rows": 5})
    assert tokens.verify(token, [NEW], "main/balance", NOW) == tokens.Grant({"rows": 5}, NOW + 60)


def test_an_expired_token_says_so() -> None:
    assert type(asked(CLOSED, minted(exp=NOW))) is Expired


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "main/summary"},
        {"sub": "other/balance"},
        {"sub": None},
        {"sub": ["main/balance"]},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": NOW + tokens.MAX_SECONDS + 1},
        {"params": ["lang"]},
        {"params": "lang"},
        {"renew": "always"},
    ],
)
def test_a_token_for_something_else_or_without_its_claims_is_refused(
    claims: dict[str, Any],
) -> None:
    token = minted(**{name: value for name, value in claims.items() if value is not None})
    if claims == {"exp": None}:
        token = jwt.encode({"sub": "main/balance"}, NEW)
    if claims == {"sub": None}:
        token = jwt.encode({"exp": NOW + 60}, NEW)
    assert isinstance(asked(CLOSED, token), Locked)


def test_a_token_may_expire_a_day_from_now_and_no_later() -> None:
    assert isinstance(asked(CLOSED, minted(exp=NOW + tokens.MAX_SECONDS)), Allow)
    assert type(asked(CLOSED, minted(exp=NOW + tokens.MAX_SECONDS + 1))) is Locked


def test_a_token_may_expire_at_a_fraction_of_a_second() -> None:
    """As JavaScript calculates it: Date.now() / 1000 + 600."""
    decision = asked(CLOSED, minted(exp=NOW + 600.25))
    assert isinstance(decision, Allow)
    assert decision.grant == tokens.Grant({}, NOW + 600)
    assert type(asked(CLOSED, minted(exp=NOW - 0.25))) is Expired
    for never in (float("nan"), float("inf")):
        assert isinstance(asked(CLOSED, minted(exp=never)), Locked)


def test_the_algorithm_is_fixed() -> None:
    def part(claims: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    claims = part({"sub": "main/balance", "exp": NOW + 60})
    assert isinstance(asked(CLOSED, f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}."), Locked)
    other = f"{part({'alg': 'HS384', 'typ': 'JWT'})}.{claims}"
    signature = (
        base64.urlsafe_b64encode(hmac.digest(NEW, other.encode(), hashlib.sha384))
        .rstrip(b"=")
        .decode()
    )
    assert isinstance(asked(CLOSED, f"{other}.{signature}"), Locked)


def test_a_wrong_token_is_refused_on_an_open_account_too() -> None:
    assert isinstance(asked(OPEN, minted(b"x" * 32)), Locked)


@given(
    st.text(max_size=200) | st.binary(max_size=80).map(lambda raw: base64.b64encode(raw).decode())
)
def test_random_text_is_not_a_token(token: str) -> None:
    assert isinstance(asked(CLOSED, token), Locked)


@given(st.integers(0, 300), st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(position: int, flip: int) -> None:
    raw = bytearray(minted().encode())
    position %= len(raw)
    raw[position] ^= flip
    token = raw.decode("latin-1")
    decision = asked(CLOSED, token)
    # The last letter of base64 has unused bits.
    assert isinstance(decision, Locked) or position == len(raw) - 1


def test_the_right_password_grants_access_and_a_wrong_one_is_reported() -> None:
    assert isinstance(asked(CLOSED, password_is_right=True), Allow)
    assert type(asked(CLOSED, password_is_right=False)) is WrongPassword


def policy_of(*networks: str, closed: bool = False) -> Policy:
    """A policy with networks."""
    return Policy(
        "main/balance",
        closed,
        tuple(ipaddress.ip_network(n, strict=False) for n in networks),
        (NEW,),
    )


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("203.0.113.0/255.255.255.0", "203.0.113.77", True),
        ("203.0.113.9/255.255.255.0", "203.0.113.77", True),
        ("203.0.113.0/24", "203.0.114.1", False),
        ("203.0.113.0/24", "::ffff:203.0.113.77", True),
        ("2001:db8::/32", "2001:db8:1::5", True),
        ("2001:db8::/32", "2001:db9::5", False),
        ("2001:db8::/32", "203.0.113.77", False),
        ("203.0.113.77", "203.0.113.77", True),
        ("203.0.113.0/24", "203.0.113.77:1234", False),
        ("0.0.0.0/0", "unknown", False),
        ("0.0.0.0/0", None, False),
    ],
)
def test_networks_apply(network: str, address: str | None, inside: bool) -> None:
    decision = asked(policy_of(network), address=address)
    assert isinstance(decision, Allow if inside else Forbidden)


def test_networks_apply_to_tokens_and_passwords_too() -> None:
    policy = policy_of("203.0.113.0/24", closed=True)
    assert type(asked(policy, minted())) is Forbidden
    assert type(asked(policy, password_is_right=True)) is Forbidden
    assert isinstance(asked(policy, minted(), address="203.0.113.1"), Allow)


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_inside_exactly_where_its_first_bits_are_the_networks(
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
) -> None:
    bits = min(bits, base.max_prefixlen)
    policy = policy_of(f"{base}/{bits}")
    mapped = getattr(address, "ipv4_mapped", None) or address
    shift = base.max_prefixlen - bits
    expected = mapped.version == base.version and int(mapped) >> shift == int(base) >> shift
    assert isinstance(asked(policy, address=str(address)), Allow) == expected


def test_the_viewers_key_changes_with_the_password() -> None:
    assert tokens.viewer_key("scrypt:a$b$c") != tokens.viewer_key("scrypt:a$b$d")
    assert len(tokens.viewer_key("scrypt:a$b$c")) == 32


def test_a_denial_is_a_value_and_not_an_exception() -> None:
    assert isinstance(decide(CLOSED, Credentials(None), NOW), Deny)
