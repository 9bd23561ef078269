"""A closed account reveals nothing without a credential; attacks on passwords, tokens, headers."""

import ipaddress
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from zlib import crc32

import documents
import jwt
import processes
import pytest
from accounts import SECRET, WIDGETS
from conftest import Clock
from effort import some
from hypothesis import given
from hypothesis import strategies as st
from programs import find_program
from scripted import NOW, InProcess, Script, running
from test_fuzz import BEHIND_A_PROXY, raw, send_request
from test_privacy import everything, named, plain, responses, written
from werkzeug.security import generate_password_hash

from widget import app, config
from widget.data import locks
from widget.errors import OperatorError
from widget.web import access, tokens

HASH = generate_password_hash("open sesame", "scrypt:1024:8:1")
CLOSED = {
    "login": 7654321,
    "access": "closed",
    "viewer_password_hash": HASH,
    "embed_secret": SECRET,
    "widgets": list(WIDGETS),
    "partner_password": "partner",
}
CLAIMS: dict[str, Any] = {"sub": "main/balance", "exp": NOW + 600}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND")


@pytest.fixture
def start() -> Iterator[Callable[..., InProcess]]:
    """Starts a service in this process: ``start(accounts={...}, server={...}, clock=…)``."""
    with ExitStack() as stack:
        yield lambda **more: running(stack, more.pop("script", None) or Script(responses()), **more)


def token(
    widget: str, slug: str = "main", expires: float = NOW + 600, secret: str = SECRET, **more: Any
) -> str:
    """A valid token, unless arguments change it."""
    return tokens.sign([secret.encode()], f"{slug}/{widget}", expires, **more)


def attempts(widgets: Sequence[str]) -> Iterator[tuple[str, str, str, bytes]]:
    """Every way to request a widget of ``main`` without a credential: method, path, query, body."""
    queries = [
        "",
        "token=",
        "token=a.b.c",
        f"token={token('balance', 'other')}",
        f"token={token('balance', expires=NOW - 30)}",
        f"token={token('*', 'other')}",
    ]
    queries += [
        f"token={token('balance', secret='another secret of thirty-two bytes')}",
        "token=x&token=y",
        "access=open",
    ]
    queries += ["password=open sesame", "rows=0", "lang=fr", "%74oken=x", "renew=1"]
    for method, widget, query in itertools.product(METHODS, widgets, queries[:2]):
        for suffix in (
            "",
            ".json",
            ".svg",
            ".png",
            ".xml",
            "/",
            "/unlock",
            ".json/unlock",
            "?",
            "%2ejson",
            ";.json",
        ):
            yield method, f"/w/main/{widget}{suffix}", query, b"password=wrong"
    for method, query in itertools.product(("GET", "HEAD", "POST"), queries):
        for suffix in ("", ".json", ".svg", ".png", "/unlock"):
            yield method, f"/w/main/balance{suffix}", query, b""
    for path in (
        "//w/main/balance.json",
        "/w//main/balance.json",
        "/w/./main/balance.json",
        "/W/main/balance.json",
    ):
        yield "GET", path, "", b""
    for path in (
        "/w/main",
        "/w/main/",
        "/w/",
        "/",
        "/embed.json",
        "/embed.js",
        "/healthz",
        "/readyz",
        "/metrics",
    ):
        yield "GET", path, "account=main&widget=balance", b""
    for widget, form in itertools.product(WIDGETS, ("json", "xml")):
        url = f"http://127.0.0.1:8000/w/main/{widget}"
        for address in (url, f"{url}?token={token(widget)}", f"{url}?theme=dark#x"):
            yield "GET", "/oembed", f"format={form}&url={quote(address, safe='')}", b""


@pytest.mark.parametrize(
    "state",
    [
        "nothing is cached",
        "a response is cached",
        "the API is down",
        "down, an old response is cached",
    ],
)
def test_a_closed_account_reveals_nothing_without_a_credential(
    state: str, start: Callable[..., InProcess]
) -> None:
    """In no form, at no path, by no method, whatever the state of the upstream and the cache."""
    clock = Clock(NOW)
    service = start(
        accounts={"main": CLOSED, "other": CLOSED}, clock=clock, server={"studio": True}
    )
    if "cached" in state and "nothing" not in state:
        for widget in WIDGETS:
            for suffix in ("", ".json"):
                assert (
                    send_request(
                        service, "GET", f"/w/main/{widget}{suffix}", f"token={token(widget)}"
                    ).status
                    == 200
                )
    if "down" in state:
        service.script.is_down = True
        clock.now += 300 if "old" in state else 0
    figures = {
        form
        for widget in everything().values()
        for name, value, _ in named(widget)
        for form in written(name, value)
    }
    numbers = {form for form in figures if form.isdigit()}
    assert len(numbers) > 500
    for method, path, query, body in attempts(some([*WIDGETS])):
        kind = "application/x-www-form-urlencoded"
        response = send_request(
            service,
            method,
            path,
            query,
            body,
            CONTENT_TYPE=kind,
            REMOTE_ADDR=f"198.51.100.{crc32(path.encode()) % 250}",
        )
        is_of_the_account = "/w/main/" in path and not path.startswith("//")
        allowed = {400, 401, 403, 404, 405, 413, 429} | (
            {200} if method == "OPTIONS" or not is_of_the_account else set()
        )
        assert response.status in allowed | ({503} if path == "/readyz" else set()), (
            method,
            path,
            query,
            response.status,
        )
        digits = set(re.findall(r"\d{5,}", plain(response.text)))
        assert not {run[:6] for run in digits} & numbers, (method, path, query)
        assert not [text for text in figures - numbers if text in response.text], (
            method,
            path,
            query,
        )
        assert response.header("ETag") == "" or not is_of_the_account, (method, path, query)
        if is_of_the_account:
            assert response.header("Cache-Control") == "private, no-store", (method, path)
            # Only the studio may show it in a frame.
            assert "frame-ancestors 'self'" in response.header(
                "Content-Security-Policy"
            ) or response.status in (
                400,
                404,
                405,
                200,
            )
            assert response.header("Access-Control-Allow-Origin") == "" or response.status in (
                400,
                404,
            )


def test_the_same_attempts_reveal_the_figures_of_an_open_account(
    start: Callable[..., InProcess],
) -> None:
    """This proves that the test above searches for text that could be found."""
    open_account = {**CLOSED, "access": "open"}
    service = start(accounts={"main": open_account})
    figures = {
        form
        for widget in everything().values()
        for name, value, _ in named(widget)
        for form in written(name, value)
    }
    found = set()
    for method, path, query, body in attempts([*WIDGETS]):
        if method == "GET" and query in ("", "token=") and path.startswith("/w/main/"):
            text = plain(send_request(service, method, path, query, body).text)
            found |= {form for form in figures if form in text}
    assert len(found) > 200


def test_the_three_kinds_of_not_found_cannot_be_told_apart(start: Callable[..., InProcess]) -> None:
    """Not by body, header or cost: none uses the upstream, the password hash or the cache."""
    service = start(accounts={"main": {**CLOSED, "widgets": ["balance"]}})
    for method, suffix in itertools.product(
        ("GET", "HEAD", "POST", "OPTIONS"), ("", ".json", ".svg", "/unlock")
    ):
        for query in ("", "lang=fr", f"token={token('lots')}", "rows=x"):
            kinds = [
                f"/w/nobody/balance{suffix}",
                f"/w/main/nothing{suffix}",
                f"/w/main/lots{suffix}",
            ]
            body = {
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "HTTP_ACCEPT_LANGUAGE": "de",
            }
            received = [
                send_request(service, method, path, query, b"password=open sesame", **body)
                for path in kinds
            ]
            seen = {
                (a.status, a.text, tuple(pair for pair in a.headers if pair[0] != "X-Request-Id"))
                for a in received
            }
            assert len(seen) == 1, (method, suffix, query, received)
    assert not service.script.calls


# -- Addresses and networks ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "hops", "visitor"),
    [
        ("", 0, "10.0.0.9"),
        ("203.0.113.5", 0, "10.0.0.9"),
        ("", 1, "10.0.0.9"),
        ("198.51.100.7", 1, "198.51.100.7"),
        ("203.0.113.5, 198.51.100.7", 1, "198.51.100.7"),
        ("203.0.113.5, 198.51.100.7, 10.0.0.1", 2, "198.51.100.7"),
        ("198.51.100.7", 2, "198.51.100.7"),  # it did not pass through the outer proxy
        ('"203.0.113.5, 198.51.100.7', 1, "198.51.100.7"),
        ('203.0.113.5, "x, 198.51.100.7, 10.0.0.1', 2, "198.51.100.7"),
        ("203.0.113.5,,198.51.100.7", 1, "198.51.100.7"),
        ("198.51.100.7,", 1, ""),
        ("198.51.100.7:51234", 1, "198.51.100.7"),
        ("[2001:db8::1]:443", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("203.0.113.5:1, [2001:db8::1]:443, 10.0.0.1:8080", 2, "2001:db8::1"),
        ("unknown", 1, "unknown"),
        ("[", 1, "["),
    ],
)
def test_the_visitors_address_is_the_one_that_the_trusted_proxies_report(
    forwarded: str, hops: int, visitor: str
) -> None:
    assert access.visitor_address("10.0.0.9", forwarded, hops) == visitor


@given(
    sent=st.lists(
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0")), max_size=4
    ).map(", ".join),
    real=st.ip_addresses(),
    inner=st.lists(st.ip_addresses(v=4).map(str), max_size=3),
    port=st.none() | st.integers(1, 65535),
)
def test_nothing_that_a_visitor_sends_changes_the_visitors_address(
    sent: str,
    real: ipaddress.IPv4Address | ipaddress.IPv6Address,
    inner: list[str],
    port: int | None,
) -> None:
    """Each proxy appends the address that connected to it; our first one appends the visitor's."""
    chain = [*([sent] if sent else []), written_by_proxy(real, port), *inner]
    assert access.visitor_address("127.0.0.1", ", ".join(chain), len(inner) + 1) == str(real)


def written_by_proxy(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | None
) -> str:
    """An address as an element of X-Forwarded-For, with its port if the proxy adds that."""
    if port is None:
        return str(address)
    if address.version == 6:
        return f"[{address}]:{port}"
    return f"{address}:{port}"


@pytest.mark.parametrize("hops", [0, 1, 2])
def test_headers_do_not_bypass_networks(hops: int, start: Callable[..., InProcess]) -> None:
    service = start(
        accounts={"main": {**CLOSED, "allowed_networks": ["203.0.113.0/24", "10.0.0.0/8"]}},
        server={"trusted_proxies": hops},
    )
    real = ["198.51.100.7", "172.16.0.1"][:hops]
    for sent in (
        "203.0.113.5",
        '"203.0.113.5',
        '"x',
        "203.0.113.5, 203.0.113.6",
        "::ffff:203.0.113.5",
        "",
        ",",
    ):
        headers = {"REMOTE_ADDR": "10.0.0.1" if hops else "198.51.100.7"}
        if sent or real:
            headers["HTTP_X_FORWARDED_FOR"] = ", ".join([*([sent] if sent else []), *real])
        headers |= {"HTTP_FORWARDED": "for=203.0.113.5", "HTTP_X_REAL_IP": "203.0.113.5"}
        for path in ("/w/main/balance.json", "/w/main/balance", "/w/main/balance.svg"):
            assert (
                send_request(service, "GET", path, f"token={token('balance')}", **headers).status
                == 403
            ), (sent, path)


def test_behind_proxies_addresses_inside_the_networks_are_allowed(
    start: Callable[..., InProcess],
) -> None:
    restricted = {
        **CLOSED,
        "access": "open",
        "allowed_networks": ["::ffff:203.0.113.0/120", "2001:db8::/32"],
    }
    service = start(accounts={"main": restricted}, server={"trusted_proxies": 1})
    for address, status in {
        "203.0.113.5": 200,
        "203.0.113.5:51234": 200,
        "[2001:db8::7]:443": 200,
        "203.0.114.5:51234": 403,
        "::ffff:203.0.113.5": 200,
        "2001:db8::7": 200,
        "203.0.114.5": 403,
    }.items():
        response = send_request(
            service, "GET", "/w/main/balance.json", "", HTTP_X_FORWARDED_FOR=address
        )
        assert response.status == status, address
        assert response.header("Cache-Control") == "private, no-store"


@pytest.mark.parametrize(
    ("network", "means"),
    [
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::/ffff:ffff::", "2001:db8::/32"),
        ("2001:db8::/ffff:0:ffff::", None),
        # A wildcard mask as in Cisco's configurations; a netmask begins with ones.
        ("203.0.113.0/0.0.0.255", None),
        ("203.0.113.0/255.0.255.0", None),
    ],
)
def test_a_network_is_parsed_as_intended_or_refused(network: str, means: str | None) -> None:
    raw = {"accounts": {"main": {"login": 1, "allowed_networks": [network]}}}
    try:
        read = (
            config.parse(raw, {}, WIDGETS, folder=Path(), demo=False)
            .accounts["main"]
            .allowed_networks
        )
        assert [str(each) for each in read] == [means]
    except OperatorError as error:
        assert means is None
        assert "allowed_networks" in str(error)


# -- Passwords -----------------------------------------------------------------------------------


def unlock(
    service: InProcess,
    password: str,
    address: str = "198.51.100.7",
    slug: str = "main",
    **more: str,
) -> int:
    """The status of an attempt."""
    body = f"password={quote(password)}".encode()
    headers = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "REMOTE_ADDR": address, **more}
    return send_request(service, "POST", f"/w/{slug}/balance/unlock", "", body, **headers).status


def test_ten_wrong_passwords_a_minute_then_not_even_the_right_one(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED, "other": CLOSED})
    assert [unlock(service, "guess") for _ in range(11)] == [401] * 10 + [429]
    refused = send_request(
        service, "POST", "/w/main/lots/unlock", "", b"", REMOTE_ADDR="198.51.100.7"
    )
    # Attempts are counted by account, not by widget.
    assert (refused.status, refused.header("Retry-After")) == (429, "60")
    assert unlock(service, "open sesame") == 429
    assert unlock(service, "open sesame", address="198.51.100.8") == 200
    assert unlock(service, "guess", slug="other") == 401


def test_ipv6_addresses_are_counted_by_network(start: Callable[..., InProcess]) -> None:
    service = start(accounts={"main": CLOSED})
    statuses = [unlock(service, "guess", address=f"2001:db8:1:2::{n:x}") for n in range(11)]
    assert statuses == [401] * 10 + [429]
    assert unlock(service, "guess", address="2001:db8:1:3::1") == 401


def test_attempts_cannot_be_spread_over_forged_addresses(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED}, server={"trusted_proxies": 1})
    forged = ("203.0.113.%d", '"%d', "%d", "x%d, 203.0.113.9")
    statuses = [
        unlock(
            service,
            "guess",
            HTTP_X_FORWARDED_FOR=f"{forged[n % 4] % n}, 198.51.100.7",
            HTTP_X_REAL_IP=f"192.0.2.{n}",
        )
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2


def test_correct_passwords_do_not_count_as_attempts(start: Callable[..., InProcess]) -> None:
    service = start(accounts={"main": CLOSED})
    assert [unlock(service, "open sesame") for _ in range(15)] == [200] * 15


@pytest.mark.parametrize("kind", ["gone", "hanging"])
def test_attempts_are_counted_while_redis_fails(
    kind: str, start: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The limit of a second would apply to each command of each attempt: half a minute.
    short = {"socket_timeout": 0.1, "socket_connect_timeout": 0.1}
    options = {**locks.redis_options(), **short}
    monkeypatch.setattr(locks, "redis_options", lambda: options)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if kind == "hanging":
            listening.listen(64)
        url = f"redis://:redis-password@127.0.0.1:{listening.getsockname()[1]}/0"
        service = start(accounts={"main": CLOSED}, cache={"type": "RedisCache", "redis_url": url})
        assert [unlock(service, "guess") for _ in range(11)] == [401] * 10 + [429]


@pytest.mark.programs
def test_services_that_share_a_redis_count_attempts_together(
    tmp_path: Path, start: Callable[..., InProcess]
) -> None:
    port = processes.free_port()
    with processes.redis_server(tmp_path, port):
        cache = {"type": "RedisCache", "redis_url": f"redis://127.0.0.1:{port}/0"}
        machines = [start(accounts={"main": CLOSED}, cache=cache) for _ in range(2)]
        assert [unlock(machines[n % 2], "guess") for n in range(12)] == [401] * 10 + [429] * 2


def test_parallel_attempts_are_no_more_than_ten(start: Callable[..., InProcess]) -> None:
    service = start(accounts={"main": CLOSED})
    together, statuses = threading.Barrier(30), []

    def one() -> None:
        together.wait()
        statuses.append(unlock(service, "guess"))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * 10 + [429] * 20


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"password=open+sesame", 200),
        ("application/json", b'{"password": "open sesame"}', 401),
        ("text/plain", b"password=open sesame", 401),
        ("multipart/form-data; boundary=a", b"--a\r\nbroken", 401),
        ("", b"password=open+sesame", 401),
        ("application/x-www-form-urlencoded", b"password=%ff%fe%00", 401),
        ("application/x-www-form-urlencoded", b"password=\xff\xfe", 401),
        ("application/x-www-form-urlencoded", b"password=open+sesame&password=x", 200),
        ("application/x-www-form-urlencoded", b"passwords=open+sesame", 401),
        ("application/x-www-form-urlencoded", b"password=" + b"x" * 5000, 413),
    ],
)
def test_a_body_of_any_type_contains_a_password_or_none(
    kind: str, body: bytes, status: int, start: Callable[..., InProcess]
) -> None:
    service = start(accounts={"main": CLOSED})
    response = send_request(service, "POST", "/w/main/balance/unlock", "", body, CONTENT_TYPE=kind)
    assert response.status == status
    if status == 413:
        assert 'data-error="request_entity_too_large"' in response.text


def test_an_unlocked_page_has_a_token_for_an_hour_and_renews_it_for_half_a_day(
    start: Callable[..., InProcess],
) -> None:
    clock = Clock(NOW)
    service = start(accounts={"main": CLOSED}, clock=clock)
    kind = "application/x-www-form-urlencoded"
    response = send_request(
        service, "POST", "/w/main/balance/unlock", "", b"password=open+sesame", CONTENT_TYPE=kind
    )
    assert "Set-Cookie" not in dict(response.headers)
    held, renewed = "", 0
    while response.status == 200:
        held = (
            re.findall('data-token="([^"]+)"', response.text)[0]
            if "data-token" in response.text
            else held
        )
        renewed += "data-token" in response.text
        clock.now += 1200
        response = send_request(service, "GET", "/w/main/balance", f"token={held}")
    assert 12 * 3600 <= clock.now - NOW <= 12 * 3600 + 1200
    assert renewed >= 12
    assert response.status == 401


def test_an_unlocked_page_has_a_token_for_all_widgets_of_its_account(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED, "other": CLOSED})
    page = send_request(
        service,
        "POST",
        "/w/main/balance/unlock",
        "",
        b"password=open+sesame",
        CONTENT_TYPE="application/x-www-form-urlencoded",
    ).text
    held = re.findall('data-token="([^"]+)"', page)[0]
    assert send_request(service, "GET", "/w/main/lots", f"token={held}").status == 200
    assert send_request(service, "GET", "/w/other/lots", f"token={held}").status == 401


def test_a_new_viewer_password_invalidates_tokens_of_the_old_one(
    start: Callable[..., InProcess],
) -> None:
    old, new = (
        start(accounts={"main": {**CLOSED, "viewer_password_hash": hash_}})
        for hash_ in (HASH, HASH[:-4] + "0000")
    )
    kind = "application/x-www-form-urlencoded"
    page = send_request(
        old, "POST", "/w/main/balance/unlock", "", b"password=open+sesame", CONTENT_TYPE=kind
    ).text
    held = re.findall('data-token="([^"]+)"', page)[0]
    assert send_request(old, "GET", "/w/main/balance", f"token={held}").status == 200
    assert send_request(new, "GET", "/w/main/balance", f"token={held}").status == 401


def test_a_malformed_hash_is_a_configuration_error() -> None:
    for wrong in (
        "scrypt:32768:8:1$salt$abc",
        "scrypt:3:8:1$salt$" + "0" * 128,
        "scrypt:32768:8:1",
        "md5$a$" + "0" * 64,
    ):
        raw = {"accounts": {"main": {**CLOSED, "viewer_password_hash": wrong}}}
        with pytest.raises(OperatorError, match=r"cabinet-widgets password|in single quotes"):
            config.parse(raw, {}, WIDGETS, folder=Path(), demo=True)


# -- Tokens --------------------------------------------------------------------------------------


def test_options_that_a_token_locks_cannot_be_changed_by_the_url(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED})
    locked = token("closed-trades", params={"rows": 3, "period": "7d"})
    for query, status in {
        "": 200,
        "theme=dark": 200,
        "rows=3": 200,
        "rows=50": 400,
        "period=all": 400,
    }.items():
        response = send_request(
            service, "GET", "/w/main/closed-trades.json", f"token={locked}&{query}"
        )
        assert response.status == status, query
        assert status != 200 or len(json.loads(response.text)["data"]["trades"]) == 3
    wrong = token("closed-trades", params={"rows": 300})
    assert (
        send_request(service, "GET", "/w/main/closed-trades.json", f"token={wrong}").status == 400
    )


def test_a_token_for_the_account_opens_every_enabled_widget_of_that_account(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": {**CLOSED, "widgets": ["balance", "lots"]}, "other": CLOSED})
    query = f"token={token('*')}"
    for path, status in {
        "/w/main/balance": 200,
        "/w/main/lots.json": 200,
        "/w/main/summary": 404,
        "/w/other/balance": 401,
    }.items():
        assert send_request(service, "GET", path, query).status == status, path


def test_what_a_token_for_the_account_locks_applies_to_the_widgets_that_have_the_option(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED})
    locked = token("*", params={"rows": 3, "size": "small"})
    for widget, query, status in (
        ("balance.json", "", 200),  # it has no rows
        ("balance.json", "&rows=5", 400),
        ("balance.svg", "", 200),
        ("balance.svg", "&size=large", 400),
        ("closed-trades.json", "", 200),
        ("closed-trades.json", "&rows=3", 200),
        ("closed-trades.json", "&rows=4", 400),
    ):
        response = send_request(service, "GET", f"/w/main/{widget}", f"token={locked}{query}")
        assert response.status == status, (widget, query)
    # A name that no widget has would lock nothing, which its author must notice.
    misspelled = token("*", params={"perod": "7d"})
    response = send_request(service, "GET", "/w/main/balance.json", f"token={misspelled}")
    assert response.status == 400


def test_a_token_of_a_site_is_not_renewed_by_the_service(start: Callable[..., InProcess]) -> None:
    service = start(accounts={"main": CLOSED})
    held = token("balance", expires=NOW + 60, renewable_until=NOW + 3600)
    page = send_request(service, "GET", "/w/main/balance", f"token={held}")
    assert page.status == 200
    assert "data-token" not in page.text


def test_the_log_says_which_claim_of_a_token_is_wrong(
    start: Callable[..., InProcess], caplog: pytest.LogCaptureFixture
) -> None:
    service = start(accounts={"main": CLOSED})
    key = SECRET.encode()
    for refused, why in {
        token("lots"): "sub is neither main/balance nor main/*",
        token("balance", expires=NOW - 35): "exp was 35 s ago",
        token("balance", expires=NOW + 2 * 86400): "exp is more than 24 hours ahead",
        jwt.encode({"sub": "main/balance"}, key): "exp is missing",
        jwt.encode(CLAIMS | {"exp": "soon"}, key): "exp is not a time in Unix seconds",
        jwt.encode(CLAIMS | {"nbf": NOW + 45}, key): "nbf is 45 s ahead",
        jwt.encode(CLAIMS | {"params": "lang"}, key): "params is not an object",
        jwt.encode(CLAIMS, 2 * key, "HS384"): "alg is not HS256",
        token("balance", secret="x" * 32): "signature is not by a key of this account",
        "x" * 5000: "longer than 4096 characters",
        "x.y.z": "not a JWT",
    }.items():
        caplog.clear()
        with caplog.at_level("INFO", "widget.web"):
            response = send_request(service, "GET", "/w/main/balance.json", f"token={refused}")
        assert response.status == 401, why
        assert f"token: {why}" in caplog.text
        assert refused not in caplog.text
        assert why not in response.text


def test_a_token_with_a_malformed_header_is_refused(
    start: Callable[..., InProcess],
) -> None:
    import base64

    service = start(accounts={"main": CLOSED})
    for text in (
        "[" * 2900,
        '{"alg":' * 400,
        '{"alg":"HS256","crit":["x"]}',
        '{"alg":["HS256"]}',
        "1" * 2000,
        '{"alg":null}',
    ):
        head = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
        assert (
            send_request(service, "GET", "/w/main/balance.json", f"token={head}.e30.AAAA").status
            == 401
        ), text[:20]


# -- Headers, and where responses are stored -----------------------------------------------------


def test_every_response_has_the_security_headers_for_every_method(
    start: Callable[..., InProcess],
) -> None:
    server = {"public_url": "https://widgets.example.com", "studio": True}
    service = start(
        accounts={"main": {**CLOSED, "access": "open"}, "closed": CLOSED}, server=server
    )
    paths = [
        "/w/main/balance",
        "/w/main/balance.json",
        "/w/main/balance.svg",
        "/w/closed/balance",
        "/oembed",
        "/",
        "",
    ]
    paths += [
        "/embed.js",
        "/embed.json",
        "/healthz",
        "/metrics",
        "/none",
        "//w",
        "/favicon.ico",
        "/static/x/none",
    ]
    for path, method in itertools.product(paths, METHODS):
        response = send_request(service, method, path, "")
        sent = dict(response.headers)
        assert "default-src 'none'" in sent["Content-Security-Policy"], (method, path)
        assert "unsafe" not in sent["Content-Security-Policy"]
        assert sent["X-Content-Type-Options"] == "nosniff"
        assert sent["Referrer-Policy"] == "no-referrer"
        if not sent.get("Content-Type", "").startswith(("text/javascript", "text/css")):
            assert "camera=()" in sent["Permissions-Policy"]
        assert ("Cross-Origin-Opener-Policy" in sent) == (
            sent["Cache-Control"] == "private, no-store"
        ), (method, path)
        assert sent["Strict-Transport-Security"].startswith("max-age=")
        assert sent["Server"] == "cabinet-widgets"
        assert not {"Set-Cookie", "X-Powered-By", "Location"} & sent.keys()


def test_other_sites_may_use_pictures_and_the_loader_but_not_private_pages(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": {**CLOSED, "access": "open"}, "closed": CLOSED})
    opened = f"token={token('balance', 'closed')}"
    policies = {
        ("/embed.js", ""): "cross-origin",
        ("/w/main/balance.svg", ""): "cross-origin",
        ("/w/closed/balance.svg", opened): "cross-origin",  # it is protected by the token
        ("/w/closed/balance", opened): "same-origin",
        ("/w/closed/balance.json", opened): "same-origin",
    }
    for (path, query), policy in policies.items():
        response = send_request(service, "GET", path, query)
        assert (response.status, response.header("Cross-Origin-Resource-Policy")) == (
            200,
            policy,
        ), path


def test_plain_http_has_no_strict_transport_security(start: Callable[..., InProcess]) -> None:
    service = start()
    assert send_request(service, "GET", "/healthz", "").header("Strict-Transport-Security") == ""


def test_a_cache_folder_that_is_writable_by_others_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are unpickled, and anyone who can write to its parent folder can replace it."""
    raw = {
        "accounts": {"main": {"login": 1}},
        "cache": {"type": "FileSystemCache", "dir": str(tmp_path)},
    }
    settings = config.parse(raw, {}, WIDGETS, folder=tmp_path, demo=True)
    folders = [tmp_path / "answers", tmp_path / "locks"]
    for folder in folders:
        folder.mkdir()
    for folder in (*folders, tmp_path):
        folder.chmod(0o777)
        with pytest.raises(
            OperatorError, match=f"{folder} is writable by other users; run: chmod 700"
        ):
            app.create_app(settings)
        folder.chmod(0o700)
    original_stat = Path.stat
    another = SimpleNamespace(st_uid=os.geteuid() + 1, st_mode=0o40700)
    for folder in (*folders, tmp_path):
        monkeypatch.setattr(
            Path, "stat", lambda self, f=folder, **_: another if self == f else original_stat(self)
        )
        with pytest.raises(OperatorError, match=f"{folder} belongs to another user"):
            app.create_app(settings)
    monkeypatch.undo()
    tmp_path.chmod(0o1777)  # as /tmp is
    app.create_app(settings).extensions["cabinet-widgets"].cache.close()


def test_the_response_cache_serves_nobody_a_response_made_for_another(
    start: Callable[..., InProcess],
) -> None:
    """A response for one visitor is requested by another, and again after the token expired."""
    clock = Clock(NOW)
    restricted = {**CLOSED, "access": "open", "allowed_networks": ["203.0.113.0/24"]}
    service = start(accounts={"main": CLOSED, "restricted": restricted}, clock=clock)
    inside, outside = {"REMOTE_ADDR": "203.0.113.5"}, {"REMOTE_ADDR": "198.51.100.7"}
    for suffix in ("", ".json", ".svg"):
        good = token("balance", expires=clock.now + 5)
        assert (
            send_request(service, "GET", f"/w/main/balance{suffix}", f"token={good}").status == 200
        )
        assert send_request(service, "GET", f"/w/main/balance{suffix}", "").status == 401
        assert (
            send_request(service, "GET", f"/w/restricted/balance{suffix}", "", **inside).status
            == 200
        )
        assert (
            send_request(service, "GET", f"/w/restricted/balance{suffix}", "", **outside).status
            == 403
        )
        assert (
            send_request(service, "HEAD", f"/w/restricted/balance{suffix}", "", **outside).status
            == 403
        )
        clock.now += 5 + tokens.LEEWAY_SECONDS
        assert (
            send_request(service, "GET", f"/w/main/balance{suffix}", f"token={good}").status == 401
        )


@pytest.mark.programs
@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_behind_a_proxy_headers_with_an_underscore_do_not_set_the_address(
    proxy: str, tmp_path: Path
) -> None:
    """WSGI does not distinguish X_Forwarded_For; the configured proxies do not forward it."""
    port = processes.free_port()
    with ExitStack() as stack:
        url, _ = stack.enter_context(processes.service(tmp_path, "service", BEHIND_A_PROXY))
        front = f"http://127.0.0.1:{port}"
        if proxy == "nginx":
            lines = documents.deployment_file("nginx.conf").splitlines()
            header_lines = "\n".join(line for line in lines if "proxy_set_header" in line)
            assert "X-Forwarded-For" in header_lines
            location = f"location / {{ proxy_pass {url}; {header_lines} }}"
            server = f"server {{ listen 127.0.0.1:{port}; {location} }}"
            stack.enter_context(processes.nginx(tmp_path, server, f"{front}/healthz"))
        else:
            text = documents.deployment_file("Caddyfile")
            text = text.replace("widgets.example.com {", f"{front} {{").replace(
                "{\n", "{\n\tadmin off\n", 1
            )
            (tmp_path / "Caddyfile").write_text(text)
            homes = {
                "HOME": str(tmp_path),
                "XDG_DATA_HOME": str(tmp_path),
                "XDG_CONFIG_HOME": str(tmp_path),
            }
            env = {**homes, "CABINET_WIDGETS": url.removeprefix("http://")}
            command = [find_program("caddy"), *"run --config Caddyfile --adapter caddyfile".split()]
            stack.enter_context(processes.running(tmp_path, "caddy", *command, env=env))
            processes.until(lambda: processes.is_up(f"{front}/healthz"))
        for name in (
            "X_Forwarded_For",
            "X-Forwarded_For",
            "X_Forwarded-For",
            "X-Forwarded-For",
            "x_forwarded_for",
        ):
            head = "GET /w/main/balance.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            request = f"{head}{name}: 203.0.113.5\r\n\r\n"
            assert raw(front, request.encode()).startswith(b"HTTP/1.1 403"), name


def type_a_password(line: bytes, locale: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command ``password``, and type a line."""
    done = subprocess.run(
        [sys.executable, "-m", "widget", "password"],
        input=line,
        cwd=folder,
        capture_output=True,
        env={**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    assert b"Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_the_hash_of_a_typed_password_works_in_every_locale(
    locale: str, start: Callable[..., InProcess], tmp_path: Path
) -> None:
    done = type_a_password(b"na\xc3\xafve \xe2\x82\xac$ \r\n", locale, tmp_path)
    assert done.returncode == 0, done.stderr
    hash_ = done.stdout.decode().splitlines()[-1]
    service = start(accounts={"main": {**CLOSED, "viewer_password_hash": hash_}})
    assert unlock(service, "naïve €$ ") == 200


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"x" * 300, b""])
def test_what_is_no_password_has_no_hash(line: bytes, locale: str, tmp_path: Path) -> None:
    done = type_a_password(line, locale, tmp_path)
    assert done.returncode == 2, done.stderr
