"""The history of logins."""

import ipaddress

from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Column, Csv, Table, Widget, page_numbers, rows_of_page
from widget.widgets.options import Options

MASK_BITS = {4: 24, 6: 48}
"""How many bits of an address remain, by the version of IP."""

LOGINS = Table(
    rows="logins",
    fields=("time", "address", "application"),
    columns=(
        # Always displayed: on narrow cards the address stands below it.
        Column("time", N_("Time"), "time", below=("address",), always=True),
        Column("application", N_("Application"), "text", priority=2, fills=True),
        Column("address", N_("Address"), "id", priority=1),
    ),
    empty=N_("No logins in this period"),
)


def masked(address: str | None) -> str | None:
    """The network of an address, IPv4 /24 or IPv6 /48; None if it is not an address.

    That is enough to recognise one's own addresses and too little to identify a visitor.
    """
    text = (address or "").strip()
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is an IPv4 address: its /48 would say nothing.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = MASK_BITS[parsed.version]
    # Not strict: the bits after the mask may be set, and become zero.
    network = ipaddress.ip_network(f"{parsed}/{bits}", strict=False)
    return str(network)


def fetch(source: Source, options: Options) -> Data:
    """The newest logins of the period, with masked addresses."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    found = source.logins(start, end)
    logins = []
    for login in rows_of_page(found, options):
        # Before anything else, so that no renderer ever sees a whole address.
        masked_login = login._replace(address=masked(login.address))
        logins.append(masked_login)
    return {
        "from": start,
        "to": source.known_until(end),
        "logins": LOGINS.rows_of(logins),
        **page_numbers(len(found), options),
    }


WIDGET = Widget(
    name="logins",
    label=N_("Login history"),
    functions=("logins",),
    fetch=fetch,
    body=(LOGINS,),
    height=138,
    row_height=36,
    options=frozenset({"rows", "page", "period"}),
    csv=(Csv(LOGINS.rows, LOGINS.row_names),),
    by_default=False,  # when and from where somebody logs in is nobody else's business
    place=90,
    is_wide=True,
)
