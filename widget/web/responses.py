"""Headers and ETags of responses with figures."""

from collections.abc import Sequence

from flask import Response, request

from widget.config import Server
from widget.render.account_view import AccountView
from widget.render.view import View
from widget.web import headers
from widget.web.metrics import Freshness
from widget.web.service import Service
from widget.web.tokens import Grant
from widget.widgets.options import MIN_REFRESH

Figures = View | AccountView
"""The figures of one widget, or of all widgets of an account."""

_MAX_STALE_SECONDS = 60


def figures_response(
    response: Response,
    server: Server,
    view: Figures,
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


def default_refresh(views: Sequence[View]) -> int:
    """The seconds between refreshes of a page: more often, its figures would be the same."""
    ttls = []
    for view in views:
        for function in view.widget.functions:
            ttl = view.account.ttl(function)
            ttls.append(ttl)
    shortest = round(min(ttls))
    return max(MIN_REFRESH, shortest)


def count_figures(
    service: Service,
    label: str,
    view: Figures,
    response: Response,
) -> None:
    """Count a response with figures.

    Args:
        service: has the metrics.
        label: the name of the widget.
        view: the figures.
        response: the response.
    """
    age = service.clock() - view.as_of.timestamp()
    # A delay is no reason to worry: only what is older counts.
    age -= view.account.delay_seconds
    freshness: Freshness = "fresh"
    if view.stale:
        freshness = "stale"
    service.metrics.count_response(label, response.status_code, freshness, age)


def _public_cache_control(view: Figures) -> str:
    # At least a second: even then the response cache absorbs any number of visitors.
    max_age = max(1, int(view.fresh_for_seconds))
    # Older figures are only displayed after a wait for newer ones. A cache would not wait.
    longest = view.usable_for_seconds - max_age
    grace = min(_MAX_STALE_SECONDS, longest)
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
