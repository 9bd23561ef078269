"""The history of authorisations."""

import ipaddress
from datetime import UTC, datetime
from typing import Any

from widget.errors import N_
from widget.source import Source
from widget.spec import Options, Widget

_MASK_BITS = {4: 24, 6: 48}


def masked(address: str | None) -> str | None:
    """The network that an address is in (IPv4 /24, IPv6 /48): enough to recognise one's own, too little to be found by.

    None for what is no address.
    """
    try:
        parsed = ipaddress.ip_address((address or "").strip())
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(
        ipaddress.ip_network(
            f"{mapped or parsed}/{_MASK_BITS[(mapped or parsed).version]}", strict=False
        )
    )


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The newest logins of the period, their addresses masked."""
    start, end = options.period.bounds(source.now, source.account.timezone)
    logins = source.logins(start, end)[: options.rows]
    return {
        "from": start,
        "to": source.known_until(end),
        "logins": [
            {"time": login.time, "address": masked(login.address), "application": login.application}
            for login in logins
        ],
    }


WIDGET = Widget(
    name="logins",
    label=N_("Login history"),
    functions=("logins",),
    fetch=fetch,
    height=102,
    row_height=36,
    options=frozenset({"rows", "period"}),
    by_default=False,
    example={
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "logins": [
            {
                "time": datetime(2026, 11, 22, 18, 12, 40, tzinfo=UTC),
                "address": "203.0.113.0/24",
                "application": "MetaTrader 4 Android",
            },
        ],
    },
)
