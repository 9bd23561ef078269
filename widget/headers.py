"""The headers of every answer, set by one function: what differs is who may keep, read and frame it."""

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

# It means nothing on what is no document, and each first view would carry it three times for that.
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
    """Set the headers.

    Args:
        response: any answer.
        server: the service's settings.
        cache: Cache-Control.
        account: whose figures it carries, for who may frame it; None for nobody's.
        cors: whether scripts of other origins may read it.
        is_studio: whether it is the studio, which frames widgets and is framed by nobody.
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
    if (
        cache == PRIVATE
    ):  # a public page is made for frames, where this has no meaning, and hides nothing
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    # A host page may have asked for the isolation in which frames need this, and shows pictures by <img>.
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
    """Who may frame an account's widgets, in the words of CSP."""
    if account is None or (account.allowed_origins is None and account.access == "open"):
        return "*"
    origins = [*(account.allowed_origins or ()), *(["'self'"] if studio else [])]
    return " ".join(origins) or "'none'"
