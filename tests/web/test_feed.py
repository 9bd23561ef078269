"""The Atom feed of closed trades: RFC 4287, stable ids, and nothing that is hidden."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from accounts import SECRET
from conftest import Clock, Service
from hypothesis import given
from hypothesis import strategies as st
from scripted import Script, at, running

from widget.render.feed import FEED_ENTRIES, SPARE_ENTRIES, entry_ids

ATOM = "{http://www.w3.org/2005/Atom}"
FEED_ID = UUID(int=1)
FIRST_TIME = datetime(2026, 11, 1, tzinfo=UTC)
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
Serve = Callable[..., Service]


def valid_feed(text: str | bytes) -> ET.Element:
    """A feed with everything that RFC 4287 requires (sections 4.1.1, 4.1.2 and 4.2)."""
    feed = ET.fromstring(text)
    assert feed.tag == f"{ATOM}feed"
    for parent in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            [child] = parent.findall(f"{ATOM}{name}")
            assert (child.text or "").strip()
        assert re.fullmatch(TIME, parent.findtext(f"{ATOM}updated") or "")
        assert re.match("[a-z][a-z0-9+.-]*:", parent.findtext(f"{ATOM}id") or "")
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    links = {link.get("rel"): link.get("href") or "" for link in feed.findall(f"{ATOM}link")}
    assert all(link.startswith("http") for link in links.values())
    assert {"self", "alternate"} <= links.keys()
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids)
    for entry in feed.findall(f"{ATOM}entry"):
        assert entry.find(f"{ATOM}content") is not None
    return feed


def entries(feed: ET.Element) -> list[dict[str, str]]:
    """Id, title, time and content of each entry."""
    names = ("id", "title", "updated", "content")
    return [
        {name: entry.findtext(f"{ATOM}{name}") or "" for name in names}
        for entry in feed.findall(f"{ATOM}entry")
    ]


def test_the_feed_is_valid_and_has_the_newest_trades_whatever_the_period(serve: Serve) -> None:
    service = serve(accounts={"main": {"login": 1000005, "currency": "USD"}})
    response = service.get("/w/main/closed-trades.atom")
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    found = entries(valid_feed(response.content))
    trades = service.json("/w/main/closed-trades.json?period=all&rows=50")["trades"]
    assert len(found) == len(trades) == FEED_ENTRIES
    assert [entry["updated"] for entry in found] == [trade["close_time"] for trade in trades]
    for entry, trade in zip(found, trades, strict=True):
        assert trade["symbol"] in entry["title"]
        assert str(trade["ticket"]) not in entry["id"]


def test_the_feed_has_the_name_of_the_account(serve: Serve) -> None:
    account = {"login": 1000005, "name": "Pip & Pip", "kind": "real"}
    service = serve(accounts={"main": account, "other": {"login": 1000005}})
    feed = valid_feed(service.get("/w/main/closed-trades.atom").content)
    assert feed.findtext(f"{ATOM}title") == "Closed trades · Pip & Pip · real"
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Pip & Pip"
    unnamed = valid_feed(service.get("/w/other/closed-trades.atom").content)
    assert unnamed.findtext(f"{ATOM}title") == "Closed trades"
    assert unnamed.findtext(f"{ATOM}author/{ATOM}name") == "other"


def test_the_feed_of_an_account_without_trades_is_valid() -> None:
    with ExitStack() as stack:
        service = running(stack, Script({"closed_trades": [], "balance": {}}))
        text = service.client.get("/w/main/closed-trades.atom").text
        assert entries(valid_feed(text)) == []


@pytest.mark.parametrize("lang", ["ar", "de", "zh"])
def test_language_and_time_zone_can_be_chosen(lang: str, serve: Serve) -> None:
    service = serve(accounts={"main": {"login": 1000005, "currency": "USD"}})
    english = entries(valid_feed(service.get("/w/main/closed-trades.atom").content))
    feed = valid_feed(service.get(f"/w/main/closed-trades.atom?lang={lang}&tz=Asia/Tokyo").content)
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == lang
    translated = entries(feed)
    assert [entry["id"] for entry in translated] == [entry["id"] for entry in english]
    assert translated[0]["content"] != english[0]["content"]


@pytest.mark.parametrize("query", ["rows=5", "period=7d", "theme=dark", "lang=fr&lang=de"])
def test_other_options_are_refused(query: str, serve: Serve) -> None:
    assert serve().get(f"/w/main/closed-trades.atom?{query}").status_code == 400


@pytest.mark.parametrize("name", ["open-trades", "balance", "growth", "nothing"])
def test_other_widgets_have_no_feed(name: str, serve: Serve) -> None:
    assert serve().get(f"/w/main/{name}.atom").status_code == 404


@pytest.mark.parametrize("figure", ["trades", "close_time", "open_time", "time", "days"])
def test_there_is_no_feed_while_trades_or_times_are_hidden(figure: str, serve: Serve) -> None:
    service = serve(accounts={"main": {"login": 1000005, "hide": [figure]}})
    response = service.get("/w/main/closed-trades.atom")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert service.get("/w/main/closed-trades.json").status_code == 200


def test_hidden_figures_are_in_no_entry(serve: Serve) -> None:
    hide = ["symbol", "profit", "ticket"]
    service = serve(accounts={"main": {"login": 1000005, "hide": hide}, "all": {"login": 1000005}})
    trades = service.json("/w/all/closed-trades.json?period=all&rows=50")["trades"]
    text = service.get("/w/main/closed-trades.atom").text
    found = entries(valid_feed(text))
    assert len(found) == len(trades)
    assert all(trade["symbol"] not in text for trade in trades)
    assert all(str(trade["ticket"]) not in text for trade in trades)
    assert all("Profit" not in entry["content"] for entry in found)


def test_a_closed_account_needs_a_token_and_the_feed_does_not_repeat_it(
    serve: Serve, clock: Clock
) -> None:
    closed = {"login": 1000005, "access": "closed", "embed_secret": SECRET}
    service = serve(accounts={"main": closed})
    path = "/w/main/closed-trades.atom"
    assert service.get(path).status_code == 401
    claims = {"sub": "main/closed-trades", "exp": clock.now + 600}
    token = jwt.encode(claims, SECRET)
    response = service.get(f"{path}?token={token}")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert len(entries(valid_feed(response.content))) == FEED_ENTRIES
    assert token not in response.text


@pytest.mark.parametrize("subject", ["main/closed-trades", "main/*"])
def test_what_a_token_locks_limits_the_feed(subject: str, serve: Serve, clock: Clock) -> None:
    closed = {"login": 1000005, "access": "closed", "embed_secret": SECRET}
    service = serve(accounts={"main": closed})

    def feed(**params: Any) -> list[dict[str, str]]:
        claims = {"sub": subject, "exp": clock.now + 600, "params": params}
        response = service.get(f"/w/main/closed-trades.atom?token={jwt.encode(claims, SECRET)}")
        return entries(valid_feed(response.content))

    assert len(feed(rows=3)) == 3
    assert len(feed(rows=80)) == FEED_ENTRIES
    week = feed(period="7d")
    assert 0 < len(week) < FEED_ENTRIES
    oldest = datetime.fromisoformat(week[-1]["updated"]).timestamp()
    assert oldest > clock.now - 8 * 86400


def test_an_unknown_option_in_a_token_is_refused(serve: Serve, clock: Clock) -> None:
    service = serve(accounts={"main": {"login": 1000005, "embed_secret": SECRET}})
    claims = {"sub": "main/closed-trades", "exp": clock.now + 600, "params": {"colour": "red"}}
    token = jwt.encode(claims, SECRET)
    assert service.get(f"/w/main/closed-trades.atom?token={token}").status_code == 400


# -- Ids ------------------------------------------------------------------------------------------


# Trades are closed at a few instants only; parts of a position have one ticket, and tickets may be
# hidden.
CLOSED = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([None, 7, 8])), min_size=1, max_size=200
).map(lambda rows: sorted(rows, key=lambda row: row[0], reverse=True))


@given(CLOSED, st.integers(0, 40))
def test_an_id_stays_when_newer_trades_come(
    closed: list[tuple[int, int | None]], newest: int
) -> None:
    rows = [
        {"close_time": FIRST_TIME + timedelta(hours=hours), "ticket": ticket}
        for hours, ticket in closed
    ]
    older = [row for row, (hours, _) in zip(rows, closed, strict=True) if hours <= newest]
    # What the feed fetched before the newer ones came, and what it fetches after that.
    before = feed_ids(older)
    after = feed_ids(rows)
    assert len(set(after)) == len(after) == min(len(rows), FEED_ENTRIES)
    remaining = len(after) - (len(rows) - len(older))
    most_at_once = max(Counter(hours for hours, _ in closed).values())
    if remaining > 0 and most_at_once <= SPARE_ENTRIES:
        assert after[-remaining:] == before[:remaining]


def feed_ids(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of the entries of a feed, from all trades of the account."""
    fetched = rows[: FEED_ENTRIES + SPARE_ENTRIES]
    return entry_ids(fetched, "close_time", FEED_ID)[:FEED_ENTRIES]


@pytest.mark.parametrize(
    ("hide", "changes"), [([], {"profit": 6.0, "swaps": -1}), (["ticket"], {"ticket": 99999999})]
)
def test_an_id_depends_on_no_correction_and_on_no_hidden_ticket(
    hide: list[str], changes: dict[str, Any]
) -> None:
    trade = {
        "ticket": 48213377, "type": 0, "symbol": "EURUSD", "volume": 0.1, "digits": 5,
        "openPrice": 1.1, "closePrice": 1.2, "openTime": at(600), "closeTime": at(60),
        "sl": 0, "tp": 0, "swaps": 0, "profit": 5.0,
    }  # fmt: skip
    found = []
    with ExitStack() as stack:
        for row in (trade, {**trade, **changes}):
            service = running(stack, Script({"closed_trades": [row], "balance": {}}))
            slug = service.add(hide=hide)
            text = service.client.get(f"/w/{slug}/closed-trades.atom").text
            found += [entry["id"] for entry in entries(valid_feed(text))]
    assert len(found) == 2
    assert found[0] == found[1]
