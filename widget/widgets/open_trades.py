"""Positions and pending orders."""

from widget.data import totals
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data, Row
from widget.widgets.base import (
    Column,
    Csv,
    Figure,
    Table,
    Widget,
    ngettext_noop,
    page_numbers,
    rows_of_page,
    trade_fields,
)
from widget.widgets.options import Options

POSITIONS = ngettext_noop("%(count)s position", "%(count)s positions")


def is_pending(trade: Row) -> bool:
    """Whether a row is an order that waits for its price: it is not part of the totals."""
    return trade["kind"] in ("limit", "stop")


TRADES = Table(
    rows="trades",
    fields=trade_fields("current_price"),
    columns=(
        Column("symbol", N_("Symbol"), "symbol", below=("side", "volume")),
        Column("side", N_("Side"), "side", priority=2),
        Column("volume", N_("Lots"), "lots", priority=2, total="volume"),
        Column("open_time", N_("Opened"), "time", priority=5),
        Column("open_price", N_("Open"), "price", priority=4),
        Column("current_price", N_("Current"), "price", priority=1),
        Column("stop_loss", N_("S/L"), "price", priority=6),
        Column("take_profit", N_("T/P"), "price", priority=6),
        Column("ticket", N_("Ticket"), "id", priority=7),
        Column(
            "swap",
            N_("Swap"),
            "signed",
            priority=4,
            total="swap",
            replaces="profit",
            active_only=True,
        ),
        Column(
            "commission",
            N_("Commission"),
            "signed",
            priority=7,
            total="commission",
            if_known=True,
            active_only=True,
        ),
        Column("profit", N_("Profit"), "result", total="profit", active_only=True),
    ),
    empty=N_("No open trades"),
    key="ticket",
    totals="totals",
    summed=POSITIONS,
    inactive=is_pending,
    left_out=ngettext_noop("%(count)s pending order", "%(count)s pending orders"),
)
SYMBOLS = Table(
    rows="symbols",
    fields=(
        "symbol",
        "orders",
        "buy_volume",
        "sell_volume",
        "buy_price",
        "sell_price",
        "swap",
        "commission",
        "profit",
    ),
    columns=(
        Column("symbol", N_("Symbol"), "symbol"),
        Column("orders", N_("Trades"), "count", priority=2, total="count"),
        Column("buy_volume", N_("Bought"), "lots_if_any", priority=3),
        Column("buy_price", N_("Average"), "price", priority=4),
        Column("sell_volume", N_("Sold"), "lots_if_any", priority=3),
        Column("sell_price", N_("Average"), "price", priority=4),
        Column("swap", N_("Swap"), "signed", priority=4, total="swap", replaces="profit"),
        Column(
            "commission",
            N_("Commission"),
            "signed",
            priority=5,
            total="commission",
            if_known=True,
        ),
        Column("profit", N_("Profit"), "result", total="profit"),
    ),
    empty=N_("No open trades"),
    key="symbol",
    totals="totals",
    summed=POSITIONS,
)


def fetch(source: Source, options: Options) -> Data:
    """Open trades, or one row per symbol, with totals of the positions."""
    trades = source.open_trades()
    # Totals of all positions, however many rows are displayed.
    sums = totals.position_totals(trades)
    if options.group == "symbol":
        symbols = totals.group_by_symbol(trades)
        return {
            "symbols": rows_of_page(symbols, options),
            "totals": sums,
            **page_numbers(len(symbols), options),
        }
    return {
        "trades": TRADES.rows_of(rows_of_page(trades, options)),
        "totals": sums,
        **page_numbers(len(trades), options),
    }


WIDGET = Widget(
    name="open-trades",
    label=N_("Open trades"),
    functions=("open_trades",),
    fetch=fetch,
    body=(TRADES, SYMBOLS),
    height=174,
    row_height=36,
    options=frozenset({"rows", "page", "group"}),
    summary=Figure("profit", N_("Profit"), "result", within="totals"),
    csv=(Csv(TRADES.rows, TRADES.row_names), Csv(SYMBOLS.rows, SYMBOLS.row_names)),
    shows_currency=True,
    place=60,
    is_wide=True,
)
