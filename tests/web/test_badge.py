"""Badges in the endpoint schema of Shields."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from accounts import WIDGETS
from conftest import Clock, Service, Upstream
from faults import Fault
from processes import PATIENT

Serve = Callable[..., Service]
BADGES = ["balance", "bonus", "growth"]
ACCOUNT = {"login": 1000005, "currency": "USD"}


def badge(service: Service, path: str) -> Any:
    """A badge that has everything that Shields requires."""
    response = service.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    content = response.json()
    assert content["schemaVersion"] == 1
    assert content["label"]
    assert content["message"]
    assert re.fullmatch("#[0-9a-f]{6}", content["color"])
    return content


def test_three_widgets_have_a_badge() -> None:
    assert [name for name, widget in WIDGETS.items() if widget.has_badge] == BADGES


@pytest.mark.parametrize("name", BADGES)
def test_a_badge_is_served_to_everybody(name: str, serve: Serve) -> None:
    service = serve(accounts={"main": ACCOUNT})
    response = service.get(f"/w/main/{name}.badge.json")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"].startswith("public, max-age=")
    badge(service, f"/w/main/{name}.badge.json")


def test_it_displays_the_main_figure_in_the_language_of_the_url(serve: Serve) -> None:
    service = serve(accounts={"main": ACCOUNT})
    balance = service.json("/w/main/balance.json")["balance"]
    assert badge(service, "/w/main/balance.badge.json") == {
        "schemaVersion": 1,
        "label": "Balance",
        "message": f"${balance:,.2f}",
        "color": "#1f5dbf",
    }
    german = badge(service, "/w/main/balance.badge.json?lang=de&accent=AA2200")
    assert german["label"] == "Kontostand"
    assert german["color"] == "#aa2200"


def test_a_gain_has_its_period_and_a_colour(serve: Serve) -> None:
    service = serve(accounts={"main": ACCOUNT})
    for period in ("7d", "90d", "all"):
        gain = service.json(f"/w/main/growth.json?period={period}")["gain"]
        content = badge(service, f"/w/main/growth.badge.json?period={period}")
        assert content["label"].startswith("Gain, ")
        written = f"{100 * gain:+,.2f}%"
        assert content["message"] == written.replace("-", "\N{MINUS SIGN}")
        expected = {1: "#07734a", -1: "#bd2637"}
        assert content["color"] == expected[1 if gain > 0 else -1]


@pytest.mark.parametrize("name", ["summary", "lots", "closed-trades", "nothing"])
def test_other_widgets_have_no_badge(name: str, serve: Serve) -> None:
    response = serve(accounts={"main": ACCOUNT}).get(f"/w/main/{name}.badge.json")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_hidden_figure_is_replaced_by_the_next_one_or_a_dash(serve: Serve) -> None:
    everything = ["balance", "equity", "profit", "free_margin", "margin"]
    accounts = {
        "balance": {**ACCOUNT, "hide": ["balance"]},
        "percent": {**ACCOUNT, "amounts": "percent"},
        "nothing": {**ACCOUNT, "hide": everything},
    }
    service = serve(accounts=accounts)
    assert badge(service, "/w/percent/balance.badge.json")["label"] == "Floating profit"
    assert badge(service, "/w/balance/balance.badge.json")["label"] != "Balance"
    assert badge(service, "/w/nothing/balance.badge.json")["message"] == "–"


def test_a_stale_figure_says_so(serve: Serve, upstream: Upstream, clock: Clock) -> None:
    service = serve(accounts={"main": ACCOUNT}, server=PATIENT)
    fresh = badge(service, "/w/main/balance.badge.json")
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 3600
    stale = badge(service, "/w/main/balance.badge.json")
    assert stale["message"] == f"{fresh['message']} (Not up to date)"
    assert stale["color"] == "#56616f"


def test_a_closed_account_is_401(serve: Serve) -> None:
    closed = {**ACCOUNT, "access": "closed", "embed_secret": "x" * 40}
    response = serve(accounts={"main": closed}).get("/w/main/growth.badge.json")
    assert response.status_code == 401
    assert set(response.json()) == {"error"}
