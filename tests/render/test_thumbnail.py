"""Thumbnails follow from what widgets declare."""

from dataclasses import replace

import pytest
from accounts import WIDGETS

from widget.render import thumbnail
from widget.render.thumbnail import HEIGHT, MARGIN, WIDTH
from widget.widgets import base
from widget.widgets.base import Widget


@pytest.mark.parametrize("widget", WIDGETS.values(), ids=lambda widget: widget.name)
def test_every_thumbnail_stays_inside_its_margins(widget: Widget) -> None:
    shapes = thumbnail.draw(widget)
    assert shapes
    for shape in shapes:
        if shape.path:
            continue
        assert shape.width > 0
        assert shape.height > 0
        assert shape.x >= MARGIN
        assert shape.y >= MARGIN
        assert shape.x + shape.width <= WIDTH - MARGIN + 1e-9
        assert shape.y + shape.height <= HEIGHT - MARGIN + 1e-9


def test_each_kind_of_widget_can_be_told_from_the_others() -> None:
    names = (
        "balance",
        "summary",
        "bonus",
        "lots",
        "growth",
        "open-trades",
        "breakdown",
        "commissions",
    )
    drawn = [tuple(thumbnail.draw(WIDGETS[name])) for name in names]
    assert len(set(drawn)) == len(names)


def test_the_height_is_used_and_what_has_no_room_is_left_out() -> None:
    widget = WIDGETS["growth"]
    bottom = max(shape.y + shape.height for shape in thumbnail.draw(WIDGETS["lots"]))
    assert bottom == HEIGHT - MARGIN
    [card] = [block for block in widget.body if isinstance(block, base.Card)]
    many = replace(widget, body=(card,) * 5)
    large_figures = [shape for shape in thumbnail.draw(many) if shape.height == 8]
    assert len(large_figures) == 2


def test_a_kind_of_part_without_a_drawing_looks_like_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thumbnail, "DRAWINGS", {})
    assert {shape.tone for shape in thumbnail.draw(WIDGETS["balance"])} == {"ink", "soft"}


def test_a_table_has_its_columns_and_its_results_in_their_colours() -> None:
    table = WIDGETS["open-trades"]
    tones = [shape.tone for shape in thumbnail.draw(table)]
    assert {"up", "down"} <= set(tones)
    [logins] = [block for block in WIDGETS["logins"].body if isinstance(block, base.Table)]
    first_row = [shape for shape in thumbnail.draw(WIDGETS["logins"]) if shape.y == MARGIN]
    assert len(first_row) == len(logins.columns)


def test_a_table_with_bars_has_them_and_those_of_losses_end_where_gains_begin() -> None:
    shapes = thumbnail.draw(WIDGETS["breakdown"])
    gains = [shape for shape in shapes if shape.tone == "up"]
    losses = [shape for shape in shapes if shape.tone == "down"]
    [zero] = {shape.x for shape in gains}
    assert {shape.x + shape.width for shape in losses} == {zero}
    assert len({shape.width for shape in gains}) == len(gains)
