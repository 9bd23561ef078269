"""Geometry of the charts: from figures to coordinates, without any I/O.

Pages and pictures draw what is calculated here, in a box of ``WIDTH`` by ``HEIGHT``. The y axis
points down, as in SVG.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from widget.render.format import Naming

WIDTH: Final = 640
HEIGHT: Final = 160
MAX_BARS: Final = 60
MAX_BAR_WIDTH: Final = 64
"""So that a single bar does not look like a wall."""
BAR_SHARE: Final = 0.7
"""The share of its day that a bar fills; the rest is the gap to the next one."""
ROUND_STEPS: Final = (1, 2, 2.5, 5, 10)
MIN_SPAN: Final = 1e-9
"""Values that are closer together are a straight line."""

Spot = tuple[float, float]
"""Coordinates x and y."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How a chart writes its texts.

    Attributes:
        value: writes a figure.
        tick: writes a figure on the axis, given the step between two of them.
        names: how instants or days between a first and a last one are named.
        span: names several days by the first and the last of them.
    """

    value: Callable[[Decimal], str]
    tick: Callable[[Decimal, Decimal], str]
    names: Callable[[Any, Any], Naming]
    span: Callable[[date, date], str]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis, and its coordinate."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve, with its texts."""

    x: float
    y: float
    day: str
    value: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, with its texts."""

    x: float
    y: float
    width: float
    height: float
    day: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What all charts have.

    Attributes:
        zero: the y coordinate of zero.
        y_ticks: labels beside the chart, by their y coordinates.
        x_ticks: labels below the chart, by their x coordinates.
    """

    zero: float
    y_ticks: list[Tick]
    x_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveChart(Chart):
    """A curve.

    Attributes:
        path: its line, as an SVG path.
        area: the area between the line and zero.
        drawdown: the area between the line and the peaks before it.
        points: its points, oldest first.
    """

    path: str
    area: str
    drawdown: str
    points: list[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart(Chart):
    """Bars, oldest first."""

    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Scale:
    """Converts values between a lowest and a highest one to y coordinates."""

    low: float
    high: float

    def y(self, value: float) -> float:
        """The y coordinate of a value."""
        return round((self.high - value) / (self.high - self.low) * HEIGHT, 1)

    def ticks(self, labels: Labels) -> list[Tick]:
        """Labels at round values."""
        marks = [Decimal(str(round(mark, 6))) for mark in ticks(self.low, self.high)]
        step = marks[0]  # a single mark is written with all of its decimals
        if len(marks) > 1:
            step = marks[1] - marks[0]
        return [Tick(self.y(float(mark)), labels.tick(mark, step)) for mark in marks]


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round values, evenly spaced over a range.

    Their distance is 1, 2, 2.5 or 5 times a power of ten.
    """
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    # The tolerances absorb binary rounding: 0.3 / 0.1 is slightly less than 3.
    step = next(power * factor for factor in ROUND_STEPS if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def curve(points: Sequence[tuple[datetime, Decimal]], labels: Labels) -> CurveChart | None:
    """A growth curve with the area of its drawdown.

    Args:
        points: instants and fractions, oldest first.
        labels: how it writes its texts.

    Returns:
        Its geometry; None without points.
    """
    if not points:
        return None
    first = points[0][0]
    last = points[-1][0]
    values = [float(gain) for _, gain in points]
    scale = curve_scale(values)
    spots = [
        (time_x(moment, first, last), scale.y(value))
        for (moment, _), value in zip(points, values, strict=True)
    ]
    name, name_tick = labels.names(first, last)
    line = path_of(spots)
    ceiling = path_of(reversed_ceiling(spots))
    zero = scale.y(0)
    return CurveChart(
        zero=zero,
        y_ticks=scale.ticks(labels),
        x_ticks=without_repeats(
            [
                Tick(time_x(moment, first, last), name_tick(moment))
                for moment in axis_moments(first, last)
            ]
        ),
        path=f"M{line}",
        area=f"M{spots[0][0]:g} {zero:g}L{line}L{spots[-1][0]:g} {zero:g}Z",
        drawdown=f"M{line}L{ceiling}Z",
        points=[
            Point(x, y, name(moment), labels.value(gain))
            for (x, y), (moment, gain) in zip(spots, points, strict=True)
        ],
    )


def curve_scale(values: Sequence[float]) -> Scale:
    """The scale of a curve; it contains zero."""
    low = min(0.0, *values)
    high = max(0.0, *values)
    if high - low < MIN_SPAN:
        high = low + 0.01
    return Scale(low, high)


def time_x(moment: datetime, first: datetime, last: datetime) -> float:
    """The x coordinate of an instant; a single instant stands in the middle."""
    if last <= first:
        return WIDTH / 2
    return round((moment - first) / (last - first) * WIDTH, 1)


def axis_moments(first: datetime, last: datetime) -> list[datetime]:
    """The instants that are named on the x axis."""
    if last <= first:
        return [first]
    return [first + (last - first) * third / 3 for third in range(4)]


def without_repeats(marks: Sequence[Tick]) -> list[Tick]:
    """The marks without those that would repeat the label of the mark before or of the last one."""
    found = list(marks[:1])
    for mark in marks[1:]:
        repeats_last = mark != marks[-1] and mark.label == marks[-1].label
        if mark.label != found[-1].label and not repeats_last:
            found.append(mark)
    return found


def path_of(spots: Sequence[Spot]) -> str:
    """The coordinates of a line, for an SVG path."""
    return "L".join(f"{x:g} {y:g}" for x, y in spots)


def reversed_ceiling(spots: Sequence[Spot]) -> list[Spot]:
    """The upper edge of the drawdown area, from right to left.

    It is level from each peak to where the curve reaches that height again.
    """
    peak = spots[0][1]
    found = [spots[0]]
    for (x0, y0), (x1, y1) in pairwise(spots):
        if y1 < peak < y0:
            crossing = x0 + (x1 - x0) * (y0 - peak) / (y0 - y1)
            found.append((round(crossing, 1), peak))
        peak = min(peak, y1)
        found.append((x1, peak))
    return found[::-1]


def bars(
    days: Sequence[tuple[date, Decimal]], first: date | None, last: date | None, labels: Labels
) -> BarChart | None:
    """Bars for sums by day; with more than ``MAX_BARS`` days, each bar is the sum of several.

    Args:
        days: days with their sums, oldest first; days without a sum can be left out.
        first: the first day of the axis; None for the first of ``days``.
        last: the last day of the axis; None for the last of ``days``.
        labels: how it writes its texts.

    Returns:
        Its geometry; None without days.
    """
    if not days:
        return None
    # A sum outside the period, from an API whose clock is ahead, still needs a place.
    begin = min(first or days[0][0], days[0][0])
    end = max(last or days[-1][0], days[-1][0])
    count = (end - begin).days + 1
    days_per_bar = math.ceil(count / MAX_BARS)
    sums = [Decimal(0)] * math.ceil(count / days_per_bar)
    for day, amount in days:
        sums[(day - begin).days // days_per_bar] += amount
    first_days = [begin + timedelta(days=number * days_per_bar) for number in range(len(sums))]
    name, name_tick = labels.names(begin, end)

    def bar_name(day: date) -> str:
        if days_per_bar == 1:
            return name(day)
        return labels.span(day, day + timedelta(days=days_per_bar - 1))

    scale = bar_scale(sums)
    middles = [(number + 0.5) * WIDTH / len(sums) for number in range(len(sums))]
    width = min(WIDTH / len(sums) * BAR_SHARE, MAX_BAR_WIDTH)
    named = sorted({0, len(sums) // 2, len(sums) - 1})
    return BarChart(
        zero=scale.y(0),
        y_ticks=scale.ticks(labels),
        x_ticks=[Tick(round(middles[k], 1), name_tick(first_days[k])) for k in named],
        bars=[
            Bar(
                x=round(middle - width / 2, 1),
                y=min(scale.y(float(value)), scale.y(0)),
                width=round(width, 1),
                height=round(abs(scale.y(float(value)) - scale.y(0)), 1),
                day=bar_name(day),
                value=labels.value(value),
            )
            for middle, day, value in zip(middles, first_days, sums, strict=True)
        ],
    )


def bar_scale(sums: Sequence[Decimal]) -> Scale:
    """The scale of bars; it contains zero."""
    low = min(0.0, float(min(sums)))
    high = max(0.0, float(max(sums)))
    return Scale(low, high or 1.0)
