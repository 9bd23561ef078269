"""Accent colours with enough contrast.

The operator's colour is mixed with black or white as far as necessary. Contrast and luminance are
defined by WCAG 2.2 ("contrast ratio" and "relative luminance"). Colours are six hexadecimal digits.
"""

import math
from typing import Final

MIN_CONTRAST: Final = 4.5
"""What WCAG requires of text (level AA)."""
WEIGHTS: Final = (0.2126, 0.7152, 0.0722)
"""How bright red, green and blue look. Green looks brightest, and blue darkest."""
LIGHT_GROUND: Final = "ffffff"
DARK_GROUND: Final = "15181e"
STEPS: Final = 20
"""In how many steps a colour becomes black or white."""
REFLECTED_LIGHT: Final = 0.05


def readable(accent: str, ground: str) -> str:
    """The accent, or its closest shade that has enough contrast with a background."""
    target = 0
    if luminance(ground) < luminance("808080"):
        target = 255
    # From the accent itself on, so that a colour with enough contrast stays as it is.
    for step in range(STEPS):
        shade = mixed(accent, target, step / STEPS)
        if contrast(shade, ground) >= MIN_CONTRAST:
            return shade
    # Black on light or white on dark: no background is so close to the middle that this fails.
    return mixed(accent, target, 1)


def mixed(colour: str, target: int, share: float) -> str:
    """A colour, of which a share is replaced by black (0) or white (255)."""
    digits = ""
    for channel in rgb(colour):
        distance = target - channel
        mixture = channel + distance * share
        digits += f"{round(mixture):02x}"
    return digits


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    # Each with the light that a screen reflects even where it is black.
    first = luminance(one) + REFLECTED_LIGHT
    second = luminance(other) + REFLECTED_LIGHT
    return max(first, second) / min(first, second)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, from 0 to 1."""
    light = 0.0
    for channel, weight in zip(rgb(colour), WEIGHTS, strict=True):
        light += weight * linear(channel / 255)
    return light


def linear(channel: float) -> float:
    """The linear light of a channel from 0 to 1; sRGB stores it with a gamma curve."""
    # Near black the gamma curve is a straight line.
    if channel <= 0.04045:
        return channel / 12.92
    return math.pow((channel + 0.055) / 1.055, 2.4)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue from 0 to 255."""
    red = int(colour[0:2], 16)
    green = int(colour[2:4], 16)
    blue = int(colour[4:6], 16)
    return red, green, blue
