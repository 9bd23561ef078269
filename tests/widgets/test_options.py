"""Options and periods."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from accounts import WIDGETS
from hypothesis import given
from hypothesis import strategies as st

from widget.errors import BadOption
from widget.widgets.base import Widget
from widget.widgets.options import Options, Period, parse_options

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRADES = WIDGETS["closed-trades"]


def rejected_option(widget: Widget, *given: tuple[str, str]) -> str:
    """The option that the error names."""
    with pytest.raises(BadOption) as caught:
        parse_options(widget, given)
    return caught.value.option


def test_every_option_has_a_default() -> None:
    assert parse_options(TRADES, []) == Options()


def test_options_are_read() -> None:
    options = parse_options(
        TRADES,
        [
            ("theme", "dark"),
            ("accent", "FF8800"),
            ("lang", "pt-BR"),
            ("tz", "Asia/Tokyo"),
            ("title", "0"),
            ("refresh", "30"),
            ("rows", "25"),
            ("period", "7d"),
        ],
    )
    assert options == Options(
        theme="dark",
        accent="ff8800",
        lang="pt-BR",
        tz=ZoneInfo("Asia/Tokyo"),
        title=False,
        refresh=30,
        rows=25,
        period=Period("7d"),
    )


def test_a_language_may_be_written_with_underscores() -> None:
    assert parse_options(TRADES, [("lang", "pt_BR")]).lang == "pt-BR"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "blue"),
        ("accent", "red"),
        ("accent", "12345"),
        ("accent", "12345g"),
        ("lang", "en_US_"),
        ("lang", "x"),
        ("lang", "<b>"),
        ("lang", ""),
        ("tz", "Mars/Olympus"),
        ("tz", "../etc/passwd"),
        ("title", "yes"),
        ("refresh", "9"),
        ("refresh", "1e3"),
        ("rows", "0"),
        ("rows", "101"),
        ("rows", "-1"),
        ("rows", "٣"),
        ("rows", " 5"),
        ("period", "8d"),
        ("from", "2026-02-30"),
        ("from", "yesterday"),
        ("to", "20261121"),
        ("to", "1969-12-31"),
        ("to", "9999-12-31"),
        ("month", "2026-11"),
        ("colour", "red"),
        ("group", "symbol"),
    ],
)
def test_a_malformed_out_of_range_or_unknown_option_is_named(name: str, value: str) -> None:
    assert rejected_option(TRADES, (name, value)) == name


def test_a_repeated_option_is_named_even_if_both_values_are_equal() -> None:
    assert rejected_option(TRADES, ("rows", "5"), ("rows", "5")) == "rows"


def test_a_period_and_dates_exclude_each_other() -> None:
    assert rejected_option(TRADES, ("period", "7d"), ("from", "2026-11-01")) == "period"
    assert rejected_option(TRADES, ("from", "2026-11-02"), ("to", "2026-11-01")) == "from"


def test_the_url_cannot_change_an_option_that_a_token_locks() -> None:
    assert parse_options(TRADES, [("theme", "dark")], {"rows": 5, "lang": "fr"}).rows == 5
    assert parse_options(TRADES, [("rows", "5")], {"rows": 5}).rows == 5
    with pytest.raises(BadOption, match="rows: is locked"):
        parse_options(TRADES, [("rows", "6")], {"rows": 5})


@pytest.mark.parametrize("value", [True, None, ["fr"], {"a": 1}, 5.5, "six", 0])
def test_locked_options_are_validated_like_all_others(value: object) -> None:
    with pytest.raises(BadOption, match="rows"):
        parse_options(TRADES, [], {"rows": value})


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_is_parsed_or_rejected_and_markup_is_not_echoed(name: str, value: str) -> None:
    for widget in WIDGETS.values():
        try:
            parse_options(widget, [(name, value)])
        except BadOption as error:
            assert not set(str(error)) & set("<>&\"'\x00\n")


def test_days_back_begin_at_midnight_of_the_zone_and_end_now() -> None:
    start, end = Period("7d").bounds(NOW, PARIS)
    assert start == datetime(2026, 11, 15, 23, tzinfo=UTC)
    assert end is None, "the broker's clock may be ahead"


def test_today_is_today_in_the_zone() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert Period("today").bounds(late, PARIS)[0] == datetime(2026, 11, 23, 23, tzinfo=UTC)


def test_month_and_year_begin_on_their_first_day() -> None:
    assert Period("month").bounds(NOW, PARIS)[0] == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert Period("year").bounds(NOW, PARIS)[0] == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_all_has_no_beginning() -> None:
    assert Period("all").bounds(NOW, PARIS) == (None, None)


def test_dates_begin_with_1970_as_months_do() -> None:
    options = parse_options(TRADES, [("from", "1970-01-01"), ("to", "1970-01-01")])
    start, end = options.period.bounds(NOW, PARIS)
    assert start == datetime(1969, 12, 31, 23, tzinfo=UTC)
    assert end == datetime(1970, 1, 1, 23, tzinfo=UTC)
    for name, text in (("from", "1969-12-31"), ("to", "3000-01-01")):
        with pytest.raises(BadOption, match="must be a date from 1970-01-01 to 2999-12-31"):
            parse_options(TRADES, [(name, text)])


def test_dates_are_whole_days_and_inclusive_across_a_change_of_clocks() -> None:
    start, end = Period("all", date(2026, 10, 24), date(2026, 10, 25)).bounds(NOW, PARIS)
    assert start == datetime(2026, 10, 23, 22, tzinfo=UTC)
    assert end == datetime(2026, 10, 25, 23, tzinfo=UTC)  # the night of 25 October has an hour more


@given(st.dates(date(1970, 1, 1), date(2999, 12, 31)), st.integers(0, 400))
def test_a_period_of_dates_never_ends_before_it_begins(first: date, days: int) -> None:
    last = min(date(2999, 12, 31), date.fromordinal(first.toordinal() + days))
    start, end = Period("all", first, last).bounds(NOW, ZoneInfo("America/Sao_Paulo"))
    assert start is not None
    assert end is not None
    assert start < end


def test_the_height_follows_from_rows_and_heading() -> None:
    assert (
        TRADES.pixels(Options(rows=20)) - TRADES.pixels(Options(rows=10)) == 10 * TRADES.row_height
    )
    assert TRADES.pixels(Options()) - TRADES.pixels(Options(title=False)) == 40
