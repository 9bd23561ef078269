"""The values that widgets request: how many calls they cost, and for which periods."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from accounts import WIDGETS
from conftest import Clock, Service, Upstream
from faults import Fault
from processes import PATIENCE
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from scripted import NOW, InProcess, Script, at, running
from test_privacy import responses as upstream_responses
from werkzeug.security import generate_password_hash

from widget import config
from widget.api.guard import MAX_PERIODS_PER_ACCOUNT, PERIODS_SECONDS
from widget.config import Account
from widget.data import source as source_module
from widget.data.cache import Caller
from widget.data.source import Source
from widget.errors import Refused
from widget.web.response_cache import ELAPSED

Serve = Callable[..., Service]


def test_however_many_periods_are_requested_closed_trades_cost_a_call_for_each_of_four_windows(
    serve: Serve, upstream: Upstream, instant: float
) -> None:
    service = serve()
    periods = ["today", "7d", "30d", "month", "90d", "year", "all"]
    for period in periods:
        service.json(f"/w/main/closed-trades.json?period={period}")
    today = datetime.fromtimestamp(instant, UTC).date()
    for days in range(0, 400, 13):
        service.json(f"/w/main/closed-trades.json?from={today - timedelta(days)}&to={today}")
    assert upstream.sandbox.calls["RequestClosedTrades"] <= 4


def test_a_shorter_period_is_a_part_of_a_longer_one_whatever_window_it_came_from(
    serve: Serve, instant: float
) -> None:
    service = serve()
    midnight = datetime.fromtimestamp(instant, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    everything = service.json("/w/main/closed-trades.json?period=all&rows=100")["trades"]
    for period, days in (("7d", 7), ("30d", 30), ("90d", 90)):
        first = (midnight - timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        part = service.json(f"/w/main/closed-trades.json?period={period}&rows=100")["trades"]
        assert part == [trade for trade in everything if trade["close_time"] >= first][: len(part)]
        assert (
            len(part) == min(100, sum(trade["close_time"] >= first for trade in everything))
            or len(everything) == 100
        )


def test_midnight_does_not_empty_the_cache_while_the_upstream_is_down(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 20, 23, 59, tzinfo=UTC).timestamp()
    service = serve()
    assert service.get("/w/main/closed-trades.json?period=7d").status_code == 200
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 300
    after = service.get("/w/main/closed-trades.json?period=7d")
    assert after.status_code == 200
    assert after.json()["data"]["from"] == "2026-11-14T00:00:00Z"


def test_if_the_lots_function_fails_the_trades_are_added_up(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault("error503", "RequestClosedLots"))
    data = service.json("/w/main/lots.json?period=7d")
    assert data["lots"] > 0
    assert round(sum(day["lots"] for day in data["days"]), 8) == data["lots"]


def test_dates_that_visitors_choose_cost_few_calls_and_named_periods_still_work(
    serve: Serve, upstream: Upstream, instant: float
) -> None:
    """Each pair of dates is a call and a cached value; sixty pairs a second held up the pages of
    all accounts.
    """
    clock = Clock(instant)  # the service's alone, so that no trade is closed in the meantime
    service = serve(clock=clock)
    today = datetime.fromtimestamp(clock.now, UTC).date()

    def calls(query: str) -> int:
        before = upstream.sandbox.calls["RequestClosedLots"]
        data = service.json(f"/w/main/lots.json?{query}")
        assert round(sum(day["lots"] for day in data["days"]), 8) == data["lots"]
        return upstream.sandbox.calls["RequestClosedLots"] - before

    made = sum(calls(f"from={today - timedelta(days)}") for days in range(28, 88))
    assert made == MAX_PERIODS_PER_ACCOUNT
    assert calls("period=90d") == 1
    clock.now += PERIODS_SECONDS
    assert calls(f"from={today - timedelta(60)}") == 1


def test_if_the_api_has_no_lots_the_trades_are_added_up(serve: Serve) -> None:
    service = serve(api={"methods": {"lots": "client/NoSuchFunction/{login}"}})
    data = service.json("/w/main/lots.json")
    assert data["lots"] > 0
    assert round(sum(day["lots"] for day in data["days"]), 8) == data["lots"]


@pytest.mark.parametrize("response", [None, "", {"lots": None}])
def test_if_the_api_says_nothing_about_the_lots_the_trades_are_added_up(response: object) -> None:
    trade = {
        "ticket": 1, "symbol": "EURUSD", "type": 0, "volume": 0.5, "openPrice": 1.1,
        "closePrice": 1.2, "openTime": at(7200), "closeTime": at(3600), "profit": 100,
    }  # fmt: skip
    script = Script({"balance": {"balance": 1000}, "closed_trades": [trade], "lots": response})
    with ExitStack() as stack:
        service = running(stack, script)
        for _ in range(2):
            answer = service.client.get("/w/main/lots.json")
            assert answer.status_code == 200
            assert answer.get_json()["data"]["lots"] == 0.5
    assert script.calls["lots"] == 1


def test_an_api_without_a_lots_function_gets_no_call_for_it(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve(api={"methods": {"lots": ""}})
    assert service.json("/w/main/lots.json")["lots"] > 0
    assert upstream.sandbox.calls["RequestClosedLots"] == 0


def test_the_log_has_nothing_from_which_a_login_could_be_found(
    serve: Serve, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Logins have eight digits, and a digest of one is found by trying all within minutes."""
    service = serve()
    upstream.sandbox.faults.append(Fault("error503"))
    for _ in range(2):
        assert service.get("/w/main/balance.json").status_code == 503
    now = datetime.fromtimestamp(upstream.sandbox.clock(), UTC)
    parts = service.app.extensions["cabinet-widgets"]
    account = parts.settings.accounts["main"]
    source = Source(account, parts.client, parts.cache, now, snapshots=parts.snapshots)
    name, digest = source.cache_key("balance", "").split("#")
    assert len(digest) == 16
    assert f"{name}: ServerFailure" in caplog.text
    assert "the last call failed" in caplog.text
    assert digest not in caplog.text


API_SETTINGS: dict[str, tuple[Any, bool]] = {
    "dialect": ("cabinet-basic", True),
    "base_url": ("https://other.example.com", True),
    "timezone": ("Europe/Athens", True),
    "unix_times": ("local", True),
    "methods": ({"lots": "client/OtherLots/{login}"}, True),
    "deadline_seconds": (3.0, False),
    "max_response_bytes": (2048, False),
    "ca_file": (DEFAULT_CA_BUNDLE_PATH, False),
    "proxy": ("http://127.0.0.1:3128", False),
}
"""Another value for each setting of an API, and whether it shapes what is cached."""

ACCOUNT_SETTINGS: dict[str, tuple[Any, bool]] = {
    "login": (7654322, True),
    "currency": ("EUR", True),
    "delay_minutes": (15, True),
    "password": ("secret", False),
    "partner_password": ("secret", False),
    "name": ("Pip by Pip", False),
    "link": ("https://blog.example.com", False),
    "kind": ("demo", False),
    "about": ("A paragraph.", False),
    "notice": ("A risk warning.", False),
    "page": (False, False),
    "timezone": ("Europe/Athens", False),
    "lang": ("fr", False),
    "widgets": (["balance"], False),
    "access": ("closed", False),
    "viewer_password_hash": (generate_password_hash("secret"), False),
    "allowed_networks": (["127.0.0.1"], False),
    "allowed_origins": (["https://blog.example.com"], False),
    "embed_secret": ("a secret of thirty-two characters", False),
    "hide": (["ticket"], False),
    "amounts": ("percent", False),
    "ttl_seconds": ({"balance": 3}, False),
}
"""The same for the settings of an account. What is hidden or converted is cached as it is."""


def identity_of(account: dict[str, Any], api: dict[str, Any]) -> str:
    """The identity of an account with some settings of its own."""
    embed = {"embed_secret": "another secret of thirty-two characters"}
    tables = {"main": {"login": 7654321, **embed, **account, "api": api}}
    settings = config.parse({"accounts": tables}, {}, WIDGETS, folder=Path(), demo=True)
    return source_module.cache_identity(settings.accounts["main"])


def test_every_setting_has_been_judged_whether_it_shapes_what_is_cached() -> None:
    assert API_SETTINGS.keys() == config.Api.model_fields.keys()
    # The slug is a part of the key.
    assert ACCOUNT_SETTINGS.keys() | {"slug", "api"} == config.Account.model_fields.keys()


@pytest.mark.parametrize("name", API_SETTINGS)
def test_the_cache_distinguishes_settings_of_an_api_that_shape_its_values(name: str) -> None:
    value, shapes = API_SETTINGS[name]
    assert (identity_of({}, {name: value}) != identity_of({}, {})) == shapes


@pytest.mark.parametrize("name", ACCOUNT_SETTINGS)
def test_the_cache_distinguishes_settings_of_an_account_that_shape_its_values(name: str) -> None:
    value, shapes = ACCOUNT_SETTINGS[name]
    assert (identity_of({name: value}, {}) != identity_of({}, {})) == shapes


def test_the_cache_does_not_distinguish_processes_and_the_order_of_settings() -> None:
    methods = {"lots": "a/{login}", "bonus": "b/{login}"}
    backwards = dict(reversed(methods.items()))
    identity = identity_of({}, {"methods": methods, "timezone": "+03:00"})
    assert identity == identity_of({}, {"timezone": "+03:00", "methods": backwards})
    # An object without a text of its own would be written with its address in memory.
    settings = config.Api.model_validate({"timezone": "+03:00", "methods": methods})
    assert " at 0x" not in repr(settings.model_dump())


def test_the_currency_is_the_configured_one_otherwise_that_of_the_balance(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve(
        accounts={"main": {"login": 1000001}, "eur": {"login": 1000001, "currency": "EUR"}}
    )
    assert service.get("/w/eur/open-trades.json").json()["currency"] == "EUR"
    assert upstream.sandbox.calls["RequestBalanceInformation"] == 0
    assert service.get("/w/main/open-trades.json").json()["currency"] == "USD"
    assert service.get("/w/main/balance.json").json()["currency"] == "USD"
    assert service.get("/w/main/lots.json").json()["currency"] == "USD"
    assert upstream.sandbox.calls["RequestBalanceInformation"] == 1, "widgets share the call"


@pytest.mark.parametrize("delay_minutes", [0, 60])
@pytest.mark.parametrize("amounts", ["money", "percent"])
def test_a_response_does_not_depend_on_earlier_requests(delay_minutes: int, amounts: str) -> None:
    account = {
        "login": 7654321,
        "partner_password": "partner",
        "widgets": list(WIDGETS),
        "delay_minutes": delay_minutes,
        "amounts": amounts,
    }

    def responses(names: list[str]) -> dict[str, Any]:
        with ExitStack() as stack:
            service = running(stack, Script(upstream_responses()), accounts={"main": account})
            service.take_snapshots(minutes_ago=delay_minutes)
            return {name: service.client.get(f"/w/main/{name}.json").get_json() for name in names}

    all_in_a_row = responses(sorted(WIDGETS))
    in_reverse = responses(sorted(WIDGETS, reverse=True))
    assert all_in_a_row == in_reverse
    for name in WIDGETS:
        assert responses([name])[name] == all_in_a_row[name]


@pytest.fixture
def scripted() -> Iterator[Callable[..., InProcess]]:
    """Starts a service with a scripted upstream, at ``NOW`` unless a test passes a clock."""
    with ExitStack() as stack:
        yield lambda responses, **more: running(stack, Script(responses), **more)


def refuse(*_: object) -> None:
    """Fail as an API does that refuses the function."""
    raise Refused("balance: HTTP 403")


def test_a_balance_that_is_unavailable_fails_no_other_widget(
    scripted: Callable[..., InProcess],
) -> None:
    clock = Clock(NOW)
    service = scripted({"balance": refuse, "open_trades": []}, clock=clock)
    for seconds in (0, 16, 30):  # each of them after the pause that follows a failure
        clock.now = NOW + seconds
        response = service.client.get("/w/main/open-trades.json").get_json()
        assert (response["currency"], response["data"]["totals"]["count"]) == (None, 0)
        assert not response["stale"]
    assert service.client.get("/w/main/balance.json").status_code == 502


def test_an_api_without_a_balance_has_no_currency(scripted: Callable[..., InProcess]) -> None:
    service = scripted({"open_trades": []}, api={"methods": {"balance": ""}})
    response = service.client.get("/w/main/open-trades.json")
    assert (response.status_code, response.get_json()["currency"]) == (200, None)
    assert service.script.calls == {"open_trades": 1}


def test_a_balance_that_hangs_delays_other_widgets_no_longer_than_the_deadline(
    scripted: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    ended = threading.Event()

    def hang(*_: object) -> dict[str, int]:
        gate.wait(PATIENCE)
        ended.set()
        return {"balance": 1}

    service = scripted({"balance": hang, "open_trades": []}, api={"deadline_seconds": 0.5})
    cache = service.service.cache
    get = cache.get
    waits = []

    def note_the_wait(
        key: str,
        ttl: float,
        fetch: Callable[[], object],
        *,
        wait_seconds: float,
        caller: Caller,
    ) -> Any:
        if ":balance:" in key:
            waits.append(wait_seconds)
        return get(key, ttl, fetch, wait_seconds=wait_seconds, caller=caller)

    monkeypatch.setattr(cache, "get", note_the_wait)
    # Work before the call takes no time, however busy the machine is.
    monkeypatch.setattr(source_module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    try:
        response = service.client.get("/w/main/open-trades.json")
        assert (response.status_code, response.get_json()["currency"]) == (200, None)
        late = {ELAPSED: 10.0}
        response = service.client.get("/w/main/open-trades.json?rows=5", environ_overrides=late)
        assert (response.status_code, response.get_json()["currency"]) == (200, None)
        assert waits == [0.5, 0.0]
        assert not ended.is_set()
    finally:
        gate.set()


def test_an_old_balance_gives_the_currency_and_makes_no_other_widget_old(
    scripted: Callable[..., InProcess],
) -> None:
    clock = Clock(NOW)
    balance = {"balance": 1, "currency": "EUR"}
    service = scripted({"balance": balance, "open_trades": []}, clock=clock)
    assert service.client.get("/w/main/balance.json").get_json()["currency"] == "EUR"
    service.script.responses["balance"] = refuse
    clock.now += 3600
    response = service.client.get("/w/main/open-trades.json")
    figures = response.get_json()
    assert (figures["currency"], figures["stale"]) == ("EUR", False)
    assert datetime.fromisoformat(figures["as_of"]).timestamp() == clock.now
    assert "max-age=15" in response.headers["Cache-Control"]


def test_the_same_response_has_the_same_etag_as_time_passes(serve: Serve, clock: Clock) -> None:
    service = serve()
    before = service.get("/w/main/closed-trades.json").headers["ETag"]
    clock.now += 7
    assert service.get("/w/main/closed-trades.json").headers["ETag"] == before


def test_a_value_cached_by_another_version_is_not_used(
    serve: Serve, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records may be of another shape."""
    for version, calls in (("1.0", 1), ("1.0", 1), ("1.1", 2)):
        monkeypatch.setattr("widget.data.source.__version__", version)
        serve(cache={"type": "FileSystemCache", "dir": str(tmp_path)}).json("/w/main/balance.json")
        assert upstream.sandbox.calls["RequestBalanceInformation"] == calls


def test_an_account_with_another_login_or_api_does_not_use_the_cached_values(
    serve: Serve, tmp_path: str
) -> None:
    cache = {"type": "FileSystemCache", "dir": str(tmp_path)}
    first = serve(cache=cache, accounts={"main": {"login": 1000001}}).json("/w/main/balance.json")
    other = {"login": 1000002, "password": "sandbox-password"}
    assert serve(cache=cache, accounts={"main": other}).json("/w/main/balance.json") != first


@pytest.mark.parametrize("change", [{"timezone": "+03:00"}, {"unix_times": "local"}])
def test_values_are_not_used_any_more_if_times_are_read_differently(
    change: dict[str, str],
) -> None:
    account = Account(slug="main", login=1)
    other = Account.model_validate({"slug": "main", "login": 1, "api": change})
    identity = source_module.cache_identity(account)
    assert identity == source_module.cache_identity(account)
    assert identity != source_module.cache_identity(other)


def test_time_spent_waiting_for_another_request_counts_towards_the_deadline(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve(api={"deadline_seconds": 60})
    upstream.sandbox.faults.append(Fault("slow", seconds=30))
    visitor = service.app.test_client()
    assert visitor.get("/w/main/balance", environ_overrides={ELAPSED: 60.0}).status_code == 503
    upstream.gate.set()
    assert visitor.get("/w/main/balance", environ_overrides={ELAPSED: 0.0}).status_code == 200
