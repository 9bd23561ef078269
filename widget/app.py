"""``create_app`` wires everything together. Nothing happens on import."""

import gc
import math
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from flask import Flask, Response
from flask_caching import Cache
from limits.storage import MemoryStorage, RedisStorage, Storage
from werkzeug.exceptions import HTTPException

from widget import config, paths
from widget.api.client import Client
from widget.api.guard import GuardedClient
from widget.config import Account, Settings, variables
from widget.config.values import is_loopback
from widget.data import locks
from widget.data.cache import Environment, FreshCache
from widget.data.call_threads import CallThreads
from widget.data.sampler import Plan, Sampler, functions_to_sample
from widget.data.snapshots import Snapshots, max_snapshots
from widget.errors import OperatorError
from widget.names import Function
from widget.render import i18n
from widget.render.html import Renderer
from widget.render.painter import Painter
from widget.web import assets, headers, logs
from widget.web.attempt_file import AttemptFile
from widget.web.error_responses import ErrorResponses
from widget.web.metrics import Metrics
from widget.web.passwords import PasswordAttempts
from widget.web.request_data import UntrustedProxyWarning
from widget.web.response_cache import ResponseCache
from widget.web.routes import blueprint
from widget.web.service import Service
from widget.widgets import registry
from widget.widgets.base import Widgets

CONFIG_VARIABLE = "CABINET_WIDGETS_CONFIG"
ATTEMPTS_VARIABLE = "CABINET_WIDGETS_ATTEMPTS"
"""Environment variable by which ``serve`` names a file to its workers, in which they count password
attempts."""
ATTEMPT_FILE = "attempts.sqlite"
DEFAULT_CONFIG = "widgets.toml"
MAX_BODY_BYTES = 4096
# One for each function, and several for histories of different lengths.
CACHE_ENTRIES_PER_ACCOUNT = 16
MIN_CACHE_ENTRIES = 500


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """Create the service as a WSGI application.

    Args:
        settings: the configuration.
        clock: Unix seconds. Freshness, expiry and the current day depend on it.

    Raises:
        OperatorError: the cache cannot be used, or a catalogue cannot be read.
    """
    # Without Flask's own folders: pages and scripts come from the renderer and the assets.
    app = Flask("widget", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES  # the only bodies are passwords
    # A slash at the end of a URL makes no difference, and two are not one. Otherwise Flask would
    # redirect, to the Host of the request, which is not trusted.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    service = _create_service(app, settings, clock)
    app.extensions["cabinet-widgets"] = service
    errors = ErrorResponses(service)
    app.register_blueprint(blueprint(service, errors))
    _register_handlers(app, settings, errors)
    # Outermost, so that a cached response costs neither a log line nor anything of Flask.
    logged: WSGIApplication = logs.RequestLogger(app.wsgi_app)
    cached = ResponseCache(logged, clock=clock, count=service.metrics.count_request)
    app.wsgi_app = cached  # type: ignore[method-assign]
    return app


def _create_service(app: Flask, settings: Settings, clock: Callable[[], float]) -> Service:
    """All parts of the service, connected with each other."""
    widgets = registry.discover()
    metrics = Metrics()
    client = _client(metrics, clock)
    shared = _shared_store(app, settings)
    snapshots = Snapshots(
        shared.backend,
        keep_seconds=settings.cache.keep_seconds,
        clock=clock,
    )
    plans = sampling_plans(settings, widgets, client)
    sampler = Sampler(plans, client, snapshots, clock=clock, lock=shared.lock)
    catalogues = i18n.load_catalogues(paths.locales())
    return Service(
        settings=settings,
        widgets=widgets,
        client=client,
        cache=_cache(shared, settings, clock),
        snapshots=snapshots,
        sampler=sampler,
        catalogues=catalogues,
        renderer=Renderer(paths.templates(), catalogues),
        painter=Painter(),
        assets=assets.Assets(paths.static(), widgets, settings.server.path),
        attempts=PasswordAttempts(_attempt_storage(settings), settings.server),
        metrics=metrics,
        clock=clock,
    )


def _register_handlers(app: Flask, settings: Settings, errors: ErrorResponses) -> None:
    """Make all responses that no endpoint makes safe: errors, and OPTIONS."""
    if not settings.server.trusted_proxies:
        app.before_request(UntrustedProxyWarning().check)
    # Flask logs unexpected exceptions, and turns them into the one of status 500.
    app.register_error_handler(HTTPException, errors.respond_to_http)

    @app.after_request
    def protect(response: Response) -> Response:
        """Set the headers of responses that have none yet: health checks, OPTIONS.

        Responses without Cache-Control are private.
        """
        if "Content-Security-Policy" in response.headers:
            return response
        return headers.set_headers(response, settings.server, headers.PRIVATE)


def config_path(given: str | None, env: Mapping[str, str]) -> Path | None:
    """The path of the configuration: as given, from ``env``, or in the working directory.

    None if there is no file, and variables configure an account instead.

    Raises:
        OperatorError: there are a file and such variables.
    """
    path = Path(given or env.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)
    names = variables.present(env)
    if not names:
        return path
    # Containers name a file that need not exist.
    if given or path.exists():
        listed = ", ".join(names)
        raise OperatorError(
            f"there is the file {path}, and an account in environment variables ({listed});"
            " remove one of the two"
        )
    return None


def load_settings(path: Path | None, env: Mapping[str, str]) -> Settings:
    """Read the configuration from a file, or from environment variables if there is none."""
    widgets = registry.discover()
    if path is None:
        return config.load_from_variables(env, widgets.keys())
    return config.load(path, env, widgets.keys())


class Application:
    """Creates the WSGI application in each worker, with a configuration that was read before.

    Args:
        path: the configuration file; None if environment variables replace it.
        env: the environment.
        log_format: how the workers write their log.
        local_url: replaces ``public_url`` if the configuration has none; None for its default.

    Attributes:
        settings: the configuration.

    Raises:
        OperatorError: the configuration has mistakes, or its cache cannot be used.
    """

    def __init__(
        self,
        path: Path | None,
        env: Mapping[str, str],
        log_format: logs.LogFormat = "json",
        local_url: str | None = None,
    ) -> None:
        self._path = path
        self._env = env
        self._log_format: logs.LogFormat = log_format
        self._local_url = local_url
        self.settings = self._read()

    def __call__(self) -> WSGIApplication:
        """Create the application; OperatorError if the cache cannot be used."""
        logs.configure(self.settings, self._log_format)
        app = create_app(self.settings)
        app.extensions["cabinet-widgets"].sampler.start()
        # Catalogues, templates and modules stay until the end. Without this, a full collection
        # visits them all, and every request waits for it: 20 to 40 ms.
        gc.collect()
        gc.freeze()
        # Flask.__call__ would add a tenth to the time of a cached response.
        return app.wsgi_app

    def reload(self) -> None:
        """Read the configuration again; if that raises OperatorError, the present one stays."""
        self.settings = self._read()

    def _read(self) -> Settings:
        settings = load_settings(self._path, self._env)
        prepare_folders(settings)
        has_url = "public_url" in settings.server.model_fields_set
        if has_url or self._local_url is None:
            return settings
        # Other machines need https, and so a proxy, whose address only the operator knows.
        host = urlsplit(self._local_url).hostname or ""
        if not is_loopback(host):
            return settings
        server = settings.server.model_copy(update={"public_url": self._local_url})
        return settings.model_copy(update={"server": server})


def from_environment() -> WSGIApplication:
    """Create the application for a WSGI server: ``widget.app:from_environment()``."""
    try:
        application = Application(config_path(None, os.environ), os.environ)
        return application()
    except OperatorError as error:
        raise SystemExit(f"cabinet-widgets: {error}") from None


def prepare_folders(settings: Settings) -> tuple[Path, Path] | None:
    """Create the folders of a FileSystemCache, for results and for locks; None for other types.

    They are separate because the cache library treats every file in its folder as one of its own.

    Raises:
        OperatorError: a folder cannot be used.
    """
    parent = settings.cache.dir
    if settings.cache.type != "FileSystemCache":
        return None
    results = parent / "answers"
    lock_folder = parent / "locks"
    try:
        for folder in (parent, results, lock_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # In a sticky folder such as /tmp nobody can move the files of another user.
            _check_permissions(folder, may_be_sticky=folder == parent)
        # Whether files can be created is only certain after one was created.
        for folder in (results, lock_folder):
            (folder / ".writable").touch()
    except OSError as error:
        why = f"{parent} cannot be written: {error.strerror}"
        advice = "name a folder that the service's user may write"
        raise OperatorError(f"cache.dir: {why}; {advice}") from None
    return results, lock_folder


def _check_permissions(folder: Path, *, may_be_sticky: bool) -> None:
    """Check that no other user can write a folder.

    The cache unpickles its files: a user who can write them, or replace the folder, can run code
    here.
    """
    status = folder.stat()
    # The owner could always make it writable. Root can write everything in any case.
    trusted_owners = (0, os.geteuid())
    if status.st_uid not in trusted_owners:
        raise OperatorError(
            f"cache.dir: {folder} belongs to another user; name one of the service's user"
        )
    write_bits_of_others = stat.S_IWGRP | stat.S_IWOTH
    others_can_write = status.st_mode & write_bits_of_others
    is_sticky = may_be_sticky and status.st_mode & stat.S_ISVTX
    if others_can_write and not is_sticky:
        raise OperatorError(
            f"cache.dir: {folder} is writable by other users; run: chmod 700 {folder}"
        )


def _client(metrics: Metrics, clock: Callable[[], float]) -> GuardedClient:
    """The client of the APIs, which reports its calls to the metrics."""
    return GuardedClient(
        Client(now=clock),
        now=clock,
        on_call=metrics.observe_call,
    )


def _cache(
    shared: "SharedStore",
    settings: Settings,
    clock: Callable[[], float],
) -> FreshCache:
    """The cache of API results, with freshness and one caller at a time on top of the store."""
    # APIs are told apart by their addresses: the accounts of one share its threads.
    apis = {account.api.base_url for account in settings.accounts.values()}
    return FreshCache(
        shared.backend,
        keep_seconds=settings.cache.keep_seconds,
        patience_seconds=settings.server.patience_seconds,
        lock=shared.lock,
        threads=CallThreads(len(apis)),
        environment=Environment(clock=clock),
    )


def sampling_plans(
    settings: Settings,
    widgets: Widgets,
    client: GuardedClient,
) -> list[Plan]:
    """What to sample of each delayed account: the functions of the widgets that it displays."""
    plans = []
    for account in settings.accounts.values():
        if account.delay_minutes == 0:
            continue
        used: set[Function] = set()
        for name in registry.enabled_widgets(account, widgets):
            used.update(widgets[name].functions)
        plans.append(Plan(account, functions_to_sample(account, used, client)))
    return plans


@dataclass(frozen=True, slots=True)
class SharedStore:
    """What all processes of the service share, as far as the configuration allows it.

    Attributes:
        backend: the configured cache of Flask-Caching.
        lock: creates the lock for a key.
    """

    backend: Any
    lock: Callable[[str], locks.ProcessLock]


def _shared_store(app: Flask, settings: Settings) -> SharedStore:
    """The configured Flask-Caching cache, and the locks that go with it."""
    chosen = settings.cache
    accounts = settings.accounts.values()
    options: dict[str, Any] = {
        "CACHE_TYPE": chosen.type,
        # The backends accept whole numbers only.
        "CACHE_DEFAULT_TIMEOUT": math.ceil(chosen.keep_seconds),
        "CACHE_THRESHOLD": _cache_entries(accounts),
    }
    # A call ends within its deadline. A lock that is twice as old belongs to a process that died.
    longest_deadline = max(account.api.deadline_seconds for account in accounts)
    lock_seconds = 2 * longest_deadline
    lock: Callable[[str], locks.ProcessLock] = locks.no_other_process
    folders = prepare_folders(settings)
    if folders is not None:
        results, lock_folder = folders
        options["CACHE_DIR"] = str(results)
        lock = locks.file_locks(lock_folder, lock_seconds)
    if chosen.type == "RedisCache" and chosen.redis_url:
        from redis import Redis  # slow to import, and only needed here

        url = chosen.redis_url.get_secret_value()
        options |= _redis_cache_options(url)
        client = Redis.from_url(url, **locks.redis_options())
        lock = locks.redis_locks(client, lock_seconds)
    return SharedStore(Cache(app, config=options).cache, lock)


def _cache_entries(accounts: Collection[Account]) -> int:
    """How many values the cache must hold.

    With too few, the accounts would push each other's results out of it.
    """
    needed = 0
    for account in accounts:
        needed += CACHE_ENTRIES_PER_ACCOUNT
        if account.delay_minutes > 0:
            needed += max_snapshots(account)
    return max(MIN_CACHE_ENTRIES, needed)


def _redis_cache_options(url: str) -> dict[str, Any]:
    """What Flask-Caching needs to know for a RedisCache."""
    return {
        "CACHE_REDIS_URL": url,
        # Other programs may use the same Redis.
        "CACHE_KEY_PREFIX": "cabinet-widgets:",
        "CACHE_OPTIONS": locks.redis_options(),
    }


def _attempt_storage(settings: Settings) -> Storage:
    """Where password attempts are counted: with the cache if that is shared between processes.

    Otherwise in the file that ``serve`` provides for its workers, or in memory.
    """
    chosen = settings.cache
    if chosen.type == "RedisCache" and chosen.redis_url:
        url = chosen.redis_url.get_secret_value()
        return RedisStorage(url, wrap_exceptions=True, **locks.redis_options())
    folders = prepare_folders(settings)
    if folders is not None:
        _, lock_folder = folders
        return AttemptFile(lock_folder / ATTEMPT_FILE)
    path = os.environ.get(ATTEMPTS_VARIABLE)
    if path:
        return AttemptFile(Path(path))
    return MemoryStorage()
