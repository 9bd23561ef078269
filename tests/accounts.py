"""What many tests configure: an account with every widget, and a secret for its tokens."""

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
