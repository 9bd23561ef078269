"""Access control: tokens, networks, passwords."""

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from accounts import WIDGETS
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from widget.config import Account
from widget.errors import CabinetError, Expired, Forbidden, Locked, NotFound, WrongPassword
from widget.web import access, tokens
from widget.web.access import Credentials, authorize
from widget.web.tokens import Grant

NOW = 1_795_000_000
OLD, NEW = b"o" * 32, b"n" * 32
SECRET = SecretStr(f"{NEW.decode()},{OLD.decode()}")


def account(access: str = "open", *networks: str) -> Account:
    """An account with two embed secrets, perhaps with networks."""
    return Account(
        slug="main", login=1, access=access, embed_secret=SECRET, allowed_networks=networks
    )


CLOSED = account("closed")
OPEN = account("open")


def is_right() -> bool:
    """The check of a password that is right."""
    return True


def is_wrong() -> bool:
    """The check of a password that is wrong."""
    return False


def is_never_called() -> bool:
    """The check of a password that must not be made."""
    raise AssertionError("the password was checked")


def signed(key: bytes = NEW, algorithm: str = "HS256", **claims: Any) -> str:
    """A token that was created by another library."""
    return jwt.encode({"sub": "main/balance", "exp": NOW + 600, **claims}, key, algorithm)


def decide(
    account: Account,
    token: str | None = None,
    address: str | None = "198.51.100.7",
    check_password: Callable[[], bool] | None = None,
) -> Grant | CabinetError | None:
    """What is granted, or the error."""
    try:
        return authorize(account, "balance", Credentials(address, token, check_password), NOW)
    except CabinetError as error:
        return error


def is_allowed(decision: Grant | CabinetError | None) -> bool:
    """Whether a decision grants access."""
    return not isinstance(decision, CabinetError)


def test_an_open_account_is_open() -> None:
    assert decide(OPEN) is None


def test_a_closed_account_is_locked_without_a_credential() -> None:
    assert type(decide(CLOSED)) is Locked


def test_unknown_accounts_and_widgets_are_not_found_whatever_the_account_allows() -> None:
    accounts = {"main": CLOSED.model_copy(update={"widgets": ("balance",)})}
    assert access.find_widget(accounts, WIDGETS, "main", "balance")[1].name == "balance"
    errors = []
    for slug, name in (("nobody", "balance"), ("main", "nothing"), ("main", "lots")):
        with pytest.raises(NotFound) as caught:
            access.find_widget(accounts, WIDGETS, slug, name)
        errors.append((type(caught.value), str(caught.value), caught.value.retry_after))
    assert errors[0] == errors[1] == errors[2]


def test_a_token_of_the_newest_or_an_older_key_grants_access_and_locks_options() -> None:
    for key in (NEW, OLD):
        decision = decide(CLOSED, signed(key, params={"lang": "fr"}))
        assert decision == Grant({"lang": "fr"}, NOW + 600)


def test_the_service_accepts_its_own_tokens() -> None:
    token = tokens.sign([NEW, OLD], "main/balance", NOW + 60, {"rows": 5})
    assert tokens.verify(token, [NEW], "main/balance", NOW) == Grant({"rows": 5}, NOW + 60)


def test_an_expired_token_says_so_after_thirty_seconds_of_leeway() -> None:
    assert is_allowed(decide(CLOSED, signed(exp=NOW - 29.5)))
    assert type(decide(CLOSED, signed(exp=NOW - 30))) is Expired


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
        {"exp": 10**400},
        {"exp": -(10**400)},
        {"exp": NOW + tokens.MAX_SECONDS + 31},
        {"nbf": NOW + 31},
        {"nbf": "yesterday"},
        {"sub": "other/*"},
        {"sub": "*"},
        {"sub": "main/"},
        {"params": ["lang"]},
        {"params": "lang"},
    ],
)
def test_a_token_for_something_else_or_without_its_claims_is_refused(
    claims: dict[str, Any],
) -> None:
    token = signed(**{name: value for name, value in claims.items() if value is not None})
    if claims == {"exp": None}:
        token = jwt.encode({"sub": "main/balance"}, NEW)
    if claims == {"sub": None}:
        token = jwt.encode({"exp": NOW + 60}, NEW)
    assert isinstance(decide(CLOSED, token), Locked)


def test_a_token_may_expire_a_day_from_now_and_no_later() -> None:
    """With 30 seconds of leeway, for a site whose clock is ahead."""
    assert is_allowed(decide(CLOSED, signed(exp=NOW + tokens.MAX_SECONDS + 30)))
    assert type(decide(CLOSED, signed(exp=NOW + tokens.MAX_SECONDS + 31))) is Locked


def test_a_token_may_expire_at_a_fraction_of_a_second() -> None:
    """As JavaScript calculates it: Date.now() / 1000 + 600."""
    assert decide(CLOSED, signed(exp=NOW + 600.25)) == Grant({}, NOW + 600)
    assert type(decide(CLOSED, signed(exp=NOW - 30.25))) is Expired
    for never in (float("nan"), float("inf")):
        assert isinstance(decide(CLOSED, signed(exp=never)), Locked)


def test_a_token_for_the_account_is_for_each_of_its_widgets() -> None:
    decision = decide(CLOSED, signed(sub="main/*", params={"lang": "fr"}))
    assert decision == Grant({"lang": "fr"}, NOW + 600, is_for_account=True)


def test_an_empty_list_of_params_counts_as_none() -> None:
    """PHP writes an empty array like that."""
    assert decide(CLOSED, signed(params=[])) == Grant({}, NOW + 600)


def test_a_site_cannot_make_its_tokens_renewable() -> None:
    decision = decide(CLOSED, signed(renew=NOW + 86400))
    assert decision == Grant({}, NOW + 600, renewable_until=0)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
TIMES = (
    st.integers(-100, tokens.MAX_SECONDS + 100).map(lambda seconds: NOW + seconds)
    | st.sampled_from([NOW - 30, NOW + 30, NOW + tokens.MAX_SECONDS + 30, 0, 10**400, -(10**400)])
    | JSON_VALUES
)


def should_be_allowed(claims: dict[str, Any]) -> bool:
    """The rules of the contract, written down as simply as possible."""
    times: list[float] = []
    for seconds in (claims.get("exp"), claims.get("nbf", NOW)):
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            return False
        times.append(seconds)
    expires, not_before = times
    return (
        claims.get("sub") in ("main/balance", "main/*")
        and NOW - 30 < expires <= NOW + 24 * 3600 + 30
        and -(2**53) <= not_before <= NOW + 30
        and (isinstance(claims.get("params", {}), dict) or claims["params"] == [])
    )


CHANGED_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.sampled_from(["main/balance", "main/*", "main/lots", "other/*"]) | JSON_VALUES,
        "exp": TIMES,
        "nbf": TIMES,
        "params": st.just([]) | JSON_VALUES,
        **dict.fromkeys(("iat", "aud", "iss", "jti", "renew", "x"), JSON_VALUES),
    },
)


# Few changes at a time: with many, nearly every token would be refused for several reasons.
@given(
    CHANGED_CLAIMS.filter(lambda changes: len(changes) <= 2), st.sampled_from(["", "sub", "exp"])
)
def test_exactly_the_tokens_of_the_contract_are_accepted(
    changes: dict[str, Any], missing: str
) -> None:
    """Not by jwt.encode(), which refuses some claims that others may write."""
    claims = {"sub": "main/balance", "exp": NOW + 600, **changes}
    claims.pop(missing, None)
    payload = json.dumps(claims).encode()
    token = jwt.PyJWS().encode(payload, NEW, "HS256")
    assert is_allowed(decide(CLOSED, token)) == should_be_allowed(claims)


def test_the_algorithm_is_fixed() -> None:
    def part(claims: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    claims = part({"sub": "main/balance", "exp": NOW + 60})
    assert isinstance(decide(CLOSED, f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}."), Locked)
    other = f"{part({'alg': 'HS384', 'typ': 'JWT'})}.{claims}"
    signature = (
        base64.urlsafe_b64encode(hmac.digest(NEW, other.encode(), hashlib.sha384))
        .rstrip(b"=")
        .decode()
    )
    assert isinstance(decide(CLOSED, f"{other}.{signature}"), Locked)


def test_a_wrong_token_is_refused_on_an_open_account_too() -> None:
    assert isinstance(decide(OPEN, signed(b"x" * 32)), Locked)


@given(
    st.text(max_size=200) | st.binary(max_size=80).map(lambda raw: base64.b64encode(raw).decode())
)
def test_random_text_is_not_a_token(token: str) -> None:
    assert isinstance(decide(CLOSED, token), Locked)


@given(st.integers(0, 300), st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(position: int, flip: int) -> None:
    raw = bytearray(signed().encode())
    position %= len(raw)
    raw[position] ^= flip
    token = raw.decode("latin-1")
    decision = decide(CLOSED, token)
    # The last letter of base64 has unused bits.
    assert isinstance(decision, Locked) or position == len(raw) - 1


def test_the_right_password_grants_access_and_a_wrong_one_is_reported() -> None:
    granted = decide(CLOSED, check_password=is_right)
    assert granted == Grant(
        {}, expires=0, is_for_account=True, renewable_until=NOW + access.MAX_VIEWER_SECONDS
    )
    assert type(decide(CLOSED, check_password=is_wrong)) is WrongPassword


def test_a_password_is_checked_only_if_it_matters() -> None:
    assert decide(OPEN, check_password=is_never_called) is None
    assert is_allowed(decide(CLOSED, signed(), check_password=is_never_called))
    assert type(decide(CLOSED, "x", check_password=is_never_called)) is Locked
    restricted = account("closed", "203.0.113.0/24")
    assert type(decide(restricted, check_password=is_never_called)) is Forbidden


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
    decision = decide(account("open", network), address=address)
    assert (decision is None) == inside
    assert inside or type(decision) is Forbidden


def test_networks_apply_to_tokens_and_passwords_too() -> None:
    restricted = account("closed", "203.0.113.0/24")
    assert type(decide(restricted, signed())) is Forbidden
    assert type(decide(restricted, check_password=is_right)) is Forbidden
    assert is_allowed(decide(restricted, signed(), address="203.0.113.1"))
    assert is_allowed(decide(restricted, address="203.0.113.1", check_password=is_right))


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_inside_exactly_where_its_first_bits_are_the_networks(
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
) -> None:
    bits = min(bits, base.max_prefixlen)
    # Not by the configuration, which turns networks of mapped IPv4 addresses into those of IPv4.
    network = ipaddress.ip_network(f"{base}/{bits}", strict=False)
    restricted = OPEN.model_copy(update={"allowed_networks": (network,)})
    mapped = getattr(address, "ipv4_mapped", None) or address
    shift = base.max_prefixlen - bits
    expected = mapped.version == base.version and int(mapped) >> shift == int(base) >> shift
    decision = decide(restricted, address=str(address))
    assert (decision is None) == expected
    assert expected or type(decision) is Forbidden


def test_the_viewers_key_changes_with_the_password() -> None:
    assert tokens.viewer_key("scrypt:a$b$c") != tokens.viewer_key("scrypt:a$b$d")
    assert len(tokens.viewer_key("scrypt:a$b$c")) == 32
