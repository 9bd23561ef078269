"""The service over HTTP, as its users see it: pages, JSON, headers, errors."""

import itertools
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import jwt
import pytest
import requests
from accounts import EVERYTHING, SECRET, WIDGETS, query_with_rows
from conftest import Clock, Service, Upstream
from examples import EXAMPLES
from faults import Fault
from processes import PATIENT, until
from werkzeug.security import generate_password_hash

from widget import config
from widget.data.cache import Caller

HASH = generate_password_hash("open sesame", "scrypt:4096:8:1")
Serve = Callable[..., Service]


@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget_is_served_as_page_and_json_with_the_names_of_its_example(
    name: str, serve: Serve, instant: float
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    query = query_with_rows(name, instant)
    page = service.get(f"/w/main/{name}?{query}")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    response = service.get(f"/w/main/{name}.json?{query}")
    body = response.json()
    assert (body["account"], body["widget"], body["stale"], body["currency"]) == (
        "main",
        name,
        False,
        "USD",
    )
    assert datetime.fromisoformat(body["as_of"]).utcoffset() is not None
    assert names(body["data"]) == names(EXAMPLES[name])


def names(value: Any) -> Any:
    """The names in a JSON value; in a list, those of its first element."""
    if hasattr(value, "items"):
        return {name: names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [names(value[0])] if value else []
    return None


def test_grouped_by_symbol_there_is_a_row_for_each(serve: Serve) -> None:
    data = serve(accounts={"main": EVERYTHING}).json("/w/main/open-trades.json?group=symbol")
    assert set(data) == {"symbols", "totals", "page", "pages"}
    assert set(data["symbols"][0]) == set(
        "symbol orders buy_volume sell_volume buy_price sell_price swap commission profit".split()
    )
    assert sum(row["orders"] for row in data["symbols"]) == data["totals"]["count"]


def test_pending_orders_are_dimmed_and_have_no_profit(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    orders = [
        row for row in service.json("/w/main/open-trades.json")["trades"] if row["kind"] != "market"
    ]
    displayed = re.findall(
        r'<tr class="order".*?</tr>', service.get("/w/main/open-trades").text, re.DOTALL
    )
    assert orders
    assert len(displayed) == len(orders)
    assert all(row.endswith("<td><bdi>–</bdi></td></tr>") for row in displayed)


def test_rows_limit_the_list_and_not_the_totals(serve: Serve) -> None:
    service = serve()
    few, many = (service.json(f"/w/main/closed-trades.json?rows={n}") for n in (2, 100))
    assert len(few["trades"]) == 2
    assert few["totals"] == many["totals"]
    assert few["totals"]["count"] == len(many["trades"]) > 2
    assert few["trades"] == many["trades"][:2]
    times = [trade["close_time"] for trade in many["trades"]]
    assert times == sorted(times, reverse=True)


def test_both_dialects_give_the_same_figures(serve: Serve) -> None:
    login = {"login": 1000002, "password": "sandbox-password"}
    dialects = ("client-api", "cabinet-basic")
    service = serve(
        accounts={dialect: {**login, "api": {"dialect": dialect}} for dialect in dialects}
    )
    for path in (
        "closed-trades.json?period=90d",
        "lots.json?period=90d",
        "growth.json?period=90d",
        "bonus.json",
    ):
        old, new = (service.json(f"/w/{slug}/{path}") for slug in dialects)
        assert old == new, path


def test_what_the_dialect_does_not_offer_is_501_and_says_so(serve: Serve) -> None:
    account = {
        "login": 1000002,
        "password": "sandbox-password",
        "widgets": ["logins", "commissions"],
    }
    service = serve(accounts={"main": {**account, "api": {"dialect": "cabinet-basic"}}})
    for name in ("logins", "commissions"):
        response = service.get(f"/w/main/{name}.json")
        assert (response.status_code, response.json()["error"]["code"]) == (501, "not_offered")
        assert "does not offer" in service.get(f"/w/main/{name}").text


def test_unknown_accounts_unknown_widgets_and_those_not_enabled_are_identical(serve: Serve) -> None:
    service = serve()
    paths_ = [
        "/w/nobody/balance",
        "/w/main/nothing",
        "/w/main/logins",
        "/w/MAIN/balance",
        "/w/main/balance.xml",
    ]
    for suffix in ("", ".json"):
        responses = [
            service.get(path + ("" if path.endswith(".xml") else suffix)) for path in paths_
        ]
        assert {response.status_code for response in responses} == {404}
        assert len({response.text for response in responses[:4]}) == 1
        unique_headers = ("Date", "X-Request-Id")
        assert (
            len(
                {
                    tuple(sorted(h for h in response.headers.items() if h[0] not in unique_headers))
                    for response in responses[:4]
                }
            )
            == 1
        )


@pytest.mark.parametrize(
    ("query", "option"),
    [
        ("rows=0", "rows"),
        ("rows=5&rows=5", "rows"),
        ("colour=red", "colour"),
        ("theme=neon", "theme"),
        ("lang=%00", "lang"),
        ("tz=%ff%fe", "query"),
        ("token=a&token=b", "token"),
        ("accent=" + "f" * 7000, "query"),
    ],
)
def test_an_invalid_option_is_400_and_named(query: str, option: str, serve: Serve) -> None:
    service = serve()
    response = service.get(f"/w/main/closed-trades.json?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_option"
    assert option in response.json()["error"]["message"]
    page = service.get(f"/w/main/closed-trades?{query}")
    assert page.status_code == 400
    assert option in page.text


def test_errors_are_in_the_language_of_the_page_else_the_visitor_else_the_account(
    serve: Serve,
) -> None:
    service = serve(accounts={"main": {"login": 1000001, "lang": "fr", "currency": "USD"}})

    def language(query: str, accepted: str | None) -> str:
        page = service.get(
            f"/w/main/growth?period=3d{query}", headers={"Accept-Language": accepted}
        )
        return str(re.findall(r'<html lang="([^"]*)"', page.text)[0])

    assert language("&lang=es", "de-AT") == "es"
    assert language("", "de-AT,it;q=0.5") == "de"
    assert language("", "xx") == "fr"
    assert language("", None) == "fr"


def test_an_error_card_names_its_widget(serve: Serve) -> None:
    service = serve()
    assert '<p class="of">Croissance</p>' in service.get("/w/main/growth?period=3d&lang=fr").text
    assert 'class="of"' not in service.get("/w/main/growth?period=3d&title=0").text
    assert 'class="of"' not in service.get("/w/nobody/growth").text


def test_a_matching_etag_gets_304_and_another_does_not(serve: Serve) -> None:
    service = serve()
    for path in ("/w/main/balance", "/w/main/balance.json"):
        first = service.get(path)
        tag = first.headers["ETag"]
        again = service.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"].startswith("public, max-age=")
        assert service.get(path, headers={"If-None-Match": '"else"'}).status_code == 200


def test_public_responses_may_be_stored_and_read_by_anybody_and_private_ones_by_nobody(
    serve: Serve, instant: float
) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    restricted = {"login": 1000001, "allowed_networks": ["127.0.0.0/8"]}
    service = serve(
        accounts={
            "open": {"login": 1000001, "embed_secret": SECRET},
            "closed": closed,
            "restricted": restricted,
        }
    )
    public = service.get("/w/open/balance.json").headers
    assert public["Access-Control-Allow-Origin"] == "*"
    assert public["Cache-Control"].startswith("public, max-age=")
    token = jwt.encode({"sub": "open/balance", "exp": int(instant) + 60}, SECRET)
    closed_token = jwt.encode({"sub": "closed/balance", "exp": int(instant) + 60}, SECRET)
    private_paths = [
        f"open/balance.json?token={token}",
        f"closed/balance.json?token={closed_token}",
        "restricted/balance.json",
    ]
    for path in private_paths:
        response = service.get(f"/w/{path}")
        assert response.status_code == 200, path
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Access-Control-Allow-Origin" not in response.headers


def test_every_response_has_the_security_headers(serve: Serve) -> None:
    service = serve()
    for path in (
        "/w/main/balance",
        "/w/main/balance.json",
        "/w/nobody/x",
        "/embed.js",
        "/healthz",
        "/none",
        "/embed.json",
    ):
        found = service.get(path).headers
        assert "default-src 'none'" in found["Content-Security-Policy"], path
        assert "unsafe" not in found["Content-Security-Policy"]
        assert found["X-Content-Type-Options"] == "nosniff"
        assert found["Referrer-Policy"] == "no-referrer"
        assert path == "/embed.js" or "camera=()" in found["Permissions-Policy"]
        assert "Set-Cookie" not in found


def test_frame_ancestors_are_set_for_each_account(serve: Serve) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(
        accounts={
            "open": {"login": 1000001},
            "named": {"login": 1000001, "allowed_origins": ["https://blog.example.com"]},
            "closed": closed,
            "both": {**closed, "allowed_origins": ["https://a.example", "https://b.example"]},
        }
    )
    for slug, ancestors in {
        "open": "",  # "*" would exclude local files and the pages of apps
        "named": "frame-ancestors https://blog.example.com",
        "closed": "frame-ancestors 'none'",
        "both": "frame-ancestors https://a.example https://b.example",
    }.items():
        policy = service.get(f"/w/{slug}/balance").headers["Content-Security-Policy"]
        assert policy.partition("base-uri 'none'")[2].strip("; ") == ancestors


def test_frames_may_be_embedded_in_isolated_pages_and_private_ones_only_as_frames(
    serve: Serve,
) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(accounts={"open": {"login": 1000001}, "closed": closed})
    policies = {}
    for slug, destination in itertools.product(("open", "closed"), ("iframe", "image")):
        headers = {"Sec-Fetch-Dest": destination}
        found = service.get(f"/w/{slug}/balance.json", headers=headers).headers
        assert "Cross-Origin-Embedder-Policy" not in found
        found = service.get(f"/w/{slug}/balance", headers=headers).headers
        assert found["Cross-Origin-Embedder-Policy"] == "require-corp"
        policies[slug, destination] = found["Cross-Origin-Resource-Policy"]
    assert policies == {
        ("open", "iframe"): "cross-origin",
        ("open", "image"): "cross-origin",
        ("closed", "iframe"): "cross-origin",
        ("closed", "image"): "same-origin",
    }


def test_the_language_is_that_of_the_url_then_of_the_account_then_english(serve: Serve) -> None:
    service = serve(accounts={"main": {"login": 1000001, "lang": "fr"}})
    assert '<html lang="fr"' in service.get("/w/main/balance").text
    assert '<html lang="en"' in service.get("/w/main/balance?lang=en-GB").text
    assert '<html lang="fr"' in service.get("/w/main/balance?lang=tlh").text


def test_a_hundred_and_twenty_visitors_of_a_cold_widget_cost_one_call_and_one_token(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve(
        accounts={"main": {"login": 1000002, "password": "sandbox-password"}},
        api={"deadline_seconds": 100},  # until all have arrived on a busy machine
    )
    upstream.sandbox.faults.append(Fault("slow", "RequestOpenTrades", seconds=30))
    original, arrived = service.app.wsgi_app, threading.Semaphore(0)

    def count(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        arrived.release()
        return original(environ, start_response)

    service.app.wsgi_app = count  # type: ignore[method-assign]
    with ThreadPoolExecutor(120) as visitors:
        visits = [visitors.submit(service.get, "/w/main/open-trades.json") for _ in range(120)]
        for _ in range(120):
            assert arrived.acquire(timeout=30)
        assert not any(visit.done() for visit in visits)
        upstream.gate.set()
        assert [visit.result().status_code for visit in visits] == [200] * 120
    calls = upstream.sandbox.calls
    assert calls["RequestOpenTrades"] == 1
    assert calls["RequestClientApiToken"] == 1


def test_with_an_old_result_nobody_waits_and_one_call_refreshes(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve()
    before = service.get("/w/main/open-trades.json").json()["as_of"]
    clock.now += 20
    gate = threading.Event()
    cache = service.app.extensions["cabinet-widgets"].client
    original = cache.call

    def held(*args: Any, **more: Any) -> Any:
        assert gate.wait(30)
        return original(*args, **more)

    cache.call = held  # the upstream responds when the gate opens, not before
    try:
        for _ in range(5):
            response = service.get("/w/main/open-trades.json").json()
            assert (response["as_of"], response["stale"]) == (before, False)
    finally:
        gate.set()
    # None of these is in the response cache.
    addresses = (f"/w/main/open-trades.json?refresh={n}" for n in range(10, 10000))
    until(lambda: service.get(next(addresses)).json()["as_of"] > before)
    assert upstream.sandbox.calls["RequestOpenTrades"] == 2


@pytest.mark.parametrize("quiet_seconds", [35, 600, 86000])
def test_after_a_quiet_time_no_widget_and_no_picture_is_marked_and_its_figures_are_new(
    serve: Serve, upstream: Upstream, clock: Clock, quiet_seconds: float
) -> None:
    service = serve(accounts={"main": EVERYTHING}, server=PATIENT)
    statuses = {name: service.get(f"/w/main/{name}.json").status_code for name in WIDGETS}
    offered = [name for name, status in statuses.items() if status == 200]
    assert len(offered) >= 6
    for name in offered:
        clock.now += quiet_seconds
        response = service.get(f"/w/main/{name}.json").json()
        assert not response["stale"], name
        age = clock.now - datetime.fromisoformat(response["as_of"]).timestamp()
        assert age <= 2 * 300, "twice the longest TTL"
        clock.now += quiet_seconds
        assert "data-stale" not in service.get(f"/w/main/{name}").text
        clock.now += quiet_seconds
        if WIDGETS[name].picture:
            assert "Not up to date" not in service.get(f"/w/main/{name}.svg").text


def test_with_one_visitor_a_minute_no_response_counts_as_stale(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    """The alert CabinetFiguresAreOld looks at this counter."""
    service = serve(server=PATIENT)
    for _ in range(30):
        service.get("/w/main/balance.json")
        clock.now += 60
    metrics = service.get("/metrics").text
    assert 'cabinet_answers_total{freshness="fresh",status="200",widget="balance"} 30.0' in metrics
    assert 'freshness="stale"' not in metrics


def test_a_widget_of_several_functions_waits_for_all_of_them_together_no_longer_than_the_patience(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(server={"patience_seconds": 0.2}, api={"deadline_seconds": 100})
    cache = service.app.extensions["cabinet-widgets"].cache
    before = service.get("/w/main/growth.json").json()
    patience = []
    original = cache.get

    def recording(
        key: str,
        ttl: float,
        fetch: Any,
        *,
        wait_seconds: float,
        caller: Caller,
    ) -> Any:
        patience.append(caller.patience_seconds)
        return original(key, ttl, fetch, wait_seconds=wait_seconds, caller=caller)

    cache.get = recording
    clock.now += 4000  # even the currency is too old
    upstream.sandbox.faults.append(Fault("slow", seconds=60))
    after = service.get("/w/main/growth.json").json()
    assert after["as_of"] == before["as_of"]
    assert not upstream.gate.is_set(), "nobody waited for the end of a call"
    first, *others = patience
    assert 0 < first <= 0.2
    assert others
    assert max(others) < 0.01, "the first value has used it up"
    upstream.gate.set()


def test_while_the_upstream_fails_the_last_result_is_displayed_and_marked(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(server=PATIENT)
    before = service.get("/w/main/balance.json").json()
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 3600
    after = service.get("/w/main/balance.json").json()
    assert after == {**before, "stale": True}
    page = service.get("/w/main/balance")
    assert page.status_code == 200
    assert "data-stale" in page.text


def test_with_nothing_cached_an_unreachable_upstream_is_503_with_retry_after(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault("error503"))
    for path in ("/w/main/balance.json", "/w/main/balance"):
        response = service.get(path)
        assert response.status_code == 503
        assert 1 <= int(response.headers["Retry-After"]) <= 300
        assert response.headers["Cache-Control"] == "private, no-store"
    assert upstream.sandbox.calls["RequestBalanceInformation"] == 1


@pytest.mark.parametrize(
    ("fault", "status"), [("refuse", 502), ("html200", 502), ("garbage", 502), ("redirect", 502)]
)
def test_a_refusal_or_unreadable_response_of_the_upstream_is_502(
    fault: str, status: int, serve: Serve, upstream: Upstream
) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault(fault))
    response = service.get("/w/main/balance")
    assert response.status_code == status
    assert "temporarily unavailable" in response.text


def test_a_password_unlocks_and_returns_a_token_for_refreshes_of_the_page(serve: Serve) -> None:
    service = serve(
        accounts={"main": {"login": 1000001, "access": "closed", "viewer_password_hash": HASH}}
    )
    locked = service.get("/w/main/balance?theme=dark")
    assert locked.status_code == 401
    assert 'action="/w/main/balance/unlock?theme=dark"' in locked.text
    wrong = requests.post(
        f"{service.url}/w/main/balance/unlock", data={"password": "guess"}, timeout=30
    )
    assert wrong.status_code == 401
    right = requests.post(
        f"{service.url}/w/main/balance/unlock", data={"password": "open sesame"}, timeout=30
    )
    assert right.status_code == 200
    assert right.headers["Cache-Control"] == "private, no-store"
    token = right.text.partition('data-token="')[2].partition('"')[0]
    assert service.get(f"/w/main/balance?token={token}").status_code == 200
    assert service.get(f"/w/main/summary?token={token}").status_code == 200, "of the same account"


def test_ten_password_attempts_a_minute_are_allowed(serve: Serve) -> None:
    service = serve(
        accounts={"main": {"login": 1000001, "access": "closed", "viewer_password_hash": HASH}}
    )
    url = f"{service.url}/w/main/balance/unlock"
    attempts = [requests.post(url, data={"password": "guess"}, timeout=30) for _ in range(11)]
    assert [response.status_code for response in attempts] == [401] * 10 + [429]
    assert int(attempts[-1].headers["Retry-After"]) > 0
    assert requests.post(url, data={"password": "open sesame"}, timeout=30).status_code == 429


def test_the_loader_has_an_immutable_name(serve: Serve) -> None:
    service = serve()
    loader = service.get("/embed.js")
    assert loader.headers["Content-Type"].startswith("text/javascript")
    assert loader.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    version = service.app.extensions["cabinet-widgets"].assets.version
    named = service.get(f"/static/{version}/embed.js")
    assert named.content == loader.content
    assert "immutable" in named.headers["Cache-Control"]
    assert "immutable" not in service.get("/static/0123/embed.js").headers["Cache-Control"]
    assert service.get(f"/static/{version}/../page.html").status_code == 404


def test_an_accent_is_a_stylesheet_of_its_own_with_readable_shades(serve: Serve) -> None:
    service = serve()
    page = service.get("/w/main/balance?accent=ffff00").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert address.endswith("/widget-ffff00.css")
    assert "--accent-light:#" in service.get(address).text


def test_no_response_contains_the_login_number(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    for name in WIDGETS:
        for suffix in ("", ".json"):
            assert "1000005" not in service.get(f"/w/main/{name}{suffix}").text


def test_an_unexpected_error_is_500_without_a_traceback(serve: Serve) -> None:
    service = serve()
    service.app.extensions["cabinet-widgets"].client.offers = None
    response = service.get("/w/main/balance")
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "text"),
    [
        ("GET", "/elsewhere", 404, "not_found", "Diese Seite gibt es nicht."),
        ("GET", "/static/1/missing", 404, "not_found", "Diese Seite gibt es nicht."),
        ("POST", "/w/main/balance", 405, "method_not_allowed", "Diese Anfrage ist ungültig."),
    ],
)
def test_a_request_without_an_endpoint_gets_a_card_in_the_language_of_the_visitor_or_json(
    method: str, path: str, status: int, code: str, text: str, serve: Serve
) -> None:
    service = serve()
    german = {"Accept-Language": "de"}
    page = requests.request(method, service.url + path, headers=german, timeout=30)
    assert page.status_code == status
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"<h1>{text}</h1>" in page.text
    assert f'data-error="{code}"' in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    data = requests.request(method, f"{service.url}{path}.json", headers=german, timeout=30)
    assert (data.status_code, data.headers["Content-Type"]) == (status, "application/json")
    assert data.json() == {"error": {"code": code, "message": text}}


def test_the_response_to_a_wrong_method_lists_the_right_ones(serve: Serve) -> None:
    response = requests.post(f"{serve().url}/w/main/balance", timeout=30)
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_card_without_an_endpoint_has_the_appearance_of_the_url(serve: Serve) -> None:
    service = serve()
    french = service.get("/elsewhere?lang=fr&theme=dark&rows=x").text
    assert "Cette page n’existe pas." in french
    assert 'data-theme="dark"' in french
    assert "There is no such page." in service.get("/elsewhere?lang=%ff").text


def studio_settings(**more: Any) -> dict[str, Any]:
    """The settings of a server with a studio."""
    return {
        "public_url": "https://widgets.example.com",
        "studio": True,
        "studio_password_hash": HASH,
        **more,
    }


def test_without_the_studio_a_line_says_what_runs_here(serve: Serve) -> None:
    response = serve().get("/")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text.startswith("Cabinet Widgets ")
    assert response.text.count("\n") == 1


def test_the_studio_displays_every_enabled_widget_and_the_code_for_what_is_chosen(
    serve: Serve,
) -> None:
    service = serve(server=studio_settings(), accounts={"main": EVERYTHING})
    page = service.get("/?account=main&widget=closed-trades&rows=5&period=7d&theme=")
    assert page.status_code == 200
    for name in WIDGETS:
        assert f'name="widget" value="{name}"' in page.text
    attributes = 'account="main" widget="closed-trades" rows="5" period="7d"'
    assert f"[cabinet_widget {attributes}]" in unescape(page.text)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "private, no-store"


def test_the_studio_explains_an_invalid_option_and_displays_no_code_for_it(
    serve: Serve,
) -> None:
    service = serve(server=studio_settings())
    page = service.get("/?widget=closed-trades&rows=500&tz=Mars&period=7d").text
    assert "rows must be" in page
    assert "tz must be" in page
    assert "[cabinet_widget" not in page
    # The preview has what is valid only.
    [preview] = re.findall("<cabinet-widget [^>]*>", page)
    assert 'period="7d"' in preview
    assert "rows" not in preview
    assert "tz" not in preview
    assert (
        "<script>alert"
        not in service.get("/?widget=<script>alert(1)</script>&lang=<script>alert(2)</script>").text
    )


def test_the_studio_names_the_sites_that_may_embed_an_account(serve: Serve) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(
        server=studio_settings(),
        accounts={
            "open": {"login": 1},
            "named": {"login": 1, "allowed_origins": ["https://a.example"]},
            "closed": closed,
        },
    )
    assert "Any site may embed" in service.get("/?account=open").text
    assert "https://a.example" in service.get("/?account=named").text
    assert "No site may embed" in service.get("/?account=closed").text


def test_outside_of_the_demo_the_studio_requires_its_password_and_allows_ten_attempts(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = config.parse
    monkeypatch.setattr(
        config,
        "parse",
        lambda *args, **more: parse(*args, **more).model_copy(update={"demo": False}),
    )
    service = serve(server=studio_settings())
    locked = service.get("/")
    assert locked.status_code == 401
    assert locked.headers["WWW-Authenticate"].startswith("Basic ")
    assert "any user name" in locked.headers["WWW-Authenticate"]
    assert "Any user name works" in locked.text
    for _ in range(12):  # the studio is requested again with each change
        assert service.get("/", auth=("anybody", "open sesame")).status_code == 200
    wrong = [service.get("/", auth=("anybody", "guess")).status_code for _ in range(11)]
    assert wrong == [401] * 10 + [429]
    assert service.get("/", auth=("anybody", "open sesame")).status_code == 429
    assert "Set-Cookie" not in locked.headers


def test_embed_json_lists_the_widgets_and_a_single_open_account_and_no_other(
    serve: Serve,
) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    opened = {"login": 1000001}
    for accounts, named in (
        ({"main": opened}, ["main"]),
        ({"main": closed}, []),
        ({"main": opened, "other": opened}, []),
        ({"main": {**opened, "allowed_networks": ["127.0.0.0/8"]}}, []),
    ):
        catalogue = serve(accounts=accounts).get("/embed.json").json()
        assert catalogue["accounts"] == named
        assert list(catalogue["widgets"]) == list(WIDGETS)


def test_tracking_parameters_and_a_slash_at_the_end_make_no_difference(serve: Serve) -> None:
    service = serve()
    plain = service.get("/w/main/balance")
    assert plain.status_code == 200
    tracked = "utm_source=news&utm_medium=mail&fbclid=1&gclid=2&msclkid=3&mc_cid=4&mc_eid=5"
    for path in ("/w/main/balance/", f"/w/main/balance?{tracked}", f"/w/main/balance/?{tracked}"):
        response = service.get(path, allow_redirects=False)
        assert (response.status_code, response.text) == (200, plain.text), path
    for query in ("utm=1", "fbclid2=1", "x=1"):
        assert service.get(f"/w/main/balance?{query}").status_code == 400, query
    url = quote("http://127.0.0.1:8000/w/main/balance/?utm_source=news", safe="")
    assert "utm_source" not in service.get(f"/oembed?url={url}").json()["html"]


def test_scripts_of_other_origins_may_send_conditional_requests_for_public_data(
    serve: Serve,
) -> None:
    closed = {"login": 1000001, "access": "closed", "viewer_password_hash": HASH}
    inside = {"login": 1000001, "allowed_networks": ["127.0.0.0/8"]}
    service = serve(accounts={"main": {"login": 1000001}, "closed": closed, "inside": inside})
    cors = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "If-None-Match",
        "Access-Control-Expose-Headers": "ETag",
    }
    preflight = {
        "Origin": "https://blog.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    for path, is_public in {
        "/embed.js": True,
        "/embed.json": True,
        "/static/x/embed.js": True,
        "/w/main/balance.json": True,
        "/w/main/balance.svg": True,
        "/w/main/balance.png": True,
        "/w/main/balance": True,
        "/w/main/balance.xml": False,
        "/w/closed/balance.json": False,
        "/w/inside/balance.json": False,
        "/w/nobody/balance.json": False,
    }.items():
        response = requests.options(service.url + path, headers=preflight, timeout=30)
        assert response.status_code == 200
        allowed = {name: response.headers.get(name) for name in cors}
        assert allowed == (cors if is_public else dict.fromkeys(cors)), path
        if not is_public:
            continue
        etag = service.get(path).headers["ETag"]
        unchanged = service.get(path, headers={"If-None-Match": etag})
        assert unchanged.status_code == 304, path
        assert unchanged.headers["Access-Control-Allow-Origin"] == "*"
        assert unchanged.headers["Access-Control-Expose-Headers"] == "ETag"


def test_a_proxy_that_is_not_configured_is_reported_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.5"}
    configured = serve(server={"trusted_proxies": 1})
    configured.get("/w/main/balance", headers=forwarded)
    unconfigured = serve()
    unconfigured.get("/w/main/balance")
    assert "trusted_proxies" not in caplog.text
    for path in ("/w/main/balance.json", "/w/main/lots", "/healthz"):
        unconfigured.get(path, headers=forwarded)
    assert caplog.text.count("server.trusted_proxies is 0") == 1
    assert "203.0.113.5" not in caplog.text
