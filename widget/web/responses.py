"""Headers and ETags of responses with figures."""

from flask import Response, request

from widget.config import Server
from widget.render.view import View
from widget.web import headers
from widget.web.tokens import Grant

_MAX_STALE_SECONDS = 60


def figures_response(
    response: Response,
    server: Server,
    view: View,
    grant: Grant | None = None,
) -> Response:
    """Set the headers of a response with figures. Caches may store it if it is public.

    Args:
        response: the response.
        server: the settings of the service.
        view: the figures.
        grant: of the token or password that gave access; None if none was needed.
    """
    add_etag(response)
    account = view.account
    # The response to a token or password is for one visitor, even if the account is open.
    has_credentials = grant is not None or request.method == "POST"
    if account.is_private or has_credentials:
        return headers.set_headers(response, server, headers.PRIVATE, account)
    cache = _public_cache_control(view)
    return headers.set_headers(response, server, cache, account, cors=True)


def shortest_ttl(view: View) -> float:
    """The shortest time to live, in seconds, of the API functions that a view is made of."""
    ttl = view.account.ttl
    ttls = [ttl(function) for function in view.widget.functions]
    return min(ttls)


def _public_cache_control(view: View) -> str:
    # At least a second: even then the response cache absorbs any number of visitors.
    max_age = max(1, int(view.fresh_for_seconds))
    # Older figures are only displayed after a wait for newer ones. A cache would not wait.
    grace = min(_MAX_STALE_SECONDS, view.usable_for_seconds - max_age)
    grace = max(0, int(grace))
    return f"public, max-age={max_age}, stale-while-revalidate={grace}"


def add_etag(response: Response) -> None:
    """Set the ETag of a response, and turn it into a 304 if the visitor has it."""
    response.add_etag(weak=True)  # weak, because a proxy may compress the body
    etag, _ = response.get_etag()
    # Response.make_conditional is slower: it handles ranges and dates, which are not used here.
    has_it = request.if_none_match.contains_weak(etag or "")
    if has_it and request.method in ("GET", "HEAD"):
        response.status_code = 304
