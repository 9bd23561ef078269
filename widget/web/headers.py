"""Security and caching headers, set by one function for every response.

Responses differ in who may cache them, read them from a script, and frame them.
"""

from flask import Response, current_app, request

from widget.config import Account, Server

PRIVATE = "private, no-store"

# Browsers store the response to a preflight for two hours at most.
_PREFLIGHT_SECONDS = 7200

# Nothing inline is allowed, so that text that gets into a page as markup cannot run.
_CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    ]
)
# Those that browsers ask the visitor for. Frames of other sites have none of the others anyway.
_UNUSED_FEATURES = (
    "camera",
    "display-capture",
    "geolocation",
    "microphone",
    "payment",
    "publickey-credentials-get",
    "usb",
)
_PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES)
# Policies of documents have no effect on these, and a first view loads three of them.
_TYPES_OF_PARTS = ("text/css", "text/javascript")


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
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if response.mimetype in _TYPES_OF_PARTS:
        headers["Content-Security-Policy"] = "default-src 'none'"
    else:
        ancestors = frame_ancestors(account, studio=server.studio)
        headers["Content-Security-Policy"] = content_security_policy(ancestors, is_studio)
        headers["Permissions-Policy"] = _PERMISSIONS_POLICY
    _set_cross_origin_policies(response, cache, cors=cors)
    if cors:
        headers["Access-Control-Allow-Origin"] = "*"
        # So that scripts can send it back as If-None-Match.
        headers["Access-Control-Expose-Headers"] = "ETag"
    if server.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _set_cross_origin_policies(response: Response, cache: str, *, cors: bool) -> None:
    """Set what browsers may share with pages of other origins."""
    headers = response.headers
    if cache == PRIVATE:
        # Public pages do not need it: they are made for frames, where it has no effect, and
        # contain nothing secret.
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        # A host page that is cross-origin isolated needs this for frames, whose files have the
        # policy below.
        headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    is_picture = (response.mimetype or "").startswith("image/")
    # Private pages as well, but only for frames, which frame-ancestors restricts.
    is_frame = request.headers.get("Sec-Fetch-Dest") == "iframe"
    if cors or is_picture or is_frame or cache.startswith("public"):
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def content_security_policy(ancestors: str, is_studio: bool) -> str:
    """The policy of a document.

    Args:
        ancestors: who may frame it, see ``frame_ancestors``.
        is_studio: whether it is the studio, which may not be framed itself.
    """
    if is_studio:
        return _CONTENT_SECURITY_POLICY + "; frame-src 'self'; frame-ancestors 'none'"
    if ancestors:
        return _CONTENT_SECURITY_POLICY + f"; frame-ancestors {ancestors}"
    return _CONTENT_SECURITY_POLICY


def preflight_response(server: Server, *, cors: bool) -> Response:
    """The response to ``OPTIONS``.

    Args:
        server: the settings of the service.
        cors: whether scripts of other origins may send ``If-None-Match``, and read the response.
    """
    response = current_app.make_default_options_response()
    if cors:
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
    return set_headers(response, server, PRIVATE, cors=cors)


def frame_ancestors(account: Account | None, *, studio: bool) -> str:
    """The sources of the CSP directive ``frame-ancestors``: who may frame an account's widgets.

    Empty if anyone may: even ``*`` would exclude local files and the pages of apps.

    Args:
        account: the account; None for responses without figures.
        studio: whether the studio is enabled, which frames the widgets of all accounts.
    """
    if account is None:
        return ""
    if account.allowed_origins is None and account.access == "open":
        return ""
    origins = list(account.allowed_origins or ())
    if studio:
        origins.append("'self'")
    return " ".join(origins) or "'none'"
