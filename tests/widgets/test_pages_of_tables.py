"""Tables in pages: the same rows as in one list, in JSON and with links between the pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from accounts import EVERYTHING
from browsers import tab
from conftest import Service
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect
from werkzeug.security import generate_password_hash

from widget.web import tokens
from widget.widgets.base import page_numbers, rows_of_page
from widget.widgets.options import Options

Serve = Callable[..., Service]
LISTS = {
    "open-trades": "trades",
    "closed-trades": "trades",
    "logins": "logins",
    "commissions": "records",
    "open-trades?group=symbol": "symbols",
}


@settings(max_examples=examples(100))
@given(st.integers(0, 350), st.integers(1, 100))
def test_all_pages_together_are_the_list_and_the_next_one_is_empty(count: int, rows: int) -> None:
    records = list(range(count))
    pages = page_numbers(count, Options(rows=rows))["pages"]
    assert pages >= 1
    together: list[int] = []
    for page in range(1, pages + 1):
        found = rows_of_page(records, Options(rows=rows, page=page))
        assert len(found) <= rows
        together += found
    assert together == records
    assert list(rows_of_page(records, Options(rows=rows, page=pages + 1))) == []


def address(name: str, suffix: str = "", **options: int) -> str:
    """The path of a widget with some options."""
    path, _, query = name.partition("?")
    pairs = [query] * bool(query) + [f"{key}={value}" for key, value in options.items()]
    return f"/w/main/{path}{suffix}?{'&'.join(pairs)}"


@pytest.mark.parametrize(("name", "rows"), LISTS.items())
def test_json_has_the_page_and_the_number_of_pages(name: str, rows: str, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    everything = service.json(address(name, ".json", rows=100))[rows]
    first = service.json(address(name, ".json", rows=3))
    assert first["page"] == 1
    assert first["pages"] == -(-len(everything) // 3)
    second = service.json(address(name, ".json", rows=3, page=2))
    assert second["page"] == 2
    assert first[rows] + second[rows] == everything[:6]
    beyond = service.json(address(name, ".json", rows=3, page=900))
    assert beyond[rows] == []
    assert beyond["pages"] == first["pages"]
    assert beyond.get("totals") == first.get("totals")


def test_a_page_says_which_rows_it_displays_and_of_how_many_trades_the_totals_are(
    serve: Serve,
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    count = service.json("/w/main/closed-trades.json")["totals"]["count"]
    html = service.get("/w/main/closed-trades?rows=5").text
    assert f"<bdi>1–5 of {count}</bdi>" in html
    assert f"Total of {count} trades" in html
    assert 'rel="prev"' not in html
    assert 'href="/w/main/closed-trades?rows=5&amp;page=2" rel="next"' in html


def test_positions_and_pending_orders_together_are_all_rows(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    trades = service.json("/w/main/open-trades.json?rows=100")["trades"]
    orders = sum(trade["kind"] != "market" for trade in trades)
    assert orders > 1
    html = service.get("/w/main/open-trades?rows=3").text
    assert f"Total of {len(trades) - orders} positions" in html
    assert f"<bdi>1–3 of {len(trades)}</bdi> <small>({orders} pending orders)</small>" in html
    # Its rows are symbols, and pending orders do not count for them.
    by_symbol = service.get("/w/main/open-trades?group=symbol").text
    assert f"Total of {len(trades) - orders} positions" in by_symbol
    assert "pending" not in by_symbol


def test_a_hidden_number_of_trades_is_not_in_the_links_between_pages(serve: Serve) -> None:
    service = serve(accounts={"main": {**EVERYTHING, "hide": ["count"]}})
    assert service.json("/w/main/closed-trades.json?rows=1")["pages"] is None
    html = service.get("/w/main/closed-trades?rows=1").text
    assert "page=" not in html
    assert "pager" not in html
    assert "Total of" not in html


def test_a_locked_page_has_no_links_to_others(serve: Serve) -> None:
    secret = "0123456789abcdef" * 2
    closed = {**EVERYTHING, "access": "closed", "embed_secret": secret}
    service = serve(accounts={"main": closed})
    now = service.app.extensions["cabinet-widgets"].clock()
    for params, links in (({}, 1), ({"page": 1}, 0)):
        token = tokens.sign([secret.encode()], "main/closed-trades", int(now) + 600, params)
        html = service.get(f"/w/main/closed-trades?rows=1&token={token}").text
        assert len(re.findall('rel="next"', html)) == links, params


def test_after_a_password_the_pages_are_open_without_a_script(
    browser: Browser, serve: Serve
) -> None:
    closed = {"access": "closed", "viewer_password_hash": generate_password_hash("viewer-password")}
    service = serve(accounts={"main": {**EVERYTHING, **closed}})
    with tab(browser, java_script_enabled=False) as page:
        page.goto(f"{service.url}/w/main/closed-trades?rows=5")
        page.locator("#password").fill("viewer-password")
        page.get_by_role("button", name="Unlock").click()
        page.get_by_role("link", name="Next page").click()
        expect(page.locator(".pager bdi")).to_contain_text("6–10")


@pytest.mark.parametrize("has_script", [True, False])
def test_visitors_page_through_a_table(has_script: bool, browser: Browser, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    path = "/w/main/closed-trades?rows=5"
    tickets: list[Any] = []
    for number in (1, 2):
        data = service.json(path.replace("?", ".json?") + f"&page={number}")
        tickets.append([str(row["ticket"]) for row in data["trades"]])
    with tab(browser, java_script_enabled=has_script) as page:
        page.goto(service.url + path)
        rows = page.locator("tbody tr")
        for row, ticket in zip(rows.all(), tickets[0], strict=True):
            expect(row).to_have_attribute("data-key", ticket)
        page.get_by_role("link", name="Next page").click()
        expect(page.locator(".pager bdi")).to_contain_text("6–10")
        for row, ticket in zip(rows.all(), tickets[1], strict=True):
            expect(row).to_have_attribute("data-key", ticket)
        page.get_by_role("link", name="Previous page").click()
        expect(page.locator(".pager bdi")).to_contain_text("1–5")
        # With the script, the page itself stays.
        assert ("page=" in page.url) is not has_script
