"""Draws what a picture has beside its figures: curves, bars, axes and progress bars."""

from dataclasses import dataclass
from typing import Final

from widget.render.canvas import Attributes, Box, Canvas, Font, Place, coordinate, element, wrapped
from widget.render.chart import BarChart, Chart, CurveChart
from widget.render.display import Text

THIN_HEIGHT: Final = 30
"""Charts that are lower have a thinner line."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A figure, with the share from 0 to 1 that its bar is filled to."""

    figure: Text
    share: float


def draw_axes(canvas: Canvas, chart: Chart, box: Box) -> None:
    """Draw the lines and labels of a large chart.

    Its time runs from left to right in every language, as in the charts that traders know.
    """
    draw_y_axis(canvas, chart, box)
    draw_x_axis(canvas, chart, box)


def draw_y_axis(canvas: Canvas, chart: Chart, box: Box) -> None:
    """Draw the lines of a chart, with their labels at the end of each."""
    left = canvas.placed(box).x
    label_x = box.right + 8
    for tick in chart.y_ticks:
        share = tick.at / chart.height
        y = box.y + share * box.height
        line = Box(
            x=left,
            y=y - 0.5,
            width=box.width,
            height=1,
        )
        canvas.rect(line, "tint")
        canvas.text(
            tick.label,
            # A little below the line: the digits, and not their baseline, are level with it.
            Place(
                x=label_x,
                y=y + 4,
                room=canvas.width - label_x - 8,
            ),
            Font(11, "soft"),
        )


def draw_x_axis(canvas: Canvas, chart: Chart, box: Box) -> None:
    """Write the labels below a chart, each centred below its point."""
    left = canvas.placed(box).x
    # They share the width, with a gap between them.
    share = box.width / len(chart.x_ticks)
    room = share - 6
    for tick in chart.x_ticks:
        width = canvas.style.measure(tick.label, False) * 11
        width = min(width, room)
        middle = tick.at / chart.width * box.width
        # The first and the last label would otherwise protrude beyond the chart.
        offset = max(middle - width / 2, 0)
        offset = min(offset, box.width - width)
        x = left + offset
        if canvas.style.rtl:
            # The chart is not mirrored, but text() counts from the right.
            x = canvas.mirrored(x + width)
        canvas.text(
            tick.label,
            Place(
                x=x,
                y=box.bottom + 17,
                room=room,
            ),
            Font(11, "soft"),
        )


def draw_curve(canvas: Canvas, chart: CurveChart, box: Box) -> None:
    """Draw a curve with its areas; the box counts from the left."""
    draw_zero_line(canvas, chart, box)
    draw_curve_areas(canvas, chart, box)
    draw_curve_line(canvas, chart, box)


def draw_curve_areas(canvas: Canvas, chart: CurveChart, box: Box) -> None:
    """Draw the area of the gain and that of the drawdown."""
    area = element(
        "path",
        {
            "d": chart.area,
            "fill": canvas.palette["accent"],
            "fill-opacity": ".12",
        },
    )
    drawdown = element(
        "path",
        {
            "d": chart.drawdown,
            "fill": canvas.palette["down"],
            "fill-opacity": ".22",
        },
    )
    # Their paths are scaled by the browser, so that the geometry of the page can be reused.
    x_scale = box.width / chart.width
    y_scale = box.height / chart.height
    x = coordinate(box.x)
    y = coordinate(box.y)
    transform = f"translate({x} {y}) scale({x_scale:.4f} {y_scale:.4f})"
    canvas.add("g", {"transform": transform}, area + drawdown)


def draw_curve_line(canvas: Canvas, chart: CurveChart, box: Box) -> None:
    """Draw the line of a curve, with a dot at its end."""
    # It is drawn without a transformation, which would distort its thickness.
    x_scale = box.width / chart.width
    y_scale = box.height / chart.height
    spots = [
        (
            coordinate(box.x + x * x_scale),
            coordinate(box.y + y * y_scale),
        )
        for x, y in chart.spots
    ]
    line = "L".join(f"{x} {y}" for x, y in spots)
    thickness = 2.0
    if box.height < THIN_HEIGHT:
        thickness = 1.5
    path: Attributes = {
        "d": f"M{line}",
        "fill": "none",
        "stroke": canvas.palette["accent"],
        "stroke-width": thickness,
        "stroke-linejoin": "round",
    }
    canvas.add("path", path)
    end_x, end_y = spots[-1]
    dot: Attributes = {
        "cx": end_x,
        "cy": end_y,
        "r": f"{thickness * 1.5:g}",
        "fill": canvas.palette["accent"],
    }
    canvas.add("circle", dot)


def draw_bars(canvas: Canvas, chart: BarChart, box: Box) -> None:
    """Draw bars; the box counts from the left."""
    x_scale = box.width / chart.width
    y_scale = box.height / chart.height
    for bar in chart.bars:
        # A day without a sum has a place on the axis, but nothing to draw.
        if bar.height == 0:
            continue
        drawn = Box(
            x=box.x + bar.x * x_scale,
            y=box.y + bar.y * y_scale,
            width=bar.width * x_scale,
            height=bar.height * y_scale,
        )
        canvas.rect(drawn, "accent")
    # After the bars, which would otherwise cover half of it.
    draw_zero_line(canvas, chart, box)


def draw_zero_line(canvas: Canvas, chart: Chart, box: Box) -> None:
    """Draw the line at zero; the box counts from the left."""
    y_scale = box.height / chart.height
    y = box.y + chart.zero * y_scale
    line = Box(
        x=box.x,
        y=y - 0.5,
        width=box.width,
        height=1,
    )
    canvas.rect(line, "line")


def draw_progress(canvas: Canvas, progress: Progress, box: Box, size: float) -> None:
    """Draw a progress bar below its figure."""
    y = box.y + size
    figure = progress.figure
    # The figure is written first, since its name gets the room that it leaves.
    figure_width = canvas.text(
        figure.text,
        Place(
            x=box.right,
            y=y,
            room=box.width / 2,
            at_end=True,
        ),
        Font(size, bold=True, whole=True),
    )
    canvas.text(
        figure.label,
        Place(
            x=box.x,
            y=y,
            room=box.width - figure_width - 12,
        ),
        Font(size, "soft"),
    )
    bar = Box(
        x=box.x,
        y=box.y + size * 1.6,
        width=box.width,
        height=size / 2,
    )
    canvas.bar(progress.share, bar)


def draw_empty(canvas: Canvas, text: str, box: Box, size: float) -> None:
    """Write the text that replaces a chart, in at most two lines."""
    lines = wrapped(
        text,
        room=box.width / size,
        max_lines=2,
        measure=canvas.style.measure,
    )
    middle = box.y + box.height / 2
    for number, line in enumerate(lines):
        y = middle + number * size * 1.3
        canvas.text(
            line,
            Place(x=box.x, y=y, room=box.width),
            Font(size, "soft"),
        )
