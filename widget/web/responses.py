"""Headers and ETags of responses with figures."""

from flask import Response, request

from widget import headers
from widget.config import Server
from widget.tokens import Grant
from widget.view import View

_MAX_STALE_SECONDS = 60


def figures_response(
    response: Response, server: Server, view: View, grant: Grant | None = None, *, cors: bool = True
) -> Response:
    """Set the headers of a response with the figures of a view. Caches may store it if it is public.

    Args:
        response: the response.
        server: the settings of the service.
        view: the figures.
        grant: of the token or password that gave access; None if none was needed.
        cors: whether scripts of other origins may read it, if it is public.
    """
    add_etag(response)
    account = view.account
    is_private = account.is_private or grant is not None or request.method == "POST"
    cache = headers.PRIVATE if is_private else _public_cache_control(view)
    return headers.set_headers(response, server, cache, account, cors=cors and not is_private)


def _public_cache_control(view: View) -> str:
    max_age = max(1, int(view.fresh_seconds))
    # Figures that are older than twice their time to live are marked. A cache must not hide that.
    ttl = min(view.account.fresh_seconds(function) for function in view.widget.functions)
    stale = max(1, int(min(_MAX_STALE_SECONDS, ttl)))
    return f"public, max-age={max_age}, stale-while-revalidate={stale}"


def add_etag(response: Response) -> None:
    """Set the ETag of a response, and turn it into a 304 if the visitor has it."""
    response.add_etag(weak=True)  # weak, because a proxy may compress the body
    etag, _ = response.get_etag()
    # By hand: Response.make_conditional takes twice as long, for ranges and dates that are not used.
    if request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(etag or ""):
        response.status_code = 304
