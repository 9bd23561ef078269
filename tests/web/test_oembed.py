"""oEmbed: the URL of a widget is enough to embed it."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from accounts import SECRET, WIDGETS
from conftest import Service

from widget.widgets.options import Options

BASE = "https://widgets.example.com"
SERVER = {"public_url": BASE}
Serve = Callable[..., Service]


def get_oembed(service: Service, url: str, more: str = "") -> Any:
    """The response for a URL."""
    return service.get(f"/oembed?url={quote(url, safe='')}{more}")


def test_a_widgets_url_returns_figures_and_a_frame_of_the_exact_height(serve: Serve) -> None:
    service = serve(server=SERVER, accounts={"main": {"login": 1000001, "currency": "USD"}})
    response = get_oembed(service, f"{BASE}/w/main/balance?lang=en-GB")
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert (body["version"], body["type"], body["title"]) == ("1.0", "rich", "Balance")
    assert body["height"] == WIDGETS["balance"].pixels(Options())
    before, frame = body["html"].split("</blockquote>")
    assert before.startswith("<blockquote>")
    assert re.search(r"US\$[\d,]+\.\d\d", before)
    assert f'src="{BASE}/w/main/balance?lang=en-GB"' in frame
    assert f'height="{body["height"]}"' in frame
    assert body["thumbnail_url"].startswith(f"{BASE}/w/main/balance.png")


def test_the_quote_says_of_which_period_its_figure_is_and_does_not_end_with_a_colon(
    serve: Serve,
) -> None:
    accounts = {"main": {"login": 1000001, "hide": ["profit"]}}
    service = serve(server=SERVER, accounts=accounts)
    quotes = {
        name: re.sub("<.*?>", "", get_oembed(service, f"{BASE}/w/main/{name}").json()["html"])
        for name in ("lots", "breakdown", "open-trades")
    }
    assert re.fullmatch(r"Lots traded: Lots [\d.]+ · 30 days", quotes["lots"])
    assert quotes["breakdown"] == "Breakdown: 30 days"
    assert quotes["open-trades"] == "Open trades"


def test_xml_contains_the_same_data(serve: Serve) -> None:
    service = serve(server=SERVER, accounts={"main": {"login": 1000001, "currency": "USD"}})
    data = get_oembed(service, f"{BASE}/w/main/lots").json()
    response = get_oembed(service, f"{BASE}/w/main/lots", "&format=xml")
    assert response.headers["Content-Type"].startswith("text/xml")
    assert {child.tag: child.text for child in ET.fromstring(response.content)} == {
        k: str(v) for k, v in data.items()
    }


def test_both_limits_are_respected_with_fewer_rows_if_that_is_enough(serve: Serve) -> None:
    service = serve(server=SERVER)
    url = f"{BASE}/w/main/closed-trades?rows=50"
    body = get_oembed(service, url, "&maxwidth=300&maxheight=400").json()
    assert body["width"] == 300
    assert 400 - WIDGETS["closed-trades"].row_height < body["height"] <= 400
    rows = int(re.search(r"rows=(\d+)", body["html"])[1])  # type: ignore[index]
    assert WIDGETS["closed-trades"].pixels(Options(rows=rows)) == body["height"]
    assert get_oembed(service, url, "&maxheight=50").json()["height"] == 50


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/w/nobody/balance",
        f"{BASE}/w/main/nothing",
        f"{BASE}/w/main/logins",
        f"{BASE}/w/main/balance?rows=5",
        f"{BASE}/w/main/balance.json",
        f"{BASE}/embed.js",
        "https://elsewhere.example/w/main/balance",
        "http://widgets.example.com/w/main/balance",
        "https://widgets.example.com.evil.example/w/main/balance",
        "//[",
        "",
    ],
)
def test_other_urls_are_not_found(url: str, serve: Serve) -> None:
    assert get_oembed(serve(server=SERVER), url).status_code == 404


def test_unknown_formats_are_501_and_invalid_limits_400(serve: Serve) -> None:
    service = serve(server=SERVER)
    assert get_oembed(service, f"{BASE}/w/main/balance", "&format=yaml").status_code == 501
    assert get_oembed(service, f"{BASE}/w/main/balance", "&format=JSON").status_code == 200
    assert get_oembed(service, f"{BASE}/w/main/balance", "&maxwidth=-1").status_code == 400


@pytest.mark.parametrize(
    ("limits", "size"),
    [
        ("", (320, 160)),
        ("&maxwidth=300", (240, 60)),
        ("&maxheight=100", (240, 60)),
        ("&maxwidth=200", (None, None)),
    ],
)
def test_a_thumbnail_is_no_larger_than_the_limits(
    limits: str, size: tuple[int | None, ...], serve: Serve
) -> None:
    body = get_oembed(serve(server=SERVER), f"{BASE}/w/main/balance", limits).json()
    assert (body.get("thumbnail_width"), body.get("thumbnail_height")) == size
    assert ("thumbnail_url" in body) == (size[0] is not None)


def test_closed_accounts_and_tokens_are_401_and_contain_no_figure(serve: Serve) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(server=SERVER, accounts={"open": {"login": 1000001}, "closed": closed})
    for url in (
        f"{BASE}/w/closed/balance",
        f"{BASE}/w/closed/balance?token=x",
        f"{BASE}/w/open/balance?token=x",
    ):
        response = get_oembed(service, url)
        assert response.status_code == 401
        assert set(response.json()) == {"error"}


def test_every_public_page_links_to_its_oembed_response_and_a_private_one_does_not(
    serve: Serve,
) -> None:
    restricted = {"login": 1000001, "allowed_networks": ["127.0.0.0/8"]}
    service = serve(server=SERVER, accounts={"main": {"login": 1000001}, "restricted": restricted})
    page = service.get("/w/main/growth?period=7d").text
    link = re.search(r'type="application/json\+oembed"[^>]*href="([^"]+)"', page)
    assert link
    address = link[1].replace("&amp;", "&").removeprefix(BASE)
    assert "period=7d" in service.get(address).json()["html"]
    assert 'property="og:title"' in page
    assert "oembed" not in service.get("/w/restricted/growth").text


def test_the_frame_is_as_wide_as_its_page_unless_the_consumer_has_a_limit(serve: Serve) -> None:
    """Iframely takes two numbers for an aspect ratio, and 100% for a fixed height."""
    service = serve(server=SERVER)
    url = f"{BASE}/w/main/balance"
    assert ' width="100%" height="222"' in get_oembed(service, url).json()["html"]
    assert ' width="300" height="222"' in get_oembed(service, url, "&maxwidth=300").json()["html"]


@pytest.mark.parametrize("name", WIDGETS)
def test_every_open_widget_has_a_title_and_a_description_without_hidden_figures(
    name: str, serve: Serve
) -> None:
    """Discourse shows no preview without both, unless there is a picture."""
    account = {
        "login": 1000005,
        "widgets": list(WIDGETS),
        "partner_password": "partner-password",
        "currency": "USD",
    }
    hidden = {**account, "hide": ["profit", "gain", "lots", "total", "accounts", "progress"]}
    service = serve(accounts={"main": account, "hidden": hidden})
    pattern = '<meta (?:name|property)="(?:og:)?description" content="([^"]+)">'
    texts = re.findall(pattern, service.get(f"/w/main/{name}").text)
    assert len(texts) == 2
    assert texts[0] == texts[1]
    assert "og:title" in service.get(f"/w/main/{name}").text
    hiding = re.findall(pattern, service.get(f"/w/hidden/{name}").text)
    assert hiding[0].startswith(WIDGETS[name].label)
