"""Geometry of charts, and accent colours with enough contrast."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widget.render import chart, colour
from widget.render.chart import CurveChart, Labels, Tick
from widget.render.format import Naming, formatter

START = datetime(2026, 1, 1, tzinfo=UTC)
COLOURS = st.integers(0, 0xFFFFFF).map("{:06x}".format)


def names(first: date, last: date) -> Naming:
    """Name days in ISO format."""
    return (lambda day: day.isoformat(),) * 2


def numbers(path: str) -> list[float]:
    """The coordinates of a path."""
    return [float(n) for n in re.findall(r"-?[\d.]+", path)]


def span(first: date, last: date) -> str:
    """Name several days by the first and the last."""
    return f"{first}/{last}"


LABELS = Labels(
    value=str,
    tick=lambda mark, step: str(mark),
    names=names,
    span=span,
    exact=datetime.isoformat,
    drawdown=str,
)


def draw(gains: list[Decimal]) -> CurveChart:
    """A curve with a point every hour."""
    points = [(START + timedelta(hours=k), gain) for k, gain in enumerate(gains)]
    drawn = chart.curve(points, LABELS)
    assert drawn is not None
    return drawn


@given(st.lists(st.decimals(-1, 50, places=4), min_size=1, max_size=400))
def test_a_curve_stays_in_its_box_for_any_values(gains: list[Decimal]) -> None:
    drawn = draw(gains)
    for name in ("path", "area", "drawdown"):
        coordinates = numbers(getattr(drawn, name))
        assert all(0 <= x <= chart.WIDTH for x in coordinates[::2]), name
        assert all(0 <= y <= chart.HEIGHT for y in coordinates[1::2]), name
    assert len(drawn.spots) == len(gains)


def test_a_higher_gain_is_drawn_higher_and_the_zero_line_is_at_zero() -> None:
    drawn = draw([Decimal(0), Decimal("0.1"), Decimal("-0.1")])
    start, up, down = (y for _, y in drawn.spots)
    assert up < start < down
    assert start == drawn.zero
    assert (up, down) == (0, chart.HEIGHT)


def ceiling_of(*gains: str) -> list[tuple[float, float]]:
    """The upper edge of the drawdown area, in hours and shares of the height, oldest first."""
    drawn = draw([Decimal(gain) for gain in gains])
    hour = chart.WIDTH / (len(gains) - 1)
    # The path goes along the line first, and then back along the ceiling.
    coordinates = numbers(drawn.drawdown)[2 * len(gains) :]
    spots = zip(coordinates[::2], coordinates[1::2], strict=True)
    return [(round(x / hour, 2), y / chart.HEIGHT) for x, y in spots][::-1]


def test_the_drawdown_area_begins_at_the_peaks_and_is_level_after_them() -> None:
    assert ceiling_of("0", "0.1", "0.05", "0.1") == [(0, 1), (1, 0), (3, 0)]
    assert ceiling_of("0.1", "0.05", "0", "0.02") == [(0, 0), (3, 0)]


def test_the_drawdown_area_ends_where_the_curve_reaches_its_peak_again() -> None:
    assert ceiling_of("0", "0.1", "0", "0.2") == [(0, 1), (1, 0.5), (2.5, 0.5), (3, 0)]


def test_one_point_is_drawn_and_no_points_are_no_chart() -> None:
    assert draw([Decimal(0)]).x_ticks == [Tick(chart.WIDTH / 2, START.isoformat())]
    assert chart.curve([], LABELS) is None
    assert chart.bars([], None, None, LABELS) is None


@example(-501001.0, 500001.0)
@given(st.floats(-1e6, 0), st.floats(1e-2, 1e6))
def test_labels_are_even_and_one_is_zero_and_one_at_the_end_with_the_larger_values(
    low: float, high: float
) -> None:
    scale = chart.round_scale(low, high)
    labels = replace(LABELS, tick=lambda mark, step: f"{mark} {step}")
    ticks = scale.ticks(labels)
    marks = [float(tick.label.split()[0]) for tick in ticks]
    assert 3 <= len(marks) <= 7
    assert 0 in marks
    assert all(0 <= tick.at <= chart.HEIGHT for tick in ticks)
    steps = [b - a for a, b in pairwise(marks)]
    assert all(step == pytest.approx(scale.step, rel=1e-3) for step in steps)
    end = 0 if high >= -low else chart.HEIGHT
    assert end in [tick.at for tick in ticks]
    # Nothing is cut off, and at most a third of the chart is empty.
    slack = (high - low) * 1e-6
    assert scale.low <= low + slack
    assert scale.high >= high - slack
    assert high - low >= (scale.high - scale.low) * 0.6


def test_a_small_loss_below_large_gains_does_not_leave_much_of_the_chart_empty() -> None:
    drawn = draw([Decimal(0), Decimal("-0.04"), Decimal("9.7")])
    assert [tick.label for tick in drawn.y_ticks] == ["0.0", "2.5", "5.0", "7.5", "10.0"]
    assert drawn.y_ticks[-1].at == 0
    assert drawn.zero > chart.HEIGHT * 0.95


def test_the_steps_of_an_axis_are_not_smaller_than_the_precision_of_gains() -> None:
    assert axis(30, ("0", "0.0001"))[1] == ["0.00%", "0.01%", "0.02%", "0.03%", "0.04%"]


def test_a_drawdown_is_written_like_the_maximum_of_it() -> None:
    gains = [Decimal(0), Decimal("0.25"), Decimal(0)]
    points = chart.named_points(draw(gains), LABELS)
    assert [Decimal(point.drawdown) for point in points] == [0, 0, Decimal("0.2")]


DAYS = st.dictionaries(
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    st.decimals(0, 100, places=2),
    min_size=1,
    max_size=50,
)


@given(DAYS)
def test_bars_add_up_stay_in_their_box_and_are_never_too_many(days: dict[date, Decimal]) -> None:
    drawn = chart.bars(sorted(days.items()), None, None, LABELS)
    assert drawn is not None
    bars = drawn.bars
    assert len(bars) <= chart.MAX_BARS
    assert sum(Decimal(bar.value) for bar in bars) == sum(days.values())
    for bar in bars:
        assert 0 <= bar.x <= bar.x + bar.width <= chart.WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= chart.HEIGHT + 0.1


def test_the_axis_of_bars_covers_the_whole_period() -> None:
    days = [(date(2026, 11, 5), Decimal(1))]
    drawn = chart.bars(days, date(2026, 11, 1), date(2026, 11, 10), LABELS)
    assert drawn is not None
    assert [bar.day for bar in drawn.bars] == [f"2026-11-{day:02}" for day in range(1, 11)]


def axis(days: float, gains: tuple[str, ...] = ("0", "0.1", "0.12")) -> tuple[list[str], list[str]]:
    """The labels of the x and y axes of a curve over so many days, in English."""
    fmt = formatter("en", ZoneInfo("UTC"), None)
    points = [
        (START + timedelta(days=days * k / (len(gains) - 1)), Decimal(gain))
        for k, gain in enumerate(gains)
    ]
    labels = Labels(
        value=fmt.signed_percent,
        tick=fmt.percent_on_axis,
        names=fmt.instants,
        span=fmt.span,
        exact=fmt.datetime,
        drawdown=fmt.percent,
    )
    drawn = chart.curve(points, labels)
    assert drawn is not None
    below = [tick.label for tick in drawn.x_ticks]
    beside = [tick.label for tick in drawn.y_ticks]
    return below, beside


def test_the_days_of_an_axis_differ_and_have_a_year_where_they_need_one() -> None:
    assert axis(0.75)[0] == ["00:00", "06:00", "12:00", "18:00"]
    assert axis(1.5)[0] == ["1 Jan", "2 Jan"]
    assert axis(30)[0] == ["1 Jan", "11 Jan", "21 Jan", "31 Jan"]
    assert axis(366)[0] == ["Jan 2026", "May 2026", "Sept 2026", "Jan 2027"]


def test_the_labels_of_an_axis_have_the_same_number_of_decimals_and_no_more_than_needed() -> None:
    assert axis(30)[1] == ["0%", "5%", "10%", "15%"]
    assert axis(30, ("0", "-0.0097"))[1] == [
        "\N{MINUS SIGN}1.00%",
        "\N{MINUS SIGN}0.75%",
        "\N{MINUS SIGN}0.50%",
        "\N{MINUS SIGN}0.25%",
        "0.00%",
    ]
    fmt = formatter("en", ZoneInfo("UTC"), "USD")
    assert [
        fmt.lots_on_axis(Decimal(x), Decimal(step)) for x, step in (("2", "1"), ("2", "0.5"))
    ] == ["2", "2.00"]
    assert [
        fmt.amount_on_axis(Decimal(x), Decimal(step))
        for x, step in (("2000", "1E+3"), ("5", "2.5"))
    ] == [
        "2,000",
        "5.00",
    ]


@given(COLOURS)
def test_an_accent_has_enough_contrast_on_light_and_on_dark(accent: str) -> None:
    for ground in (colour.LIGHT_GROUND, colour.DARK_GROUND):
        assert colour.contrast(colour.readable(accent, ground), ground) >= colour.MIN_CONTRAST


def test_an_accent_with_enough_contrast_is_unchanged() -> None:
    assert colour.readable("1a5fb4", colour.LIGHT_GROUND) == "1a5fb4"
    assert colour.readable("ffff00", colour.DARK_GROUND) == "ffff00"


def test_contrast_is_calculated_as_wcag_defines_it() -> None:
    assert colour.contrast("000000", "ffffff") == pytest.approx(21)
    assert colour.contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)
