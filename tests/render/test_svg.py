"""Pictures as SVG: sizes, texts and their places, and that no text becomes markup."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.render import colour, svg
from widget.render.canvas import Style
from widget.render.chart import Bar, BarChart, CurveChart, Tick
from widget.render.display import Text
from widget.render.plots import Progress
from widget.render.svg import Picture
from widget.widgets.options import SCALES, SIZES

SVG = "{http://www.w3.org/2000/svg}"
CURVE = CurveChart(
    path="M0 80L640 0",
    area="M0 160L0 80L640 0L640 160Z",
    drawdown="M0 80L640 0L640 0L0 80Z",
    zero=160.0,
    points=[
        (datetime(2026, 11, 1, tzinfo=UTC), Decimal("0.05")),
        (datetime(2026, 11, 23, tzinfo=UTC), Decimal("0.1")),
    ],
    spots=[(0.0, 80.0), (640.0, 0.0)],
    y_ticks=[Tick(160.0, "0%"), Tick(0.0, "10%")],
    x_ticks=[Tick(0.0, "1 Nov"), Tick(640.0, "23 Nov")],
)
BARS = BarChart(
    zero=CURVE.zero,
    y_ticks=CURVE.y_ticks,
    x_ticks=CURVE.x_ticks,
    bars=[
        Bar(10.0, 40.0, 20.0, 120.0, "1 Nov", "3.00"),
        Bar(90.0, 160.0, 20.0, 0.0, "2 Nov", "0.00"),
    ],
)
FIGURES = (
    Text("Balance", "$10,482.17"),
    Text("Floating profit", "+$65.26", 1),
    Text("Equity", "$10,547.43"),
    Text("Swap", "−$1.20", -1),
)
PICTURE = Picture("Account", "USD", FIGURES, "As of 23 Nov", "Not up to date")
SHAPES = {
    "figures": PICTURE,
    "curve": replace(PICTURE, chart=CURVE),
    "bars": replace(PICTURE, chart=BARS),
    "progress": replace(PICTURE, progress=Progress(Text("Lots closed", "45.6%"), 0.456)),
    "empty": replace(PICTURE, empty="No trades in this period"),
    "one figure": replace(PICTURE, figures=FIGURES[:1], chart=BARS),
    "no figure": replace(PICTURE, figures=()),
    "progress alone": replace(
        PICTURE, figures=(), progress=Progress(Text("Lots closed", "45.6%"), 0.456)
    ),
    "no title": replace(PICTURE, title=""),
}


def measure(text: str, bold: bool) -> float:
    """Give every character the same width."""
    return (0.62 if bold else 0.55) * len(text)


def style(**more: Any) -> Style:
    return Style(measure, **more)


def drawn(picture: Picture = PICTURE, **more: Any) -> ElementTree.Element:
    return ElementTree.fromstring(svg.draw_picture(picture, style(**more)))


def texts(root: ElementTree.Element) -> list[str]:
    """The texts of a picture in order, without direction marks."""
    return [re.sub("[\u2068\u2069]", "", element.text or "") for element in root.iter(f"{SVG}text")]


def boxes(root: ElementTree.Element) -> Iterator[tuple[str, float, float, float]]:
    """Each text with its left end, right end and baseline."""
    for element, text in zip(root.iter(f"{SVG}text"), texts(root), strict=True):
        width = measure(text, element.get("font-weight") == "700") * float(
            element.attrib["font-size"]
        )
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        yield (
            (text, x - width, x, y)
            if element.get("text-anchor") == "end"
            else (text, x, x + width, y)
        )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_picture_has_exactly_its_size(size: str, scale: int) -> None:
    width, height = SIZES[size]
    for root in (
        drawn(size=size, scale=scale),
        ElementTree.fromstring(svg.draw_message("No", style(size=size, scale=scale))),
    ):
        assert (root.get("width"), root.get("height")) == (str(width * scale), str(height * scale))
        assert root.get("viewBox") == f"0 0 {width} {height}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rtl", [False, True])
def test_no_text_leaves_the_picture_or_overlaps_another(shape: str, size: str, rtl: bool) -> None:
    long = replace(
        SHAPES[shape],
        title="A very long heading " * 4,
        meta="1 September 2025 – 30 September 2026",
        figures=tuple(replace(figure, label=figure.label * 6) for figure in SHAPES[shape].figures),
        note="Not up to date at all, as far as anybody can tell",
    )
    for picture in (SHAPES[shape], long):
        found = list(boxes(drawn(picture, size=size, rtl=rtl)))
        width, height = SIZES[size]
        for number, (text, left, right, y) in enumerate(found):
            assert left + 0.1 >= 4, text
            assert right - 0.1 <= width - 4, text
            assert 8 < y < height - 4, text
            for other, begin, end, base in found[number + 1 :]:
                assert abs(y - base) > 8 or right <= begin + 0.2 or end <= left + 0.2, (text, other)


@given(st.integers(1, 10**40))
def test_a_figure_is_never_cut_off(amount: int) -> None:
    text = f"${amount:,}.00"
    for size in SIZES:
        root = drawn(
            replace(PICTURE, figures=(Text("Balance", text), Text("Profit", f"+{text}", 1))),
            size=size,
        )
        assert {text, f"+{text}"} <= set(texts(root))
        assert all(right <= SIZES[size][0] for _, _, right, _ in boxes(root))


def test_a_label_that_is_too_long_ends_in_an_ellipsis() -> None:
    root = drawn(replace(PICTURE, figures=(Text("Balance " * 20, "$1"),)), size="small")
    [label] = [text for text in texts(root) if text.startswith("Balance")]
    assert label.endswith("…")


HOSTILE = [
    '<script>alert("1")</script>',
    "' onload='x",
    "]]>&amp;&#0;",
    "\x00\x1b\ud800\ufffe",
    "</svg><style>*{}",
]


@given(
    st.lists(st.text() | st.sampled_from(HOSTILE), min_size=6, max_size=6),
    st.sampled_from(sorted(SIZES)),
)
def test_no_text_becomes_markup(hostile: list[str], size: str) -> None:
    title, meta, label, text, as_of, note = hostile
    picture = Picture(title, meta, (Text(label, text, 1),), as_of, note)
    for drawing in (
        svg.draw_picture(picture, style(size=size)),
        svg.draw_message(title, style(size=size)),
    ):
        root = ElementTree.fromstring(drawing.encode())
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg",
            "title",
            "rect",
            "text",
            "path",
        }
        allowed = {
            "x",
            "y",
            "fill",
            "font-size",
            "font-weight",
            "text-anchor",
        }
        assert all(set(element.attrib) <= allowed for element in root.iter(f"{SVG}text"))


def test_hostile_text_is_displayed_unchanged() -> None:
    root = drawn(replace(PICTURE, title=HOSTILE[0]), size="large")
    assert HOSTILE[0] in texts(root)
    assert HOSTILE[0] in (root.findtext(f"{SVG}title") or "")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
def test_there_are_no_styles_scripts_or_links(shape: str, size: str) -> None:
    drawing = svg.draw_picture(SHAPES[shape], style(size=size))
    assert not re.search(r"style|class=|href|url\(|script|<image|on\w+=", drawing)


def test_the_same_figures_result_in_the_same_picture() -> None:
    assert svg.draw_picture(SHAPES["curve"], style()) == svg.draw_picture(SHAPES["curve"], style())


def test_a_profit_points_up_and_a_loss_down_each_in_its_colour() -> None:
    drawing = svg.draw_picture(PICTURE, style(size="large"))
    arrows = re.findall(r'<path d="M\S+ (\S+)h\S+L\S+ (\S+)z" fill="(\S+)"/>', drawing)
    assert [(float(base) > float(tip), fill) for base, tip, fill in arrows] == [
        (True, "#07734a"),
        (False, "#bd2637"),
    ]
    assert '#07734a">+$65.26' in drawing
    assert "<path" not in svg.draw_picture(replace(PICTURE, figures=FIGURES[:1]), style())


def test_each_size_displays_as_much_as_fits() -> None:
    assert texts(drawn(size="small")) == [
        "Balance", "$10,482.17", "Floating profit", "+$65.26", "Not up to date", "As of 23 Nov",
    ]  # fmt: skip
    assert {"Account", "USD", "Equity", "Swap"} <= set(texts(drawn(size="medium")))
    assert {"0%", "10%", "1 Nov", "23 Nov"} <= set(texts(drawn(SHAPES["curve"], size="large")))
    assert "10%" not in texts(drawn(SHAPES["curve"], size="medium"))


def test_a_right_to_left_picture_is_mirrored_and_its_texts_isolated() -> None:
    plain, mirrored = drawn(size="medium"), drawn(size="medium", rtl=True)
    assert texts(plain) == texts(mirrored)
    for (_, left, right, y), (_, begin, end, base) in zip(
        boxes(plain), boxes(mirrored), strict=True
    ):
        assert (320 - right, 320 - left, y) == pytest.approx((begin, end, base), abs=0.11)
    assert all((e.text or "").startswith("\u2068") for e in mirrored.iter(f"{SVG}text"))


@pytest.mark.parametrize(
    ("share", "filled"), [(0.0, None), (0.25, 33.5), (1.0, 134.0), (7.0, 134.0), (-1.0, None)]
)
def test_the_progress_is_filled_to_its_share_and_no_further(
    share: float, filled: float | None
) -> None:
    root = drawn(
        replace(PICTURE, progress=Progress(Text("Lots closed", "x"), share)), size="medium"
    )
    found = [
        float(r.attrib["width"]) for r in root.iter(f"{SVG}rect") if r.get("fill") == "#1f5dbf"
    ][1:]
    assert found == ([] if filled is None else [filled])


def test_a_curve_and_bars_fill_their_box() -> None:
    curve = svg.draw_picture(SHAPES["curve"], style(size="large"))
    assert '<path d="M24 199L564 142" fill="none"' in curve
    bars = drawn(SHAPES["bars"], size="large")
    heights = [
        float(r.attrib["height"]) for r in bars.iter(f"{SVG}rect") if r.get("fill") == "#1f5dbf"
    ]
    assert heights[1:] == [85.5], "the second bar has no height and is not drawn"


def test_a_message_is_wrapped_between_words_and_displayed_completely() -> None:
    message = "This widget is private. Enter its password to see it."
    lines = texts(ElementTree.fromstring(svg.draw_message(message, style(size="small"))))
    assert len(lines) > 1
    assert " ".join(lines) == message
    chinese = "此小部件为私有，请输入密码查看。" * 2
    assert (
        "".join(texts(ElementTree.fromstring(svg.draw_message(chinese, style(size="small")))))
        == chinese
    )


@given(st.integers(0, 0xFFFFFF).map("{:06x}".format), st.booleans())
def test_text_and_accent_have_enough_contrast_with_their_background(
    accent: str, dark: bool
) -> None:
    drawing = svg.draw_picture(PICTURE, style(size="large", dark=dark, accent=accent))
    ground, *fills = re.findall(r'fill="#(\w{6})"', drawing)
    colours = {
        fill for fill in fills if fill not in ("dbdfe5", "343a44")
    }  # rules between the parts are no text
    assert len(colours) >= 4
    assert all(colour.contrast(fill, ground) >= colour.MIN_CONTRAST for fill in colours)
