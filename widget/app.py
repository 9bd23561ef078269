"""``create_app``: everything wired together. Nothing happens before it is called."""

import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask, Response
from flask_caching import Cache
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException

from widget import assets, cache, config, headers, i18n, logs, paths, registry, render, web
from widget.config import Settings
from widget.errors import OperatorError
from widget.guard import Upstream
from widget.metrics import Metrics
from widget.response_cache import ResponseCache

CONFIG_VARIABLE = "CABINET_WIDGETS_CONFIG"
DEFAULT_CONFIG = "widgets.toml"
MAX_BODY_BYTES = 4096
CACHE_ENTRIES_PER_ACCOUNT = 16


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> Flask:
    """The service as a WSGI application.

    Args:
        settings: the configuration.
        clock: Unix seconds; what is fresh, what has expired and which day it is, all go by it.

    Raises:
        OperatorError: the cache cannot be used, or the catalogues cannot be read.
    """
    app = Flask("widget", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # it would redirect, to the Host that the request names
    widgets = registry.discover(paths.templates())
    catalogues = i18n.load_catalogues(paths.locales())
    metrics = Metrics()
    service = web.Service(
        settings=settings,
        widgets=widgets,
        client=Upstream(now=clock, on_call=metrics.observe_call),
        cache=_cache(app, settings, clock),
        catalogues=catalogues,
        renderer=render.Renderer(paths.templates(), catalogues),
        assets=assets.Assets(paths.static(), widgets, settings.server.path),
        tries=web.PasswordAttempts(_limiter(app, settings), settings.server),
        metrics=metrics,
        clock=clock,
    )
    app.extensions["cabinet-widgets"] = service
    app.register_blueprint(web.blueprint(service))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        """Also what was unforeseen: Flask logs it and makes a 500 of it."""
        return Response(
            f"{error.code} {error.name}\n", error.code, error.get_headers(), mimetype="text/plain"
        )

    @app.after_request
    def protected(response: Response) -> Response:
        """What has not said who may keep it is for nobody else: errors, probes, what Flask answers to OPTIONS."""
        if "Content-Security-Policy" in response.headers:
            return response
        return headers.set_headers(response, settings.server, headers.PRIVATE)

    layer: WSGIApplication = logs.RequestLogger(app.wsgi_app)
    app.wsgi_app = ResponseCache(layer, clock=clock, count=metrics.count_request)  # type: ignore[method-assign]
    return app


def config_path(given: str | None, env: Mapping[str, str]) -> Path:
    """Where the configuration is: as given, else as the environment says, else in the working directory."""
    return Path(given or env.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """The configuration of a file, see ``config.load``."""
    return config.load(path, env, registry.discover(paths.templates()).keys())


def from_environment() -> WSGIApplication:
    """The application for a server that only knows a name: ``widget.app:from_environment()``."""
    try:
        settings = load_settings(config_path(None, os.environ), os.environ)
        logs.configure(settings)
        return create_app(
            settings
        ).wsgi_app  # Flask's own __call__ in front of it would take a tenth of its time
    except OperatorError as error:
        raise SystemExit(f"cabinet-widgets: {error}") from None


def prepare_folders(settings: Settings) -> tuple[Path, Path] | None:
    """Make the folders of a FileSystemCache, for answers and for locks; None where the cache is another.

    They are apart, since the library that keeps the answers takes every file beside them for one of its own.

    Raises:
        OperatorError: they cannot be used.
    """
    chosen = settings.cache
    if chosen.type != "FileSystemCache":
        return None
    answers, locks = chosen.dir / "answers", chosen.dir / "locks"
    try:
        for folder in (chosen.dir, answers, locks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
            # What is kept is unpickled: who can write it, or put another folder in its place, can run code here.
            if status.st_uid not in (0, os.geteuid()):
                raise OperatorError(
                    f"cache.dir: {folder} belongs to another user; name one of the service's user"
                )
            # In a sticky folder such as /tmp nobody can move what is another's.
            is_sticky = folder == chosen.dir and status.st_mode & stat.S_ISVTX
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_sticky:
                raise OperatorError(
                    f"cache.dir: {folder} can be written by others; run: chmod 700 {folder}"
                )
        for folder in (answers, locks):
            (folder / ".writable").touch()
    except OSError as error:
        why = f"{chosen.dir} cannot be written: {error.strerror}"
        raise OperatorError(
            f"cache.dir: {why}; name a folder that the service's user may write"
        ) from None
    return answers, locks


def _cache(app: Flask, settings: Settings, clock: Callable[[], float]) -> cache.FreshCache:
    """Flask-Caching as it is configured, with freshness and one caller at a time on top."""
    chosen = settings.cache
    # A call may take its whole deadline; a lock that outlives two of them belongs to a process that died.
    lock_seconds = 2 * max(account.api.deadline_seconds for account in settings.accounts.values())
    options: dict[str, Any] = {
        "CACHE_TYPE": chosen.type,
        "CACHE_DEFAULT_TIMEOUT": chosen.keep_seconds,
        "CACHE_THRESHOLD": max(500, CACHE_ENTRIES_PER_ACCOUNT * len(settings.accounts)),
    }
    more: dict[str, Any] = {}
    if folders := prepare_folders(settings):
        answers, locks = folders
        options["CACHE_DIR"] = str(answers)
        more["mutex"] = cache.file_mutexes(locks, lock_seconds)
    if chosen.type == "RedisCache" and chosen.redis_url:
        from redis import Redis  # it is needed here alone, and slow to import

        url = chosen.redis_url.get_secret_value()
        options |= {
            "CACHE_REDIS_URL": url,
            "CACHE_KEY_PREFIX": "cabinet-widgets:",
            "CACHE_OPTIONS": cache.redis_options(),
        }
        more["mutex"] = cache.redis_mutexes(
            Redis.from_url(url, **cache.redis_options()), lock_seconds
        )
    store = Cache(app, config=options).cache
    return cache.FreshCache(store, keep_seconds=chosen.keep_seconds, clock=clock, **more)


def _limiter(app: Flask, settings: Settings) -> Limiter:
    """Counts tries of passwords: in Redis where the cache is, and in memory while Redis fails, never not at all."""
    uri, options = "memory://", dict[str, Any]()
    if settings.cache.type == "RedisCache" and settings.cache.redis_url:
        uri, options = settings.cache.redis_url.get_secret_value(), cache.redis_options()
    return Limiter(
        lambda: "",
        app=app,
        storage_uri=uri,
        storage_options=options,
        strategy="moving-window",
        in_memory_fallback_enabled=True,
    )
