"""The response cache: what it stores, for how long, and that responses are otherwise the same."""

import gzip
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
import jwt
import pytest
from accounts import SECRET
from conftest import Clock, Service, Upstream
from effort import examples
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import until
from werkzeug.test import EnvironBuilder, run_wsgi_app

from widget import app as application
from widget import config
from widget.web.response_cache import ELAPSED, MAX_WAITING, CacheStatus, ResponseCache
from widget.widgets import registry

PUBLIC = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400"
TEXT = b"<p>" + b"figures " * 100


@dataclass
class Backend:
    """An application whose responses say when they were made."""

    clock: Clock
    status: str = "200 OK"
    control: str | None = PUBLIC
    body: bytes = TEXT
    headers: list[tuple[str, str]] = field(default_factory=list)
    requests: list[WSGIEnvironment] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.requests.append(environ)
        made_at = self.clock()
        assert self.gate.wait(30)
        body = self.body + b" made at %d for %s" % (made_at, environ["QUERY_STRING"].encode())
        headers = [("Content-Length", str(len(body))), *self.headers]
        if not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", "text/html; charset=utf-8"))
        if self.control is not None:
            headers.append(("Cache-Control", self.control))
        if not any(name == "ETag" for name, _ in headers):
            headers.append(("ETag", f'W/"{made_at:.0f}"'))
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response("304 NOT MODIFIED", headers)
            return []
        start_response(self.status, headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


@dataclass
class Response:
    """The response that a visitor received."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> bytes:
        """The body, decoded."""
        decoders: dict[str | None, Callable[[bytes], bytes]] = {
            "br": brotli.decompress,
            "gzip": gzip.decompress,
        }
        return (
            decoders.get(self.headers.get("Content-Encoding"), bytes)(self.body)
            if self.body
            else b""
        )


def send_request(
    app: WSGIApplication, path: str = "/w", method: str = "GET", query: str = "", **headers: str
) -> Response:
    """One request; header names with underscores."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    environ = EnvironBuilder(
        path=path, method=method, query_string=query, headers=named
    ).get_environ()
    chunks, status, sent = run_wsgi_app(app, environ, buffered=True)
    return Response(int(status[:3]), dict(sent), b"".join(chunks))


@pytest.fixture
def clock() -> Clock:
    """A clock that does not run."""
    return Clock(1_800_000_000.0)


@pytest.fixture
def backend(clock: Clock) -> Backend:
    """The application behind the cache."""
    return Backend(clock)


@pytest.fixture
def cache(backend: Backend, clock: Clock) -> ResponseCache:
    """A response cache in front of it."""
    return ResponseCache(backend, clock=clock)


def test_a_public_response_is_fetched_once_while_it_is_fresh(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    first = send_request(cache)
    clock.now += 14.9
    assert send_request(cache).text == first.text
    assert len(backend.requests) == 1
    clock.now += 0.1
    assert send_request(cache).text != first.text
    assert len(backend.requests) == 2


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({"control": "private, no-store"}, {}),
        ({"control": "no-store"}, {}),
        ({"control": None}, {}),
        ({"control": "max-age=15"}, {}),
        ({"control": "public"}, {}),
        ({"control": "public, max-age=0"}, {}),
        ({"control": "public, max-age=15, no-cache"}, {}),
        ({"control": "public, max-age=15, private"}, {}),
        ({"headers": [("Set-Cookie", "a=b")]}, {}),
        ({"headers": [("Vary", "Accept-Language")]}, {}),
        ({"headers": [("Content-Encoding", "zstd")]}, {}),
        ({"status": "404 NOT FOUND"}, {}),
        ({"status": "503 SERVICE UNAVAILABLE"}, {}),
        ({"status": "206 PARTIAL CONTENT"}, {}),
        ({}, {"method": "POST"}),
        ({}, {"method": "OPTIONS"}),
        ({}, {"Authorization": "Basic eDp5"}),
        ({}, {"query": "token=x"}),
        ({}, {"query": "lang=fr&token=x"}),
        ({}, {"query": "%74oken=x"}),
        ({}, {"query": "token"}),
    ],
)
def test_private_responses_are_never_stored(
    changes: dict[str, Any], request_: dict[str, str], cache: ResponseCache, backend: Backend
) -> None:
    for name, value in changes.items():
        setattr(backend, name, value)
    for _ in range(2):
        response = send_request(cache, **request_)
        assert response.headers.get("Cache-Control") == backend.control
    assert len(backend.requests) == 2


def test_a_request_with_credentials_bypasses_the_cache(
    cache: ResponseCache, backend: Backend
) -> None:
    send_request(cache)
    send_request(cache, Authorization="Basic eDp5")
    assert len(backend.requests) == 2


def test_a_question_mark_in_a_path_does_not_begin_a_query(
    cache: ResponseCache, backend: Backend
) -> None:
    send_request(cache, "/w%3Fa", query="b")
    send_request(cache, "/w", query="a?b")
    assert len(backend.requests) == 2


def test_a_cached_response_is_not_fresh_for_longer_than_the_application_allows(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    assert send_request(cache).headers["Cache-Control"] == PUBLIC
    clock.now += 10.5
    assert send_request(cache).headers["Cache-Control"] == PUBLIC.replace("=15", "=5")
    clock.now += 24.5
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        leader = visitors.submit(send_request, cache)
        until(lambda: len(backend.requests) == 2)
        old = send_request(cache)
        backend.gate.set()
        assert leader.result().headers["Cache-Control"] == PUBLIC
    # It is 35 seconds old: 20 seconds of the grace period are over.
    assert old.headers["Cache-Control"] == (
        "public, max-age=0, stale-while-revalidate=40, stale-if-error=86380"
    )


def test_the_age_includes_the_time_that_the_application_took(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        slow = visitors.submit(send_request, cache)
        until(lambda: bool(backend.requests))
        clock.now += 6
        backend.gate.set()
        assert "max-age=9," in slow.result().headers["Cache-Control"]


@pytest.mark.parametrize(
    "wanted", ['W/"1800000000"', '"1800000000"', 'W/"else", W/"1800000000"', "*"]
)
def test_a_matching_etag_gets_304_from_the_cache(
    wanted: str, cache: ResponseCache, backend: Backend
) -> None:
    whole = send_request(cache)
    response = send_request(cache, If_None_Match=wanted)
    assert (response.status, response.body) == (304, b"")
    assert response.headers["ETag"] == whole.headers["ETag"]
    assert response.headers["Cache-Control"] == PUBLIC
    assert set(response.headers) == {"ETag", "Cache-Control", "Vary"}
    assert send_request(cache, If_None_Match='W/"else"').text == whole.text
    assert len(backend.requests) == 1


@pytest.mark.parametrize("first", [{"If_None_Match": 'W/"1800000000"'}, {"method": "HEAD"}])
def test_a_first_request_without_a_body_still_fills_the_cache(
    first: dict[str, str], cache: ResponseCache, backend: Backend
) -> None:
    assert send_request(cache, **first).body == b""
    assert send_request(cache).text.startswith(TEXT)
    assert len(backend.requests) == 1


def test_head_is_get_without_the_body(cache: ResponseCache, backend: Backend) -> None:
    for control in (PUBLIC, "private, no-store"):
        backend.control = control
        head, get = (
            send_request(cache, query=control, method="HEAD"),
            send_request(cache, query=control),
        )
        assert head.body == b""
        assert (head.status, head.headers) == (get.status, get.headers)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("BR;Q=1.0", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0 , gzip;q=0", None),
        ("*", "br"),
        ("*;q=0", None),
        ("gzip, *;q=0", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=nan", None),
        ("br;q=nan, gzip", "gzip"),
        ("gzip;q=many", None),
        ("x" * 300 + ", gzip", None),
    ],
)
def test_the_encoding_is_the_one_that_the_visitor_prefers(
    accepted: str, encoding: str | None, cache: ResponseCache, backend: Backend
) -> None:
    plain = send_request(cache)
    response = send_request(cache, Accept_Encoding=accepted)
    assert response.headers.get("Content-Encoding") == encoding
    assert response.text == plain.text
    assert (len(response.body) < len(plain.body)) == (encoding is not None)
    assert int(response.headers["Content-Length"]) == len(response.body)
    assert response.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "changes",
    [
        {"control": "private, no-store"},
        {"body": b"short"},
        {"headers": [("ETag", '"strong"')]},
        {"status": "400 BAD REQUEST"},
        {"headers": [("Content-Type", "image/png")]},
    ],
)
def test_private_small_and_byte_exact_responses_are_not_compressed(
    changes: dict[str, Any], cache: ResponseCache, backend: Backend
) -> None:
    for name, value in changes.items():
        setattr(backend, name, value)
    response = send_request(cache, Accept_Encoding="br, gzip")
    assert "Content-Encoding" not in response.headers
    assert "Vary" not in response.headers


def test_a_response_that_compression_would_enlarge_is_not_compressed(
    cache: ResponseCache, backend: Backend
) -> None:
    backend.body = random.Random(7).randbytes(600)
    response = send_request(cache, Accept_Encoding="br")
    assert "Content-Encoding" not in response.headers
    assert response.body.startswith(backend.body)


def test_a_hundred_visitors_of_a_cold_page_cause_one_call(backend: Backend, clock: Clock) -> None:
    cache = ResponseCache(backend, clock=clock, max_wait_seconds=25)
    backend.gate.clear()
    together = threading.Barrier(100)

    def visit(_: int) -> Response:
        together.wait()
        return send_request(cache)

    with ThreadPoolExecutor(100) as visitors:
        visits = [visitors.submit(visit, n) for n in range(100)]
        until(lambda: bool(backend.requests))
        backend.gate.set()
        until(lambda: all(visit.done() for visit in visits))
        assert {(visit.result().status, visit.result().text) for visit in visits} == {
            (200, send_request(cache).text)
        }
    assert len(backend.requests) == 1


def test_only_so_many_requests_wait_for_others_and_the_rest_go_to_the_application(
    backend: Backend, clock: Clock
) -> None:
    cache = ResponseCache(backend, clock=clock, max_wait_seconds=25)
    backend.gate.clear()
    with ThreadPoolExecutor(MAX_WAITING + 10) as visitors:
        visits = [visitors.submit(send_request, cache) for _ in range(MAX_WAITING + 10)]
        # The leader, and nine for which there is no place.
        until(lambda: len(backend.requests) == 10)
        backend.gate.set()
        until(lambda: all(visit.done() for visit in visits))
        assert {visit.result().status for visit in visits} == {200}
    assert len(backend.requests) == 10


def test_a_private_response_is_not_shared_with_requests_that_wait(
    cache: ResponseCache, backend: Backend
) -> None:
    backend.control = "private, no-store"
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        leader = visitors.submit(send_request, cache)
        until(lambda: len(backend.requests) == 1)
        follower = visitors.submit(send_request, cache)
        backend.gate.set()
        assert leader.result().status == follower.result().status == 200
    assert len(backend.requests) == 2


def test_while_one_request_fetches_the_new_response_the_others_get_the_stale_one_at_once(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    old = send_request(cache)
    clock.now += 20
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        leader = visitors.submit(send_request, cache)
        until(lambda: len(backend.requests) == 2)
        assert [send_request(cache).text for _ in range(20)] == [old.text] * 20
        backend.gate.set()
        assert leader.result().text != old.text
    assert len(backend.requests) == 2


@pytest.mark.parametrize("status", ["200 OK", "500 INTERNAL SERVER ERROR"])
def test_a_response_past_its_grace_is_not_served(
    status: str, cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    old = send_request(cache)
    clock.now += 76
    backend.status = status
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        both = [visitors.submit(send_request, cache) for _ in range(2)]
        until(lambda: len(backend.requests) == 2)
        backend.gate.set()
        assert old.text not in {visit.result().text for visit in both}


def test_no_request_waits_longer_for_another_than_the_limit(backend: Backend, clock: Clock) -> None:
    cache = ResponseCache(backend, clock=clock, max_wait_seconds=0.05)
    backend.gate.clear()
    with ThreadPoolExecutor() as visitors:
        stuck = visitors.submit(send_request, cache)
        until(lambda: len(backend.requests) == 1)
        impatient = visitors.submit(send_request, cache)
        until(lambda: len(backend.requests) == 2)
        backend.gate.set()
        assert stuck.result().status == impatient.result().status == 200
    # The application knows that the request has waited already.
    assert [request.get(ELAPSED, 0.0) > 0 for request in backend.requests] == [False, True]


def test_an_application_that_raises_blocks_nobody(clock: Clock) -> None:
    requested: list[str] = []

    def broken(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        requested.append(environ["PATH_INFO"])
        raise OSError("out of order")

    cache = ResponseCache(broken, clock=clock)
    for _ in range(2):
        with pytest.raises(OSError, match="out of order"):
            send_request(cache)
    assert len(requested) == 2


def test_an_error_5xx_keeps_the_stale_response_and_any_other_drops_it(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    def two_visits(old_is_served: bool) -> list[int]:
        before = len(backend.requests)
        backend.gate.clear()
        with ThreadPoolExecutor() as visitors:
            visits = [visitors.submit(send_request, cache)]
            until(lambda: len(backend.requests) > before)
            visits.append(visitors.submit(send_request, cache))
            until(lambda: visits[1].done() or not old_is_served)
            backend.gate.set()
            return [visit.result().status for visit in visits]

    send_request(cache)
    clock.now += 20
    backend.status = "500 INTERNAL SERVER ERROR"
    assert two_visits(old_is_served=True) == [500, 200]
    backend.status = "404 NOT FOUND"
    assert two_visits(old_is_served=True) == [404, 200]
    assert two_visits(old_is_served=False) == [404, 404]


def test_a_clock_that_jumps_back_does_not_extend_a_lifetime(
    cache: ResponseCache, backend: Backend, clock: Clock
) -> None:
    send_request(cache)
    clock.now -= 3600
    send_request(cache)
    assert len(backend.requests) == 2
    clock.now += 14
    send_request(cache)
    assert len(backend.requests) == 2


def test_urls_that_are_requested_once_do_not_displace_one_that_is_requested_often(
    backend: Backend, clock: Clock
) -> None:
    backend.control = "public, max-age=3600"
    cache = ResponseCache(backend, clock=clock, max_entries=100)
    for _ in range(3):
        send_request(cache, "/popular")
        clock.now += 1
    for n in range(2000):
        send_request(cache, query=f"from={n}")
        if n % 400 == 0:
            clock.now += 1
            send_request(cache, "/popular")
    paths = Counter(environ["PATH_INFO"] for environ in backend.requests)
    assert paths == {"/popular": 1, "/w": 2000}
    assert len(cache.entries) == 100


def test_a_response_that_is_not_requested_any_more_leaves(backend: Backend, clock: Clock) -> None:
    backend.control = "public, max-age=3600"
    cache = ResponseCache(backend, clock=clock, max_entries=20)

    def request_often(path: str) -> None:
        for _ in range(5):
            send_request(cache, path)
            clock.now += 1

    request_often("/yesterday")
    for n in range(100):
        request_often(f"/today/{n}")
    assert ("/yesterday", "") not in cache.entries
    assert ("/today/99", "") in cache.entries


def test_an_expired_response_leaves_however_often_it_was_used(
    backend: Backend, clock: Clock
) -> None:
    cache = ResponseCache(backend, clock=clock, max_entries=4)
    for _ in range(10):
        send_request(cache, "/expired")
        clock.now += 1
    clock.now += 3600
    for n in range(4):
        for _ in range(2):
            send_request(cache, f"/new/{n}")
            clock.now += 1
    assert ("/expired", "") not in cache.entries


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20), st.integers(0, 3000)), max_size=60)
)
def test_the_limits_hold_and_the_bytes_are_counted_exactly_whatever_is_requested(
    steps: list[tuple[int, int, int]],
) -> None:
    clock = Clock(1_800_000_000.0)
    backend = Backend(clock)
    cache = ResponseCache(backend, clock=clock, max_entries=6, max_bytes=40_000)
    for path, pause, size in steps:
        clock.now += pause
        backend.body = bytes(size)
        assert send_request(cache, f"/{path}").status == 200
        assert len(cache.entries) <= 6
        assert cache.size <= 40_000
        assert cache.size == sum(response.size for response in cache.entries.values())


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/w/main/balance", ["", "utm_source=x", "fbclid=1&utm_campaign=y", "gclid=", "msclkid=2"]),
        ("/w/main/balance", ["mc_cid=1", "mc_eid=2", "utm_x=%20"]),
        ("/w/main/balance", ["theme=dark&lang=fr", "lang=fr&theme=dark", "lang=f%72&theme=dark"]),
        ("/w/main/balance", ["lang=fr&utm_source=x", "lang=fr"]),
        ("/embed.js", ["", "v=1", "anything"]),
        ("/static/abc/widget.css", ["", "v=1"]),
        ("/oembed", ["url=x&format=json", "format=json&url=x&n=1"]),
    ],
)
def test_urls_with_the_same_response_share_an_entry(
    path: str, queries: list[str], cache: ResponseCache, backend: Backend
) -> None:
    for query in queries:
        send_request(cache, path, query=query)
        send_request(cache, f"{path}/", query=query)
    assert len(cache.entries) == 1
    assert len(backend.requests) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("rows=5", "rows=6"),
        ("rows=5", "rows=5&rows=6"),
        ("rows=5&rows=6", "rows=6&rows=5"),
        ("", "unknown=1"),
        ("", "UTM_source=1"),
        ("lang=%ff", "lang=%fe"),
        ("lang=fr", "lang=fr%26theme=dark"),
        ("lang=fr&theme=dark", "lang=fr%26theme%3Ddark"),
        ("rows", "rows=1"),
    ],
)
def test_urls_whose_responses_may_differ_do_not_share_an_entry(
    first: str, second: str, cache: ResponseCache, backend: Backend
) -> None:
    for query in (first, second):
        send_request(cache, "/w/main/lots", query=query)
    assert len(backend.requests) == 2


def test_the_stored_bytes_are_limited_and_counted_exactly(backend: Backend, clock: Clock) -> None:
    cache = ResponseCache(backend, clock=clock, max_bytes=200_000)
    backend.body = bytes(8_000)
    for n in range(60):
        clock.now += 5  # the same ones are fetched again, others are dropped
        send_request(cache, query=str(n % (5 if n < 30 else 40)))
        assert 0 < cache.size <= 200_000
    assert cache.size == sum(response.size for response in cache.entries.values())
    assert 5 < len(cache.entries) < 12
    backend.body = bytes(20_000)
    for _ in range(2):
        send_request(cache, query="large")  # more than an eighth of max_bytes
    assert ("/w", "large=") not in cache.entries


def test_the_urls_of_stored_responses_count_as_well(backend: Backend, clock: Clock) -> None:
    """Any query is accepted for assets, as long as the server allows."""
    cache = ResponseCache(backend, clock=clock, max_bytes=200_000)
    for n in range(60):
        send_request(cache, query=str(n) * 10_000)
    assert sum(len(path) + len(query) for path, query in cache.entries) < 200_000


def test_requests_are_counted_by_cache_status(backend: Backend, clock: Clock) -> None:
    counted: Counter[CacheStatus] = Counter()
    cache = ResponseCache(backend, clock=clock, count=lambda status: counted.update([status]))
    for request in ({}, {}, {"If_None_Match": "*"}, {"query": "token=x"}, {"method": "POST"}):
        send_request(cache, **request)
    assert counted == {"MISS": 1, "HIT": 2, "BYPASS": 2}


@given(
    controls=st.lists(
        st.tuples(
            st.sampled_from(
                ["public", "private", "no-store", "no-cache", "must-understand", "Public"]
            ),
            st.sampled_from(
                ["max-age=0", "max-age=1", "max-age=30", "MAX-AGE=30", "max-age", "max-age=x", ""]
            ),
            st.sampled_from(["", "immutable", "stale-while-revalidate=40", "s-maxage=3"]),
        ),
        min_size=3,
        max_size=3,
    ),
    steps=st.lists(
        st.tuples(st.sampled_from([0, 0.4, 1, 15, 29.9, 31, 75, -5, -100]), st.integers(0, 2)),
        min_size=1,
        max_size=25,
    ),
)
def test_no_response_is_older_than_its_lifetime_and_none_is_stored_that_is_not_public(
    controls: list[tuple[str, str, str]], steps: list[tuple[float, int]]
) -> None:
    clock = Clock(1_800_000_000.0)
    backend = Backend(clock)
    cache = ResponseCache(backend, clock=clock)
    for seconds, n in steps:
        clock.now += seconds
        backend.control = ", ".join(filter(None, controls[n]))
        before = len(backend.requests)
        response = send_request(cache, query=str(n))
        made_at = int(response.text.rpartition(b"made at ")[2].partition(b" for")[0])
        if len(backend.requests) == before:
            cached = controls[n]
            assert cached[0].lower() == "public"
            assert cached[2] != "s-maxage=3"
            lifetime = int(cached[1].partition("=")[2])
            assert 0 <= clock.now - made_at < lifetime + 1  # the body has whole seconds
            left = int(response.headers["Cache-Control"].partition("max-age=")[2].partition(",")[0])
            assert left <= lifetime - int(clock.now - made_at - 1)
        else:
            assert made_at == int(clock.now)


# ---- the service itself, with and without the cache

TOKENS = {
    "open": ("open/balance", 600),
    "closed": ("closed/balance", 600),
    "expired": ("closed/balance", -600),
}
"""The widget that a token is for, and for how many seconds it is valid."""
ACCOUNTS = {
    "open": {"login": 1000001, "embed_secret": SECRET},
    "closed": {"login": 1000001, "access": "closed", "embed_secret": SECRET},
    "restricted": {"login": 1000001, "allowed_networks": ["127.0.0.0/8"]},
}
PATHS = [
    *(
        f"/w/{slug}/{name}"
        for slug in (*ACCOUNTS, "nobody")
        for name in ("balance", "balance.json", "logins")
    ),
    *(
        "/w/open/open-trades",
        "/w/open/summary.json",
        "/w/open/balance.xml",
        "/w/open/balance%3Flang=fr",
    ),
    *(
        "/embed.js",
        "/embed.json",
        "/static/0123/widget.css",
        "/static/0123/none",
        "/healthz",
        "/elsewhere",
    ),
]
PIECES = ["lang=fr", "theme=dark", "theme=neon", "tz=Europe%2FParis", "", "&", "token=x"]
PIECES += [f"token={{{name}}}" for name in TOKENS]
UNEQUAL = {"Vary", "Content-Encoding", "Content-Length", "X-Request-Id"}
LEFT_OUT_OF_A_304 = {
    *(
        "Server",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Permissions-Policy",
    ),
    *("Cross-Origin-Embedder-Policy", "Cross-Origin-Opener-Policy"),
    "Cross-Origin-Resource-Policy",
}


@pytest.fixture(scope="module")
def tokens(instant: float) -> dict[str, str]:
    """Signed tokens by name."""
    return {
        name: jwt.encode({"sub": subject, "exp": int(instant) + seconds}, SECRET)
        for name, (subject, seconds) in TOKENS.items()
    }


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Flask]:
    """The service with a clock that does not run, so that equal requests get equal responses."""
    upstream.reset()
    tables = {"accounts": ACCOUNTS, "api": {"base_url": upstream.url}}
    parsed = config.parse(tables, {}, registry.discover(), folder=Path(), demo=True)
    with ExitStack() as stack:
        app = application.create_app(parsed, clock=upstream.sandbox.clock)
        stack.callback(app.extensions["cabinet-widgets"].cache.close)
        yield app


@given(
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"]),
    path=st.sampled_from(PATHS),
    query=st.lists(st.sampled_from(PIECES), max_size=3).map("&".join),
    address=st.sampled_from(["127.0.0.1", "203.0.113.9", "::1"]),
    accepted=st.sampled_from([None, "gzip", "br, gzip", "identity", "*;q=0"]),
    language=st.sampled_from([None, "fr", "de, en;q=0.5"]),
    authorization=st.sampled_from([None, None, None, "Basic eDp5"]),
    condition=st.sampled_from([None, "*", 'W/"else"', "its own"]),
)
@settings(max_examples=examples(400), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_responses_with_and_without_the_cache_are_the_same(
    service: Flask,
    tokens: dict[str, str],
    method: str,
    path: str,
    query: str,
    address: str,
    accepted: str | None,
    language: str | None,
    authorization: str | None,
    condition: str | None,
) -> None:
    headers = {
        "Accept-Encoding": accepted,
        "Accept-Language": language,
        "Authorization": authorization,
    }
    query = query.format(**tokens)

    def get_response(app: WSGIApplication, condition: str | None) -> Response:
        given = [
            (name, value)
            for name, value in {**headers, "If-None-Match": condition}.items()
            if value is not None
        ]
        environ = EnvironBuilder(
            path=path,
            method=method,
            query_string=query,
            headers=given,
            environ_base={"REMOTE_ADDR": address},
        ).get_environ()
        chunks, status, sent = run_wsgi_app(app, environ, buffered=True)
        return Response(int(status[:3]), dict(sent), b"".join(chunks))

    def bare(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return Flask.wsgi_app(service, environ, start_response)

    if condition == "its own":
        condition = get_response(bare, None).headers.get("ETag")
    expected, got = get_response(bare, condition), get_response(service, condition)
    assert (got.status, got.text) == (expected.status, expected.text)
    left_out = LEFT_OUT_OF_A_304 if expected.status == 304 else set()
    for name in (got.headers.keys() | expected.headers.keys()) - UNEQUAL - left_out:
        if name != "Cache-Control" or "public" not in expected.headers[name]:
            assert got.headers.get(name) == expected.headers.get(name), name
    if "public" not in expected.headers.get("Cache-Control", ""):
        assert "Content-Encoding" not in got.headers


def test_access_to_private_responses_is_decided_for_every_request(
    service: Flask, tokens: dict[str, str]
) -> None:
    inside, outside = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.9"}
    visitors = service.test_client()
    for _ in range(2):
        assert visitors.get("/w/restricted/balance", environ_base=inside).status_code == 200
        assert visitors.get("/w/restricted/balance", environ_base=outside).status_code == 403
        assert visitors.get(f"/w/closed/balance?token={tokens['closed']}").status_code == 200
        assert visitors.get("/w/closed/balance").status_code == 401
        assert visitors.get(f"/w/closed/balance?token={tokens['expired']}").status_code == 401


def test_the_services_pages_and_scripts_are_compressed_and_need_no_second_rendering(
    serve: Callable[..., Service],
) -> None:
    service = serve()
    for path in ("/w/main/open-trades", "/w/main/open-trades.json", "/embed.js"):
        plain = service.get(path, headers={"Accept-Encoding": "identity"})
        for encoding in ("br", "gzip"):
            small = service.get(path, headers={"Accept-Encoding": encoding})
            assert small.headers["Content-Encoding"] == encoding
            assert small.content == plain.content  # requests decodes it
            assert int(small.headers["Content-Length"]) < len(plain.content) / 2
            again = service.get(path, headers={"If-None-Match": small.headers["ETag"]})
            assert (again.status_code, again.headers["Vary"]) == (304, "Accept-Encoding")
    counted = service.app.extensions["cabinet-widgets"].metrics.text().decode()
    assert 'cabinet_edge_requests_total{outcome="MISS"} 3.0' in counted
    assert 'cabinet_edge_requests_total{outcome="HIT"} 12.0' in counted
