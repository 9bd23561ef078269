"""Accent colours with enough contrast: the operator's colour, mixed with black or white as far as necessary.

Contrast and luminance are defined by WCAG 2.2 ("contrast ratio" and "relative luminance").
"""

from typing import Final

MIN_CONTRAST: Final = 4.5
LIGHT_GROUND: Final = "ffffff"
DARK_GROUND: Final = "15181e"


def readable(accent: str, ground: str) -> str:
    """The accent, or the nearest shade of it with a contrast of 4.5 on a background; all as six hexadecimal digits."""
    target = 255 if luminance(ground) < luminance("808080") else 0
    mixed = ([round(c + (target - c) * step / 20) for c in _channels(accent)] for step in range(21))
    shades = ("{:02x}{:02x}{:02x}".format(*channels) for channels in mixed)
    return next(shade for shade in shades if contrast(shade, ground) >= MIN_CONTRAST)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, from 0 to 1."""
    linear = [
        c / 12.92 if (c := v / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for v in _channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)
