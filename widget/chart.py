"""Geometry of the charts: figures to coordinates, pure. The templates and pictures draw what this computes."""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from widget.format import Naming

WIDTH, HEIGHT = 640, 160
MAX_BARS = 60
MAX_WIDTH = 64
"""How wide a bar is at most, so that one by itself is no wall."""

Writing = tuple[Callable[[Decimal], str], Callable[[Decimal, Decimal], str]]
"""What writes a figure, and what writes those on an axis, given the step between them."""


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values, about ``count`` of them, evenly spaced over a range: of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def curve(
    points: Sequence[tuple[datetime, Decimal]],
    label_y: Writing,
    label_x: Callable[[datetime, datetime], Naming],
) -> dict[str, Any] | None:
    """A growth curve with the shade of its drawdown (from each peak down to the curve).

    Args:
        points: instants and fractions, oldest first.
        label_y: fractions as text.
        label_x: what names the instants between the first and the last.

    Returns:
        Paths, ticks and points in a box of ``WIDTH`` by ``HEIGHT``; None without points.
    """
    if not points:
        return None
    values = [float(gain) for _, gain in points]
    low, high = min(0.0, *values), max(0.0, *values)
    if high - low < 1e-9:
        high = low + 0.01
    first, last = points[0][0], points[-1][0]
    span = (last - first).total_seconds() or 1.0

    def x(moment: datetime) -> float:
        return (
            round((moment - first).total_seconds() / span * WIDTH, 1) if last > first else WIDTH / 2
        )

    def y(value: float) -> float:
        return round((high - value) / (high - low) * HEIGHT, 1)

    xs, ys = [x(moment) for moment, _ in points], [y(value) for value in values]
    line = "L".join(f"{a:g} {b:g}" for a, b in zip(xs, ys, strict=True))
    ceiling = "L".join(
        f"{a:g} {b:g}" for a, b in reversed(_ceiling(list(zip(xs, ys, strict=True))))
    )
    marks = [first + (last - first) * k / 3 for k in range(4)] if last > first else [first]
    (write, _), (name, name_mark) = label_y, label_x(first, last)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "path": f"M{line}",
        "area": f"M{xs[0]:g} {y(0):g}L{line}L{xs[-1]:g} {y(0):g}Z",
        "drawdown": f"M{line}L{ceiling}Z",
        "zero": y(0),
        "y_ticks": _y_ticks(low, high, y, label_y),
        "x_ticks": _without_repeats([{"x": x(mark), "label": name_mark(mark)} for mark in marks]),
        "points": [
            {"x": a, "y": b, "day": name(moment), "value": write(gain)}
            for a, b, (moment, gain) in zip(xs, ys, points, strict=True)
        ],
    }


def _y_ticks(
    low: float, high: float, y: Callable[[float], float], label_y: Writing
) -> list[dict[str, Any]]:
    marks = [Decimal(str(round(mark, 6))) for mark in ticks(low, high)]
    step = marks[1] - marks[0] if len(marks) > 1 else marks[0]
    return [{"y": y(float(mark)), "label": label_y[1](mark, step)} for mark in marks]


def _without_repeats(marks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What says the same as the mark before it is left out, and between the ends what says the same as the last."""
    kept = list(marks[:1])
    for mark in marks[1:]:
        is_repeated = mark["label"] == kept[-1]["label"] or (
            mark != marks[-1] and mark["label"] == marks[-1]["label"]
        )
        if not is_repeated:
            kept.append(mark)
    return kept


def _ceiling(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What the shade of a drawdown hangs from: each peak, level until the curve is back at its height."""
    peak = points[0][1]
    found = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 < peak < y0:
            found.append((round(x0 + (x1 - x0) * (y0 - peak) / (y0 - y1), 1), peak))
        peak = min(peak, y1)
        found.append((x1, peak))
    return found


def bars(
    days: Sequence[tuple[date, Decimal]],
    start: datetime | None,
    end: datetime | None,
    zone: ZoneInfo,
    label_y: Writing,
    label_x: Callable[[date, date], Naming],
    label_span: Callable[[date, date], str],
) -> dict[str, Any] | None:
    """Bars for sums by day; where there are more days than ``MAX_BARS``, each bar is several days.

    Args:
        days: days with their sums, oldest first; days that are left out had none.
        start: when the axis begins; None for the first of ``days``.
        end: before when it ends; None for the last of ``days``.
        zone: whose days they are.
        label_y: sums as text.
        label_x: what names the days between the first and the last.
        label_span: what names several days, by the first and the last of them.
    """
    if not days:
        return None
    begin = min(start.astimezone(zone).date() if start else days[0][0], days[0][0])
    last = (end - timedelta(microseconds=1)).astimezone(zone).date() if end else days[-1][0]
    count = (max(last, days[-1][0]) - begin).days + 1
    each = math.ceil(count / MAX_BARS)
    sums = [Decimal(0)] * math.ceil(count / each)
    for day, amount in days:
        sums[(day - begin).days // each] += amount
    low, high = min(0.0, float(min(sums))), max(0.0, float(max(sums))) or 1.0
    step = WIDTH / len(sums)
    width = min(step * 0.7, MAX_WIDTH)

    def y(value: float) -> float:
        return round((high - value) / (high - low) * HEIGHT, 1)

    (write, _), (name, name_mark) = label_y, label_x(begin, last)

    def span(k: int) -> str:
        start = begin + timedelta(days=k * each)
        return label_span(start, start + timedelta(days=each - 1)) if each > 1 else name(start)

    marks = sorted({0, len(sums) // 2, len(sums) - 1})
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "zero": y(0),
        "bars": [
            {
                "x": round((k + 0.5) * step - width / 2, 1),
                "y": min(y(float(value)), y(0)),
                "width": round(width, 1),
                "height": round(abs(y(float(value)) - y(0)), 1),
                "value": write(value),
                "day": span(k),
            }
            for k, value in enumerate(sums)
        ],
        "y_ticks": _y_ticks(low, high, y, label_y),
        "x_ticks": [
            {"x": round((k + 0.5) * step, 1), "label": name_mark(begin + timedelta(days=k * each))}
            for k in marks
        ],
    }
