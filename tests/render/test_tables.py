"""Tables as HTML: what is escaped, hidden and moved."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from accounts import WIDGETS
from examples import EXAMPLES

from widget import config, paths, privacy
from widget.render import i18n
from widget.render.display import Display, build_display
from widget.render.tables import TableHtml, build_table
from widget.render.view import View
from widget.widgets.base import Table
from widget.widgets.options import Options

CATALOGUES = i18n.load_catalogues(paths.locales())
TRADE = EXAMPLES["closed-trades"]["trades"][0]


def display(name: str, hide: Iterable[str] = (), lang: str = "en", **data: Any) -> Display:
    """The example of a widget with some other data."""
    tables = {"accounts": {"main": {"login": 1, "hide": list(hide), "lang": lang}}}
    hidden = privacy.expand_hidden(hide)
    view = View(
        account=config.parse(tables, {}, WIDGETS, folder=Path(), demo=True).accounts["main"],
        widget=WIDGETS[name],
        options=Options(),
        data=privacy.hide({**EXAMPLES[name], **data}, hidden),
        hidden=hidden,
        currency="USD",
        as_of=datetime(2026, 11, 23, 12, tzinfo=UTC),
        now=datetime(2026, 11, 23, 12, 36, tzinfo=UTC),
        stale=False,
        fresh_for_seconds=60,
        usable_for_seconds=120,
    )
    return build_display(view, CATALOGUES)


def table(name: str, **more: Any) -> TableHtml:
    """The first table of a widget."""
    declared = next(block for block in WIDGETS[name].body if isinstance(block, Table))
    return build_table(declared, display(name, **more))


def rows(name: str, **more: Any) -> list[str]:
    """The rows of the first table of a widget."""
    return re.findall("<tr.*?</tr>", table(name, **more).rows)


def text_of(html: str) -> str:
    """The text of some HTML."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def headings(built: TableHtml) -> list[str]:
    """The headings of a table."""
    return [heading.label for heading in built.headings]


def test_names_are_escaped_and_figures_are_formatted() -> None:
    row = {**TRADE, "symbol": "<b>&", "profit": Decimal("1234.5")}
    [html] = rows("closed-trades", trades=[row])
    assert "<bdi>&lt;b&gt;&amp;</bdi>" in html
    assert "<bdi>+1,234.50</bdi>" in html


def test_a_missing_figure_is_a_dash() -> None:
    row = {**TRADE, "stop_loss": None, "swap": None, "profit": None}
    [html] = rows("closed-trades", trades=[row])
    assert html.count("<bdi>–</bdi>") == 2
    assert "up" not in html


def test_a_profit_and_a_loss_have_an_arrow_a_word_and_a_class() -> None:
    trades = [{**TRADE, "profit": Decimal(profit)} for profit in ("2", "-2", "0")]
    profit, loss, nothing = rows("closed-trades", trades=trades, lang="de")
    assert re.search('<td class="up"><i[^>]*>▲</i><span class="vh">Gewinn </span>', profit)
    assert re.search('<td class="down"><i[^>]*>▼</i><span class="vh">Verlust </span>', loss)
    assert "<td><bdi>0,00</bdi>" in nothing


def test_a_hidden_column_is_in_neither_heading_row_nor_totals() -> None:
    everything = table("closed-trades")
    partly = table("closed-trades", hide=["swap"])
    assert "Swap" in headings(everything)
    assert headings(partly) == [label for label in headings(everything) if label != "Swap"]
    for built in (everything, partly):
        assert built.totals
        for row in re.findall("<tr.*?</tr>", built.rows + built.totals):
            assert len(re.findall("<(?:td|th)[ >]", row)) == len(built.headings)


def test_the_first_visible_column_says_that_the_last_row_is_a_total() -> None:
    totals = table("closed-trades").totals
    label = "<span>Total of 1 trade</span>"
    assert str(totals).startswith(f'<tr><th scope="row" class="l">{label}</th>')
    without_symbol = table("closed-trades", hide=["symbol"]).totals
    assert str(without_symbol).startswith(f'<tr><td class="a l">{label}</td>')


def test_a_column_becomes_more_important_if_the_one_it_replaces_is_hidden() -> None:
    def classes(built: TableHtml) -> str:
        return next(heading.classes for heading in built.headings if heading.label == "Closed")

    assert classes(table("closed-trades")) == "b l"
    assert classes(table("closed-trades", hide=["profit"])) == "z l"


def test_what_has_no_room_stands_below_another_column_unless_it_is_hidden() -> None:
    [row] = rows("closed-trades")
    assert "<small>Sell 0.05</small>" in row
    assert '<small class="when"><bdi>19 Nov 2026, 13:40</bdi></small>' in row
    [row] = rows("closed-trades", hide=["side", "close_time"])
    assert "<small>0.05</small>" in row
    assert "when" not in row
    [row] = rows("closed-trades", hide=["side", "volume", "close_time"])
    assert "<small" not in row


def test_rows_with_bars_share_the_height_of_those_that_are_missing() -> None:
    group = EXAMPLES["breakdown"]["groups"][0]

    def heights(count: int) -> set[str]:
        built = table("breakdown", groups=[group] * count)
        return set(re.findall('<tr height="(.*?)"', built.rows))

    # Ten rows and one for all others, 36 pixels each.
    assert heights(1) == {"396"}
    assert heights(7) == {"56"}
    assert heights(11) == set()
    assert heights(24) == set()
    assert "height" not in table("operations").rows


def test_a_pending_order_has_a_class_and_neither_swap_nor_profit() -> None:
    position, order = rows("open-trades")
    assert "order" not in position
    assert order.startswith('<tr class="order" data-key="48213401">')
    assert "Sell limit" in order
    assert text_of(order).endswith("– –")


@pytest.mark.parametrize("hide", [["ticket"], []])
def test_a_row_is_identified_by_its_key_unless_that_is_hidden(hide: list[str]) -> None:
    [row] = rows("closed-trades", hide=hide)
    assert ("data-key" in row) == (hide == [])
    assert ("48210021" in row) == (hide == [])


def test_counts_have_the_plural_form_of_their_number() -> None:
    counts = table("closed-trades").counts
    assert counts
    assert [(count.text, count.sign) for count in counts] == [
        ("1 trade", 0),
        ("1 won", 1),
        ("0 lost", 0),
    ]
    assert table("open-trades").counts is None


def test_a_heading_column_that_is_always_displayed_is_a_dash_if_it_is_hidden() -> None:
    [row] = rows("logins", hide=["time"])
    assert row.startswith('<tr><th scope="row" class="l"><time datetime=""><bdi>–</bdi></time>')
    assert "203.0.113.0/24" in row
