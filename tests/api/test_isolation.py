"""Accounts of one API, over HTTP: what happens to one of them does not affect the others."""

from collections.abc import Callable

from conftest import Clock, Service, Upstream
from faults import Fault
from processes import PATIENT

Serve = Callable[..., Service]


def test_429_for_one_account_delays_no_update_of_another(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(
        accounts={slug: {"login": 1000001} for slug in ("busy", "healthy")},
        server=PATIENT,
    )
    before = service.get("/w/healthy/balance.json").json()["as_of"]
    too_many = Fault("too_many", seconds=300)
    upstream.sandbox.faults.append(too_many)
    for name in ("balance", "open-trades", "closed-trades", "bonus", "summary", "growth"):
        response = service.get(f"/w/busy/{name}.json")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 299
    upstream.sandbox.faults.remove(too_many)
    clock.now += 31
    healthy = service.get("/w/healthy/balance.json").json()
    assert (healthy["as_of"] > before, healthy["stale"]) == (True, False)
    assert service.get("/w/busy/balance.json").status_code == 503


def test_an_outage_that_other_accounts_noticed_is_no_failure_of_a_healthy_account(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(
        accounts={slug: {"login": 1000001} for slug in ("a", "b", "healthy")},
        server=PATIENT,
    )
    # The circuit breaker's pauses pass with the clock of the test, too.
    service.app.extensions["cabinet-widgets"].client._clock = clock
    before = service.get("/w/healthy/balance.json").json()["as_of"]
    clock.now += 31
    upstream.sandbox.faults.append(Fault("error503"))
    for slug in ("a", "b"):
        for name in ("balance", "open-trades", "closed-trades"):
            assert service.get(f"/w/{slug}/{name}.json").status_code == 503
    calls = upstream.sandbox.calls.total()
    healthy = service.get("/w/healthy/balance.json").json()
    assert (healthy["as_of"], healthy["stale"]) == (before, True)
    assert upstream.sandbox.calls.total() == calls, "the API is down and gets no calls"
    upstream.sandbox.faults.clear()
    clock.now += 17  # longer than the breaker's pause, which is the Retry-After without a header
    healthy = service.get("/w/healthy/balance.json").json()
    assert (healthy["as_of"] > before, healthy["stale"]) == (True, False)
