"""Security and caching headers, set by one function for every response.

Responses differ in who may cache them, read them from a script, and frame them.
"""

from flask import Response

from widget.config import Account, Server

PRIVATE = "private, no-store"

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
_NO_FEATURES = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope magnetometer "
        "microphone midi payment picture-in-picture publickey-credentials-get screen-wake-lock usb xr-spatial-tracking"
    ).split()
)

# Permissions-Policy has no effect on files that are not documents, and a first view loads three of them.
_ASSETS = ("text/css", "text/javascript")


def set_headers(
    response: Response,
    server: Server,
    cache: str,
    account: Account | None = None,
    *,
    cors: bool = False,
    is_studio: bool = False,
) -> Response:
    """Set the headers of a response and return it.

    Args:
        response: any response.
        server: the settings of the service.
        cache: the value of Cache-Control.
        account: the account whose figures the response contains, which decides who may frame it;
            None if it contains none.
        cors: whether scripts of other origins may read the response.
        is_studio: whether this is the studio, which frames widgets and may not be framed itself.
    """
    headers = response.headers
    headers["Server"] = "cabinet-widgets"
    headers["Cache-Control"] = cache
    ancestors = frame_ancestors(account, studio=server.studio)
    frames = (
        "frame-src 'self'; frame-ancestors 'none'" if is_studio else f"frame-ancestors {ancestors}"
    )
    headers["Content-Security-Policy"] = f"{_CSP}; {frames}"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if response.mimetype not in _ASSETS:
        headers["Permissions-Policy"] = _NO_FEATURES
    if cache == PRIVATE:
        # Public pages do not need it: they are made for frames, where it has no effect, and contain nothing secret.
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    # A host page that is cross-origin isolated needs this for frames and for pictures in <img>.
    is_for_others = (
        cors or cache.startswith("public") or (response.mimetype or "").startswith("image/")
    )
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_for_others else "same-origin"
    if cors:
        headers["Access-Control-Allow-Origin"] = "*"
    if server.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def frame_ancestors(account: Account | None, *, studio: bool) -> str:
    """The sources of the CSP directive ``frame-ancestors``: the sites that may frame an account's widgets."""
    if account is None or (account.allowed_origins is None and account.access == "open"):
        return "*"
    origins = [*(account.allowed_origins or ()), *(["'self'"] if studio else [])]
    return " ".join(origins) or "'none'"
