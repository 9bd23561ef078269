"""From a view to JSON: amounts are numbers, times are in UTC, a missing figure is null."""

import json
import math
from datetime import date
from decimal import Decimal

from widget.errors import CabinetError
from widget.render.format import Formatter
from widget.render.view import View


def render_json(view: View) -> str:
    """The figures of a view."""
    content = {
        "account": view.account.slug,
        "widget": view.widget.name,
        "as_of": Formatter.iso(view.as_of),
        "stale": view.stale,
        "currency": view.currency,
        "data": view.data,
    }
    return json.dumps(
        content,
        default=as_json_value,
        ensure_ascii=False,
        allow_nan=False,  # NaN is not JSON, although Python would write it
    )


def render_error_json(error: CabinetError, message: str) -> str:
    """An error with its public message."""
    content = {
        "error": {
            "code": error.code,
            "message": message,
        }
    }
    return json.dumps(content, ensure_ascii=False)


def as_json_value(value: object) -> object:
    """Convert what JSON has no type for."""
    if isinstance(value, Decimal):
        # Eight decimals keep every price and remove the noise of the API's binary fractions.
        # round() fails beyond 28 digits.
        number = float(f"{value:.8f}")
        if not math.isfinite(number):
            return None
        return number + 0.0  # -0.0 becomes 0.0
    if isinstance(value, date):
        return Formatter.iso(value)
    raise TypeError(type(value))
