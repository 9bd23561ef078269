"""What many tests configure: an account with every widget, and a secret for its tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

from widget.widgets import registry

WIDGETS = registry.discover()
SECRET = "a secret of more than thirty-two bytes"
EVERYTHING: dict[str, Any] = {
    "login": 1000005,
    "partner_password": "partner-password",
    "widgets": list(WIDGETS),
    "currency": "USD",
}
"""An account that displays all widgets."""


def query_with_rows(name: str, instant: float) -> str:
    """The options with which a widget has rows: on the first day of a month, its calendar is empty.

    Args:
        name: the widget.
        instant: the time of the test, in Unix seconds.
    """
    if name != "calendar":
        return ""
    first_day = datetime.fromtimestamp(instant, UTC).replace(day=1)
    last_month = first_day - timedelta(days=1)
    return f"month={last_month:%Y-%m}"
