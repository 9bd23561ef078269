"""Geometry of the charts: from figures to coordinates, without any I/O.

Pages and pictures draw what is calculated here, in a box of ``WIDTH`` by ``HEIGHT``. The y axis
points down, as in SVG.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from widget.render.format import Name, Naming

WIDTH: Final = 640
HEIGHT: Final = 160
MAX_BARS: Final = 60
MAX_BAR_WIDTH: Final = 64
"""So that a single bar does not look like a wall."""
BAR_SHARE: Final = 0.7
"""The share of its day that a bar fills; the rest is the gap to the next one."""
ROUND_FACTORS: Final = (1, 2, 2.5, 5)
"""Multiples of a power of ten that are round enough for the labels of an axis."""
TOLERANCE: Final = 1e-9
"""Absorbs binary rounding: 0.3 / 0.1 is slightly less than 3."""
TICKS: Final = 4
"""About how many parts the y axis has."""
MIN_FILLED_SHARE: Final = 0.6
"""The least share of the height of a chart between its lowest and its highest value."""
LEAST_SPAN: Final = 0.0004
"""The least difference between both ends of the axis of a curve. Gains have four decimals: smaller
steps between its labels would say more than is known."""
MAX_CACHED_CURVES: Final = 32
"""Curves whose lines a process has in memory, about a tenth of a megabyte each."""

Spot = tuple[float, float]
"""Coordinates x and y."""
Moment = tuple[datetime, Decimal]
"""An instant, and the gain until then as a fraction."""
DaySum = tuple[date, Decimal]
"""A day, and a sum of that day."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How a chart writes its texts.

    They are functions, so that this module knows neither languages nor formats.

    Attributes:
        value: writes a figure.
        tick: writes a figure on the axis, given the step between two of them.
        names: how instants or days between a first and a last one are named.
        span: names several days by the first and the last of them.
        exact: names an instant by its day and its time.
        drawdown: writes a drawdown.
    """

    value: Callable[[Decimal], str]
    tick: Callable[[Decimal, Decimal], str]
    names: Callable[[Any, Any], Naming]
    span: Callable[[date, date], str]
    exact: Name
    drawdown: Callable[[Decimal], str]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis, and its coordinate."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve, with its texts; the drawdown is that from the highest point before it."""

    x: float
    y: float
    day: str
    value: str
    drawdown: str


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
        points: its instants and gains, oldest first.
        spots: their coordinates.
    """

    path: str
    area: str
    drawdown: str
    points: Sequence[Moment]
    spots: list[Spot]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLines:
    """The lines of a curve; its attributes are those of ``CurveChart``."""

    scale: "Scale"
    path: str
    area: str
    drawdown: str
    spots: list[Spot]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart(Chart):
    """Bars, oldest first."""

    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Scale:
    """Converts values between a lowest and a highest one to y coordinates.

    Attributes:
        low: the value at the bottom.
        high: the value at the top.
        step: the difference between two labels, which stand at its multiples.
    """

    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        """The y coordinate of a value."""
        # The share of the height above it, since y counts from the top.
        distance = self.high - value
        share = distance / (self.high - self.low)
        return round(share * HEIGHT, 1)

    def ticks(self, labels: Labels) -> list[Tick]:
        """Labels at round values."""
        # Through text, since the binary value of 0.1 is not exactly 0.1.
        step = Decimal(str(round(self.step, 6)))
        first = math.ceil(self.low / self.step - TOLERANCE)
        last = math.floor(self.high / self.step + TOLERANCE)
        found = []
        for number in range(first, last + 1):
            value = number * step
            tick = Tick(
                at=self.y(float(value)),
                label=labels.tick(value, step),
            )
            found.append(tick)
        return found


def round_step(minimum: float) -> float:
    """The smallest step of 1, 2, 2.5 or 5 times a power of ten that is at least ``minimum``."""
    digits = math.floor(math.log10(minimum))
    power = 10.0**digits
    for factor in ROUND_FACTORS:
        step = power * factor
        # The tolerance is for a step that is exactly the minimum, apart from binary rounding.
        if step >= minimum * 0.999:
            return step
    return power * 10


def curve(points: Sequence[Moment], labels: Labels) -> CurveChart | None:
    """A growth curve with the area of its drawdown.

    Args:
        points: instants and fractions, oldest first.
        labels: how it writes its texts.

    Returns:
        Its geometry; None without points.
    """
    if not points:
        return None
    first, _ = points[0]
    last, _ = points[-1]
    _, name_tick = labels.names(first, last)
    lines = curve_lines(tuple(points))
    return CurveChart(
        zero=lines.scale.y(0),
        y_ticks=lines.scale.ticks(labels),
        x_ticks=time_ticks(first, last, name_tick),
        path=lines.path,
        area=lines.area,
        drawdown=lines.drawdown,
        points=points,
        spots=lines.spots,
    )


# The same curve is drawn in many languages, sizes and colours.
@lru_cache(MAX_CACHED_CURVES)
def curve_lines(points: tuple[Moment, ...]) -> CurveLines:
    """What of a curve is the same in all languages; the points are those of ``curve``."""
    moments = [moment for moment, _ in points]
    # Coordinates need no exact decimals, and binary fractions are faster.
    values = [float(gain) for _, gain in points]
    first = moments[0]
    last = moments[-1]
    scale = curve_scale(values)
    spots = []
    for moment, value in zip(moments, values, strict=True):
        spot = (time_x(moment, first, last), scale.y(value))
        spots.append(spot)
    # Written once, since a curve has hundreds of points.
    line = path_of(spots)
    return CurveLines(
        scale=scale,
        path=f"M{line}",
        area=area_path(line, spots, scale.y(0)),
        drawdown=drawdown_path(line, spots),
        spots=spots,
    )


def named_points(drawn: CurveChart, labels: Labels) -> list[Point]:
    """The points of a curve with their coordinates and texts.

    Apart from ``curve``, since writing the texts takes longer than everything else, and a picture
    has no place for them.

    Args:
        drawn: the curve.
        labels: how it writes its texts.
    """
    moments = [moment for moment, _ in drawn.points]
    gains = [gain for _, gain in drawn.points]
    name_point, _ = labels.names(moments[0], moments[-1])
    names = list(map(name_point, moments))
    # Two points of the same day would be two rows of the same name.
    if len(set(names)) < len(names):
        names = list(map(labels.exact, moments))
    falls = drawdowns(gains)
    found = []
    for spot, name, gain, fall in zip(drawn.spots, names, gains, falls, strict=True):
        x, y = spot
        point = Point(
            x=x,
            y=y,
            day=name,
            value=labels.value(gain),
            drawdown=labels.drawdown(fall),
        )
        found.append(point)
    return found


def drawdowns(gains: Sequence[Decimal]) -> list[Decimal]:
    """The fall of each gain from the highest one so far, as a fraction of what that was worth."""
    # The curve begins at a gain of 0, even if its first point is a loss.
    peak = Decimal(1)
    found = []
    for gain in gains:
        worth = 1 + gain
        peak = max(peak, worth)
        fall = (peak - worth) / peak
        found.append(fall)
    return found


def curve_scale(values: Sequence[float]) -> Scale:
    """The scale of a curve; it contains zero."""
    low = min(0.0, *values)
    high = max(0.0, *values)
    high = max(high, low + LEAST_SPAN)
    return round_scale(low, high)


def round_scale(low: float, high: float) -> Scale:
    """The scale of a chart with some headroom, and labels at its ends.

    Args:
        low: the lowest value, 0 or less.
        high: the highest value, 0 or more.
    """
    step = round_step((high - low) / TICKS)
    scale = scale_with_step(low, high, step)
    # If both ends lie slightly beyond a label, almost half of the chart would be empty.
    if high - low < MIN_FILLED_SHARE * (scale.high - scale.low):
        smaller = round_step(step / 2)
        return scale_with_step(low, high, smaller)
    return scale


def scale_with_step(low: float, high: float, step: float) -> Scale:
    """The scale between two values, extended to the next labels."""
    return Scale(
        low=-rounded_end(-low, step),
        high=rounded_end(high, step),
        step=step,
    )


def rounded_end(distance: float, step: float) -> float:
    """How far an axis reaches from zero for values that do so, usually a number of whole steps."""
    # A whole step for a small loss below large gains would leave much of the chart empty.
    if distance < step / 2:
        return distance
    steps = math.ceil(distance / step - TOLERANCE)
    return steps * step


def time_x(moment: datetime, first: datetime, last: datetime) -> float:
    """The x coordinate of an instant; a single instant stands in the middle."""
    if last <= first:
        return WIDTH / 2
    share = (moment - first) / (last - first)
    return round(share * WIDTH, 1)


def time_ticks(first: datetime, last: datetime, name_tick: Name) -> list[Tick]:
    """The labels below a curve."""
    marks = []
    for moment in axis_moments(first, last):
        mark = Tick(
            at=time_x(moment, first, last),
            label=name_tick(moment),
        )
        marks.append(mark)
    return without_repeats(marks)


def axis_moments(first: datetime, last: datetime) -> list[datetime]:
    """The instants that are named on the x axis."""
    if last <= first:
        return [first]
    # Both ends, and two between them: more names would touch each other on narrow cards.
    length = last - first
    return [first + length * third / 3 for third in range(4)]


def without_repeats(marks: Sequence[Tick]) -> list[Tick]:
    """The marks without those that would repeat the label of the mark before or of the last one.

    A curve of two days has four marks, but only two days to name.
    """
    first = marks[0]
    last = marks[-1]
    found = [first]
    for mark in marks[1:]:
        # The last mark is the one that stays: the axis has to name its end.
        repeats_last = mark != last and mark.label == last.label
        repeats_previous = mark.label == found[-1].label
        if not repeats_previous and not repeats_last:
            found.append(mark)
    return found


def path_of(spots: Sequence[Spot]) -> str:
    """The coordinates of a line, for an SVG path."""
    coordinates = [f"{x:g} {y:g}" for x, y in spots]
    return "L".join(coordinates)


def area_path(line: str, spots: Sequence[Spot], zero: float) -> str:
    """The area between a line and zero, as an SVG path.

    Args:
        line: the coordinates of the line, for an SVG path.
        spots: the same coordinates as numbers.
        zero: the y coordinate of zero.
    """
    left, _ = spots[0]
    right, _ = spots[-1]
    begin = f"M{left:g} {zero:g}"
    end = f"L{right:g} {zero:g}Z"
    return f"{begin}L{line}{end}"


def drawdown_path(line: str, spots: Sequence[Spot]) -> str:
    """The area between a line and the peaks before it, as an SVG path.

    The arguments are those of ``area_path``.
    """
    # The line is the lower edge. From its end, the outline goes back along the upper one.
    ceiling = path_of(reversed_ceiling(spots))
    return f"M{line}L{ceiling}Z"


def reversed_ceiling(spots: Sequence[Spot]) -> list[Spot]:
    """The upper edge of the drawdown area, from right to left.

    It is level from each peak to where the curve reaches that height again.
    """
    _, peak = spots[0]
    found = [spots[0]]
    # The y axis points down: a higher value has a smaller coordinate.
    for (x0, y0), (x1, y1) in pairwise(spots):
        if y1 < peak < y0:
            # The curve crosses the height of the peak between two points: the edge turns there.
            width = x1 - x0
            rise = y0 - y1
            rise_to_peak = y0 - peak
            crossing = x0 + width * rise_to_peak / rise
            turn = (round(crossing, 1), peak)
            found.append(turn)
        peak = min(peak, y1)
        found.append((x1, peak))
    found.reverse()
    return without_level_spots(found)


def without_level_spots(spots: Sequence[Spot]) -> list[Spot]:
    """An edge without the spots between two others of the same height: its path is shorter."""
    heights = [y for _, y in spots]
    last = len(spots) - 1
    found = []
    for number, spot in enumerate(spots):
        is_end = number in (0, last)
        around = heights[number - 1 : number + 2]
        if is_end or len(set(around)) > 1:
            found.append(spot)
    return found


def bars(
    days: Sequence[DaySum],
    first: date | None,
    last: date | None,
    labels: Labels,
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
    oldest, _ = days[0]
    newest, _ = days[-1]
    # A sum outside the period, from an API whose clock is ahead, still needs a place.
    begin = min(first or oldest, oldest)
    end = max(last or newest, newest)
    groups = grouped_days(days, begin, end)
    scale = bar_scale([group.amount for group in groups])
    name_day, name_tick = labels.names(begin, end)
    return BarChart(
        zero=scale.y(0),
        y_ticks=scale.ticks(labels),
        x_ticks=bar_ticks(groups, name_tick),
        bars=placed_bars(groups, scale, name_day, labels),
    )


@dataclass(frozen=True, slots=True)
class DayGroup:
    """The days of one bar, often a single one, and their sum."""

    first: date
    last: date
    amount: Decimal


def grouped_days(days: Sequence[DaySum], begin: date, end: date) -> list[DayGroup]:
    """Sums by group of days, so that there are at most ``MAX_BARS``; all groups are equally long.

    Days without a sum count as zero.
    """
    length = end - begin
    # Both ends are part of the axis.
    day_count = length.days + 1
    days_per_bar = math.ceil(day_count / MAX_BARS)
    bar_count = math.ceil(day_count / days_per_bar)
    sums = [Decimal(0)] * bar_count
    for day, amount in days:
        distance = day - begin
        number = distance.days // days_per_bar
        sums[number] += amount
    groups = []
    first = begin
    for amount in sums:
        # The last group may reach beyond the end: the bars must have the same width.
        last = first + timedelta(days=days_per_bar - 1)
        group = DayGroup(first, last, amount)
        groups.append(group)
        first = last + timedelta(days=1)
    return groups


def placed_bars(
    groups: Sequence[DayGroup],
    scale: Scale,
    name_day: Name,
    labels: Labels,
) -> list[Bar]:
    """The bars of some groups of days, each in the middle of an equal share of the width.

    Args:
        groups: the days and sums, oldest first.
        scale: the scale of the y axis.
        name_day: names a bar that is a single day.
        labels: how the other texts are written.
    """
    zero = scale.y(0)
    room = WIDTH / len(groups)
    width = min(room * BAR_SHARE, MAX_BAR_WIDTH)
    found = []
    for number, group in enumerate(groups):
        middle = bar_middle(number, len(groups))
        left = middle - width / 2
        y = scale.y(float(group.amount))
        bar = Bar(
            x=round(left, 1),
            # A bar below zero begins at zero, and one above it ends there.
            y=min(y, zero),
            width=round(width, 1),
            height=round(abs(y - zero), 1),
            day=group_name(group, name_day, labels),
            value=labels.value(group.amount),
        )
        found.append(bar)
    return found


def group_name(group: DayGroup, name_day: Name, labels: Labels) -> str:
    """The name of a bar: its day, or the first and the last one."""
    if group.first == group.last:
        return name_day(group.first)
    return labels.span(group.first, group.last)


def bar_ticks(groups: Sequence[DayGroup], name_tick: Name) -> list[Tick]:
    """The labels below the first, the middle and the last bar, which may be the same."""
    count = len(groups)
    numbers = {0, count // 2, count - 1}
    marks = []
    for number in sorted(numbers):
        group = groups[number]
        mark = Tick(
            at=round(bar_middle(number, count), 1),
            label=name_tick(group.first),
        )
        marks.append(mark)
    return marks


def bar_middle(number: int, count: int) -> float:
    """The x coordinate of the middle of a bar, by its number and the number of all bars."""
    return (number + 0.5) * WIDTH / count


def bar_scale(sums: Sequence[Decimal]) -> Scale:
    """The scale of bars; it contains zero."""
    lowest = float(min(sums))
    highest = float(max(sums))
    low = min(0.0, lowest)
    high = max(0.0, highest)
    # If all sums are zero, any scale will do, as long as it has a height.
    return round_scale(low, high or 1.0)
