"""Routes and headers. No other module reads ``flask.request``."""

import ipaddress
import itertools
import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from pydantic import SecretStr
from werkzeug.security import check_password_hash

from widget import (
    __version__,
    access,
    headers,
    i18n,
    oembed,
    picture,
    registry,
    render,
    studio,
    tokens,
)
from widget.access import Allow, Credentials, Deny, Policy
from widget.assets import Assets
from widget.cache import FreshCache
from widget.config import Account, Server, Settings
from widget.errors import BadOption, CabinetError, Locked, NotFound, TooManyAttempts, Unavailable
from widget.guard import Upstream
from widget.i18n import Catalogues
from widget.metrics import CONTENT_TYPE, Metrics
from widget.render import PageContext, Renderer
from widget.response_cache import ELAPSED
from widget.source import Source
from widget.spec import (
    HEADING_HEIGHT,
    MIN_REFRESH,
    PARSERS,
    PICTURE_OPTIONS,
    Options,
    Widget,
    integer_between,
    parse_options,
)
from widget.view import View, build_view

VIEWER_TOKEN_SECONDS = 3600
"""Lifetime of a token of the unlock form. Refreshes renew it, until ``MAX_VIEWER_SECONDS`` after the password."""
MAX_VIEWER_SECONDS = 12 * 3600
MAX_QUERY = 6144
RETRY_SECONDS = 5
"""The default of ``Retry-After``, for errors that do not say when the next attempt makes sense."""
ATTEMPT_LIMIT = "10 per minute"
"""Limit of password attempts from one address for one account."""

log = logging.getLogger(__name__)

_YEAR = "public, max-age=31536000, immutable"
_APPEARANCE = ("theme", "accent", "lang", "title", *PICTURE_OPTIONS)
_PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is needed to handle requests; wired by ``app``."""

    settings: Settings
    widgets: Mapping[str, Widget]
    client: Upstream
    cache: FreshCache
    catalogues: Catalogues
    renderer: Renderer
    assets: Assets
    attempts: "PasswordAttempts"
    metrics: Metrics
    clock: Callable[[], float]

    def find(self, slug: str, name: str) -> tuple[Account, Widget] | None:
        """An account and one of its widgets; None if one of them is unknown or the widget is not enabled."""
        account, widget = self.settings.accounts.get(slug), self.widgets.get(name)
        if (
            account is None
            or widget is None
            or name not in registry.enabled_widgets(account, self.widgets)
        ):
            return None
        return account, widget


@dataclass(slots=True)
class WidgetRequest:
    """A parsed request for a widget. It is filled step by step, so that an error page knows what was parsed."""

    account: Account | None = None
    widget: Widget | None = None
    options: Options = field(default_factory=Options)
    grant: tokens.Grant | None = None


def blueprint(service: Service) -> Blueprint:
    """The routes of the service."""
    routes = Blueprint("cabinet", __name__)

    @routes.get("/w/<slug>/<name>")
    def widget(slug: str, name: str) -> Response:
        name, dot, suffix = name.partition(".")
        if dot + suffix not in _FORMATS:
            return _failure(service, NotFound("no such format"), WidgetRequest(), ".html")
        return _respond(service, slug, name, dot + suffix)

    @routes.post("/w/<slug>/<name>/unlock")
    def unlock(slug: str, name: str) -> Response:
        return _respond(service, slug, name, "", unlocking=True)

    # With strict slashes, a URL without a path is redirected, to the Host of the request, which is not trusted.
    @routes.get("/", strict_slashes=False)
    def studio_page() -> Response:
        return _studio(service)

    @routes.get("/oembed")
    def oembed_response() -> Response:
        parsed = WidgetRequest()
        try:
            return _oembed(service, parsed)
        except CabinetError as error:
            return _failure(service, error, parsed, ".json")

    @routes.get("/favicon.ico")
    def icon() -> Response:
        # Browsers request an icon whenever a page is opened in a tab of its own.
        return headers.set_headers(Response(status=204), service.settings.server, _YEAR)

    @routes.get("/embed.js")
    def loader() -> Response:
        return _asset(service, "embed.js", "public, max-age=3600, stale-while-revalidate=86400")

    @routes.get("/static/<version>/<name>")
    def static(version: str, name: str) -> Response:
        current = version == service.assets.version
        return _asset(service, name, _YEAR if current else "public, max-age=60")

    @routes.get("/embed.json")
    def catalogue() -> Response:
        response = Response(_catalogue(service), content_type="application/json")
        _validate(response)
        return headers.set_headers(
            response, service.settings.server, "public, max-age=3600", cors=True
        )

    @routes.get("/healthz")
    def health() -> Response:
        return Response("ok\n", mimetype="text/plain")

    accounts, probes = list(service.settings.accounts.values()), itertools.count()

    @routes.get("/readyz")
    def ready() -> Response:
        # Until a call has succeeded, each health check tries another account, and in turn its other widgets.
        turn, number = divmod(next(probes), len(accounts))
        names = registry.enabled_widgets(accounts[number], service.widgets)
        untried = service.widgets[names[turn % len(names)]]
        is_ready = service.client.has_worked or _works(service, accounts[number], untried)
        text, status = ("ok\n", 200) if is_ready else ("no call of the API has worked yet\n", 503)
        return Response(text, status, mimetype="text/plain")

    @routes.get("/metrics")
    def metrics() -> Response:
        if not _is_near(service):
            abort(404)
        return Response(service.metrics.text(), content_type=CONTENT_TYPE)

    return routes


class PasswordAttempts:
    """Checks passwords, a limited number of times for each address and account."""

    def __init__(self, limiter: Limiter, server: Server) -> None:
        def attempt_key() -> str:
            slug = (request.view_args or {}).get("slug")
            return f"{access.client_network(_visitor(server))} {slug}"

        self._limiter = limiter
        self._count = limiter.limit(ATTEMPT_LIMIT, key_func=attempt_key)(_nothing)

    def verify(self, stored: SecretStr | None, password: Callable[[], str]) -> bool:
        """Whether a password matches a stored hash. It is counted before it is read, since reading may take a while.

        A correct password resets the count: nine widgets on one page are unlocked one by one.

        Raises:
            TooManyAttempts: the limit is exceeded.
        """
        try:
            self._count()
        except RateLimitExceeded:
            raise TooManyAttempts("passwords") from None
        verify = stored is not None and check_password_hash(stored.get_secret_value(), password())
        for counted in self._limiter.current_limits if verify else ():
            with suppress(Exception):  # Redis may be unreachable
                self._limiter.limiter.clear(counted.limit, *counted.request_args)
        return verify


def _nothing() -> None:
    pass


def _visitor(server: Server) -> str | None:
    """The visitor's address."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return access.visitor_address(request.remote_addr, forwarded, server.trusted_proxies)


def _respond(
    service: Service, slug: str, name: str, suffix: str, *, unlocking: bool = False
) -> Response:
    """Respond with a widget in one format, or with an error in that format."""
    parsed = WidgetRequest()
    try:
        account, widget = resolve_request(service, parsed, slug, name, suffix, unlocking=unlocking)
        view = _view(service, account, widget, parsed.options)
        response = _FORMATS[suffix](service, parsed, view)
        age = service.clock() - view.as_of.timestamp()
        service.metrics.count_response(
            widget.name, response.status_code, "stale" if view.stale else "fresh", age
        )
        return response
    except CabinetError as error:
        service.metrics.count_response(
            parsed.widget.name if parsed.widget else "none", error.status, "none"
        )
        return _failure(service, error, parsed, suffix)


def _works(service: Service, account: Account, widget: Widget) -> bool:
    """Whether there are figures for a widget, from the API or cached by another process."""
    try:
        _view(service, account, widget, Options())
    except CabinetError:
        return False
    return True


def _is_near(service: Service) -> bool:
    """Whether a request comes from this machine or a private network, not through an untrusted proxy."""
    forwarded = {"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} & set(request.headers.keys())
    if forwarded and not service.settings.server.trusted_proxies:
        return False
    try:
        return ipaddress.ip_address(_visitor(service.settings.server) or "").is_private
    except ValueError:
        return False


def _view(service: Service, account: Account, widget: Widget, options: Options) -> View:
    now = datetime.fromtimestamp(service.clock(), UTC)
    waited = request.environ.get(ELAPSED, 0.0)
    return build_view(Source(account, service.client, service.cache, now, waited), widget, options)


def resolve_request(
    service: Service, parsed: WidgetRequest, slug: str, name: str, suffix: str, *, unlocking: bool
) -> tuple[Account, Widget]:
    """Parse a request and check that it is allowed.

    Raises:
        CabinetError: the request is wrong or not allowed.
    """
    found = service.find(slug, name)
    extra = PICTURE_OPTIONS if suffix in _PICTURES else ()
    if extra and found and not found[1].picture:
        found = None
    pairs = _query()
    parsed.options = _appearance(pairs)
    given = [value for option, value in pairs if option == "token"]
    if len(given) > 1:
        raise BadOption("token", "is given twice")
    if found:
        parsed.account, parsed.widget = found
    policy = Policy.of(found[0], found[1].name) if found else None
    now = service.clock()
    credentials = Credentials(
        _visitor(service.settings.server), None if unlocking else next(iter(given), None)
    )
    decision = access.decide(policy, credentials, now)
    if (
        unlocking
        and parsed.account
        and isinstance(decision, Deny)
        and isinstance(decision.reason, Locked)
    ):
        # Checking a password is expensive, so networks that are not allowed must not get this far.
        stored = parsed.account.viewer_password_hash
        verify = service.attempts.verify(stored, lambda: request.form.get("password", ""))
        credentials = replace(credentials, password_is_right=verify)
        decision = access.decide(policy, credentials, now)
        if isinstance(decision, Allow):
            parsed.grant = tokens.Grant({}, 0, int(now) + MAX_VIEWER_SECONDS)
    if isinstance(decision, Deny):
        raise decision.reason
    assert found is not None
    parsed.grant = decision.grant or parsed.grant
    options = [pair for pair in pairs if pair[0] != "token"]
    parsed.options = parse_options(
        found[1], options, parsed.grant.params if parsed.grant else {}, extra
    )
    return found


def _studio(service: Service) -> Response:
    """The studio, if it is enabled. Outside of the demo it requires its password."""
    server = service.settings.server
    if not server.studio:
        abort(404)
    try:
        if not service.settings.demo and not _is_operator(service):
            challenge = {
                "WWW-Authenticate": 'Basic realm="Cabinet Widgets studio", charset="UTF-8"'
            }
            return Response(
                "The studio requires its password.\n", 401, challenge, mimetype="text/plain"
            )
        language = service.catalogues.negotiate(*(tag for tag, _ in request.accept_languages))
        urls = {name: service.assets.url(f"studio.{name}") for name in ("css", "js")}
        html = service.renderer.template(
            "studio.html",
            language,
            assets={**urls, "loader": f"{server.path}/embed.js"},
            languages={tag: i18n.language_name(tag) for tag in service.catalogues.languages},
            **studio.build_context(service.settings, service.widgets, service.catalogues, _query()),
        )
        response = Response(html, content_type="text/html; charset=utf-8")
        return headers.set_headers(response, server, headers.PRIVATE, is_studio=True)
    except CabinetError as error:
        return _failure(service, error, WidgetRequest(), "")


def _is_operator(service: Service) -> bool:
    given, stored = request.authorization, service.settings.server.studio_password_hash
    if given is None or given.type != "basic" or stored is None:
        return False
    return service.attempts.verify(stored, lambda: given.password or "")


def _oembed(service: Service, parsed: WidgetRequest) -> Response:
    """The oEmbed response for the URL of a widget. Unknown parameters are ignored."""
    params = dict(_query())
    form = params.get("format", "json").lower()
    if form not in ("json", "xml"):
        abort(501)  # as the oEmbed specification requires
    pixels = integer_between(1, 999_999)
    most = {
        name: pixels(name, params[name]) for name in ("maxwidth", "maxheight") if name in params
    }
    base, url = service.settings.server.public_url, params.get("url", "")
    match = re.fullmatch(re.escape(base) + r"/w/([^/?#]+)/([^/?#]+)(?:\?([^#]*))?(?:#.*)?", url)
    found = service.find(match[1], match[2]) if match else None
    if match is None or found is None:
        raise NotFound("not the URL of a widget")
    parsed.account, parsed.widget = found
    pairs = parse_qsl(match[3] or "", keep_blank_values=True)
    visitor = Credentials(_visitor(service.settings.server))
    decision = access.decide(Policy.of(found[0], found[1].name), visitor, service.clock())
    if isinstance(decision, Deny):
        raise decision.reason
    if any(name == "token" for name, _ in pairs):
        raise Locked("public embed code must not contain a token")
    try:
        options = oembed.fit_rows(found[1], parse_options(found[1], pairs), most.get("maxheight"))
    except BadOption as error:
        raise NotFound(f"not the URL of a widget: {error}") from None
    view = _view(service, parsed.account, parsed.widget, options)
    data = oembed.build_response(
        service.renderer, view, base, dict(pairs), most.get("maxwidth"), most.get("maxheight")
    )
    if form == "xml":
        return _figures(
            service,
            Response(oembed.as_xml(data), content_type="text/xml; charset=utf-8"),
            parsed,
            view,
        )
    return _figures(
        service, Response(json.dumps(data), content_type="application/json"), parsed, view
    )


def _query() -> list[tuple[str, str]]:
    """The pairs of the query string, in order.

    Raises:
        BadOption: the query is too long or not valid UTF-8.
    """
    if len(request.query_string) > MAX_QUERY:
        raise BadOption("query", f"is longer than {MAX_QUERY} characters")
    try:
        return parse_qsl(
            request.query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=40,
        )
    except ValueError:
        raise BadOption("query", "cannot be read") from None


def _appearance(pairs: list[tuple[str, str]]) -> Options:
    """The valid options that apply to error pages as well."""
    options = Options()
    for name, value in pairs:
        if name in _APPEARANCE:
            with suppress(BadOption):
                options = replace(options, **{name: PARSERS[name](name, value)})
    return options


def _page(service: Service, parsed: WidgetRequest, view: View) -> Response:
    account, widget, base = view.account, view.widget, service.settings.server.public_url
    token, grant = None, parsed.grant
    now = service.clock()
    if grant and grant.renewable_until > now and grant.expires - now < VIEWER_TOKEN_SECONDS / 2:
        grant = replace(grant, expires=int(min(now + VIEWER_TOKEN_SECONDS, grant.renewable_until)))
        key = access.signing_keys(account)[-1]
        token = tokens.sign(
            [key],
            f"{account.slug}/{widget.name}",
            grant.expires,
            grant.params,
            grant.renewable_until,
        )
    is_private = account.is_private or grant is not None
    frame = PageContext(
        assets=_asset_urls(service, view.options),
        token=token,
        expires=grant.expires if grant else None,
        canonical=None
        if is_private
        else render.widget_url(base, account.slug, widget.name, "", _query()),
        refresh=view.options.refresh
        or max(MIN_REFRESH, round(min(map(account.ttl, widget.functions)))),
    )
    response = Response(service.renderer.page(view, frame), content_type="text/html; charset=utf-8")
    return _figures(service, response, parsed, view, cors=False)


def _json(service: Service, parsed: WidgetRequest, view: View) -> Response:
    return _figures(
        service, Response(render.render_json(view), content_type="application/json"), parsed, view
    )


def _picture(service: Service, parsed: WidgetRequest, view: View, *, suffix: str) -> Response:
    return _figures(
        service, _drawn(picture.widget_svg(view, service.catalogues), suffix), parsed, view
    )


def _drawn(svg: str, suffix: str, status: int = 200) -> Response:
    return Response(
        picture.svg_to_png(svg) if suffix == ".png" else svg, status, content_type=_PICTURES[suffix]
    )


_FORMATS: Mapping[str, Callable[[Service, WidgetRequest, View], Response]] = {
    "": _page,
    ".json": _json,
    **{suffix: partial(_picture, suffix=suffix) for suffix in _PICTURES},
}


def _figures(
    service: Service, response: Response, parsed: WidgetRequest, view: View, *, cors: bool = True
) -> Response:
    """Set the headers of a response with figures. Caches may store it only if it is public."""
    _validate(response)
    is_private = view.account.is_private or parsed.grant is not None or request.method == "POST"
    seconds = max(1, int(view.fresh_seconds))
    # What is shown longer than twice the time that it counts as fresh must say so: a cache may not withhold that.
    grace = max(1, int(min(60, *map(view.account.ttl, view.widget.functions))))
    public = f"public, max-age={seconds}, stale-while-revalidate={grace}"
    cache = headers.PRIVATE if is_private else public
    return headers.set_headers(
        response, service.settings.server, cache, parsed.account, cors=cors and not is_private
    )


def _validate(response: Response) -> None:
    """Set the ETag of a response, and turn it into a 304 if the visitor has it."""
    response.add_etag(weak=True)  # weak: a proxy may compress it
    if request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(
        response.get_etag()[0] or ""
    ):
        response.status_code = 304


def _failure(service: Service, error: CabinetError, parsed: WidgetRequest, suffix: str) -> Response:
    """Respond with an error in the requested format and the visitor's language."""
    account = parsed.account
    if error.status >= 500:
        log.warning("%s %s: %s", account.slug if account else "-", error.code, error)
    elif account and str(error).startswith("token: "):
        # Helps whoever writes the site that creates the tokens.
        log.info(
            "%s/%s %s: %s",
            account.slug,
            parsed.widget.name if parsed.widget else "-",
            error.code,
            error,
        )
    accepted = [tag for tag, _ in request.accept_languages]
    language = service.catalogues.negotiate(
        parsed.options.lang, *accepted, account.lang if account else None
    )
    message = service.renderer.message(error, language)
    if suffix == "":
        frame = PageContext(
            assets=_asset_urls(service, parsed.options),
            unlock_url=_unlock_url(service, parsed, error),
        )
        of = parsed.widget.label if parsed.widget else ""
        body = service.renderer.error_page(error.code, message, language, parsed.options, frame, of)
        response = Response(body, error.status, content_type="text/html; charset=utf-8")
    elif suffix in _PICTURES:
        response = _drawn(
            picture.message_svg(message, language, parsed.options), suffix, error.status
        )
    else:
        response = Response(
            render.render_error_json(error, message), error.status, content_type="application/json"
        )
    if error.retry_after is not None or isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after or RETRY_SECONDS)))
    return headers.set_headers(
        response,
        service.settings.server,
        headers.PRIVATE,
        account,
        cors=account is None or not account.is_private,
    )


def _unlock_url(service: Service, parsed: WidgetRequest, error: CabinetError) -> str | None:
    if not (parsed.account and parsed.widget and parsed.account.viewer_password_hash):
        return None
    if not isinstance(error, Locked | TooManyAttempts):
        return None
    options = [pair for pair in _query() if pair[0] != "token"]
    return render.widget_url(
        service.settings.server.path, parsed.account.slug, parsed.widget.name, "/unlock", options
    )


def _asset_urls(service: Service, options: Options) -> dict[str, str]:
    css = f"widget-{options.accent}.css" if options.accent else "widget.css"
    return {"css": service.assets.url(css), "js": service.assets.url("widget.js")}


def _asset(service: Service, name: str, cache: str) -> Response:
    asset = service.assets.get(name)
    if asset is None:
        abort(404)
    response = Response(asset.body, content_type=asset.content_type)
    _validate(response)
    return headers.set_headers(response, service.settings.server, cache, cors=True)


def _catalogue(service: Service) -> str:
    """The JSON description of the widgets, for programs that embed them.

    An account is listed only if it is the only one and public, so that nobody has to type its name.
    If there are several, knowing one must not reveal the others.
    """
    accounts = list(service.settings.accounts.values())
    return json.dumps(
        {
            "version": __version__,
            "accounts": [
                account.slug
                for account in accounts
                if len(accounts) == 1 and not account.is_private
            ],
            "widgets": {
                widget.name: {
                    "label": widget.label,
                    "height": widget.height,
                    "row_height": widget.row_height,
                    "heading": HEADING_HEIGHT,
                    "rows": widget.default_rows,
                    "options": widget.all_options,
                    "picture": bool(widget.picture),
                }
                for widget in service.widgets.values()
            },
        }
    )
