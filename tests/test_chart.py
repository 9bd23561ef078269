"""Geometry of charts, and colours that can be read."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget import chart, colour

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")
COLOURS = st.integers(0, 0xFFFFFF).map("{:06x}".format)


def numbers(path: str) -> list[float]:
    """The coordinates of a path."""
    return [float(n) for n in re.findall(r"-?[\d.]+", path)]


def draw(gains: list[Decimal]) -> dict[str, object]:
    """A curve with a point an hour."""
    points = [(START + timedelta(hours=k), gain) for k, gain in enumerate(gains)]
    drawn = chart.curve(points, str, lambda day: day.isoformat())
    assert drawn is not None
    return drawn


@given(st.lists(st.decimals(-1, 50, places=4), min_size=1, max_size=400))
def test_a_curve_stays_in_its_box_whatever_it_shows(gains: list[Decimal]) -> None:
    drawn = draw(gains)
    for name in ("path", "area", "drawdown"):
        coordinates = numbers(str(drawn[name]))
        assert all(0 <= x <= chart.WIDTH for x in coordinates[::2]), name
        assert all(0 <= y <= chart.HEIGHT for y in coordinates[1::2]), name
    points = drawn["points"]
    assert isinstance(points, list)
    assert len(points) == len(gains)


def test_a_higher_gain_stands_higher_and_zero_is_where_it_is_said_to_be() -> None:
    drawn = draw([Decimal(0), Decimal("0.1"), Decimal("-0.1")])
    points = drawn["points"]
    assert isinstance(points, list)
    start, up, down = (point["y"] for point in points)
    assert up < start < down
    assert start == drawn["zero"]
    assert (up, down) == (0, chart.HEIGHT)


def test_the_drawdown_shade_hangs_from_the_peaks() -> None:
    drawn = draw([Decimal(0), Decimal("0.1"), Decimal("0.05"), Decimal("0.1")])
    ys = numbers(str(drawn["drawdown"]))[1::2]
    line, ceiling = ys[:4], ys[4:][::-1]
    assert [a - b for a, b in zip(line, ceiling, strict=True)] == [0, 0, chart.HEIGHT / 2, 0]


def test_the_drawdown_shade_ends_where_the_curve_is_back_at_its_peak() -> None:
    drawn = draw([Decimal(0), Decimal("0.1"), Decimal(0), Decimal("0.2")])
    shade = numbers(str(drawn["drawdown"]))
    ceiling = list(zip(shade[8::2], shade[9::2], strict=True))[::-1]
    xs, ys = zip(*ceiling, strict=True)
    assert ys == (chart.HEIGHT, *(chart.HEIGHT / 2,) * 3, 0)
    assert [round(6 * x / chart.WIDTH, 2) for x in xs] == [0, 2, 4, 5, 6]


def test_one_point_and_none_are_drawn_too() -> None:
    assert draw([Decimal(0)])["x_ticks"] == [{"x": chart.WIDTH / 2, "label": START.isoformat()}]
    assert chart.curve([], str, str) is None
    assert chart.bars([], None, None, ZONE, str, str) is None


@given(st.floats(-1e6, 0), st.floats(1e-2, 1e6))
def test_ticks_are_round_even_and_inside_and_zero_is_one_of_them(low: float, high: float) -> None:
    marks = chart.ticks(low, high)
    slack = (high - low) * 1e-6
    assert 2 <= len(marks) <= 6
    assert min(abs(mark) for mark in marks) < slack
    assert all(low - slack <= mark <= high + slack for mark in marks)
    steps = [b - a for a, b in pairwise(marks)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)


DAYS = st.dictionaries(
    st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.decimals(0, 100, places=2), min_size=1, max_size=50
)


@given(DAYS)
def test_bars_add_up_stay_in_their_box_and_are_never_too_many(days: dict[date, Decimal]) -> None:
    drawn = chart.bars(sorted(days.items()), None, None, ZONE, str, date.isoformat)
    assert drawn is not None
    bars = drawn["bars"]
    assert len(bars) <= chart.MAX_BARS
    assert sum(Decimal(bar["value"]) for bar in bars) == sum(days.values())
    for bar in bars:
        assert 0 <= bar["x"] <= bar["x"] + bar["width"] <= chart.WIDTH
        assert 0 <= bar["y"] <= bar["y"] + bar["height"] <= chart.HEIGHT + 0.1


def test_the_axis_of_bars_covers_the_whole_period_by_days_of_the_zone() -> None:
    end = datetime(2026, 11, 10, 23, tzinfo=UTC)  # midnight in Paris: the day before is the last
    drawn = chart.bars(
        [(date(2026, 11, 5), Decimal(1))], datetime(2026, 10, 31, 23, tzinfo=UTC), end, ZONE, str, date.isoformat
    )
    assert drawn is not None
    assert [bar["day"] for bar in drawn["bars"]] == [f"2026-11-{day:02}" for day in range(1, 11)]


@given(COLOURS)
def test_an_accent_can_be_read_on_light_and_on_dark(accent: str) -> None:
    for ground in (colour.LIGHT_GROUND, colour.DARK_GROUND):
        assert colour.contrast(colour.readable(accent, ground), ground) >= colour.MIN_CONTRAST


def test_an_accent_that_can_be_read_stays_as_it_is() -> None:
    assert colour.readable("1a5fb4", colour.LIGHT_GROUND) == "1a5fb4"
    assert colour.readable("ffff00", colour.DARK_GROUND) == "ffff00"


def test_contrast_is_wcags() -> None:
    assert colour.contrast("000000", "ffffff") == pytest.approx(21)
    assert colour.contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)
