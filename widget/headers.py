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


def finish(
    response: Response, server: Server, cache: str, account: Account | None = None, *, cors: bool = False
) -> Response:
    """Set the headers.

    Args:
        response: any answer.
        server: the service's settings.
        cache: Cache-Control.
        account: whose figures it carries, for who may frame it; None for nobody's.
        cors: whether scripts of other origins may read it.
    """
    headers = response.headers
    headers["Server"] = "cabinet-widgets"
    headers["Cache-Control"] = cache
    headers["Content-Security-Policy"] = f"{_CSP}; frame-ancestors {frame_ancestors(account, studio=server.studio)}"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Permissions-Policy"] = _NO_FEATURES
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if cors else "same-origin"
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
