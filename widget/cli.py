"""The command ``cabinet-widgets``."""

import ctypes
import errno
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from werkzeug.security import generate_password_hash

from widget import __version__, app, i18n, logs, paths, registry, sandbox_api, tokens
from widget import demo as demonstration
from widget import snippet as snippets
from widget.client import Client
from widget.config import Account, Settings
from widget.errors import (
    BadOption,
    CabinetError,
    ConfigError,
    NotOffered,
    OperatorError,
    Refused,
    Unavailable,
)
from widget.names import FUNCTIONS, Function
from widget.sandbox_book import ACCOUNTS
from widget.spec import PICTURE_OPTIONS, Options, Widget, parse_options


class _Command(click.Group):
    """Reports operator errors with one line each on stderr and exit code 2."""

    def make_context(
        self, info_name: str | None, args: list[str], *more: Any, **extra: Any
    ) -> click.Context:
        if not args:  # click then prints the help
            return super().make_context(info_name, args, *more, **extra)
        with _operator_errors():
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _operator_errors():
            return super().invoke(ctx)


@contextmanager
def _operator_errors() -> Iterator[None]:
    try:
        yield
    except (ConfigError, OperatorError, click.UsageError) as error:
        if isinstance(error, click.UsageError):
            more = f"; see {error.ctx.command_path} --help" if error.ctx else ""
            lines = [error.format_message().rstrip(".") + more]
        else:
            lines = error.problems if isinstance(error, ConfigError) else [str(error)]
        for line in lines:
            click.echo(f"cabinet-widgets: {line}", err=True)
        raise click.exceptions.Exit(2) from None


_config = click.option(
    "--config", metavar="PATH", help="The configuration file. [default: ./widgets.toml]"
)


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Embeddable widgets for a trading account, from a broker's Client Cabinet API."""


@main.command()
@click.argument("path", default=app.DEFAULT_CONFIG, type=click.Path(path_type=Path))
def init(path: Path) -> None:
    """Write a commented configuration file to PATH; never overwrites a file."""
    text = (paths.templates() / "widgets.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise OperatorError(
            f"{path} already exists; remove it first or choose another name"
        ) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {path}. Enter your account there, then run: cabinet-widgets check")


@main.command()
@_config
def check(config: str | None) -> None:
    """Call every function of every account once; print what works and what to fix."""
    settings = _settings(config)
    client, failed = Client(), False
    for account in settings.accounts.values():
        for function in FUNCTIONS:
            if not client.offers(account, function):
                click.echo(f"{account.slug:<16} {function:<14} {'':>8}  not offered")
                continue
            begin = time.monotonic()
            problem = _try(client, account, function)
            failed = failed or problem is not None
            click.echo(
                f"{account.slug:<16} {function:<14} {1000 * (time.monotonic() - begin):>5.0f} ms  {problem or 'ok'}"
            )
    sys.exit(1 if failed else 0)


def _try(client: Client, account: Account, function: Function) -> str | None:
    """What is wrong with a function and what to do about it; None if it works."""
    try:
        client.call(account, function)
    except Refused as error:
        key = "partner_password_env" if function == "commissions" else "password_env"
        return f"refused: {error}; check accounts.{account.slug}.{key}"
    except Unavailable as error:
        extra = "".join(f", api.{key}" for key in ("proxy", "ca_file") if getattr(account.api, key))
        return f"not reached: {error}; check api.base_url ({account.api.base_url}){extra}"
    except NotOffered as error:
        return f"not offered: {error}"
    except CabinetError as error:
        if "max_response_bytes" in str(error):
            return f"unreadable: {error}; raise api.max_response_bytes"
        otherwise = f', or set api.methods.{function} ("" if the API does not have it)'
        where = (
            f"accounts.{account.slug}.login, api.base_url ({account.api.base_url}) and api.dialect"
        )
        return (
            f"unreadable: {error}; check {where}{'' if 'api.methods' in str(error) else otherwise}"
        )
    return None


@main.command()
@_config
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Number of processes.",
)
def serve(config: str | None, bind: str, workers: int) -> None:
    """Run the production server."""
    settings = _settings(config)
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})", bind)
    if not match or int(match[3]) > 65535:
        raise OperatorError(f"--bind {bind}: write address and port, such as 127.0.0.1:8000")
    if workers > 1 and settings.cache.type == "SimpleCache":
        click.echo(
            f"cabinet-widgets: each of the {workers} workers has its own SimpleCache, so the API is called up "
            f"to {workers} times as often; to share one, set cache.type to RedisCache or FileSystemCache",
            err=True,
        )
    address, port = (match[1] or match[2]).replace("localhost", "127.0.0.1"), int(match[3])
    _check_port(address, port, f"--bind {address}:{port}")
    app.prepare_folders(settings)
    os.environ[app.CONFIG_VARIABLE] = str(app.config_path(config, os.environ).resolve())
    run_server("widget.app:from_environment", address, port, workers)


def _check_port(address: str, port: int, option: str) -> None:
    """Raise OperatorError if the service cannot listen there.

    Granian would share a port with another instance, and visitors would get the widgets of both in turns.
    """
    try:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        socket.inet_pton(kind, address)
        with socket.create_server((address, port), family=kind):
            pass
    except OSError as error:
        reason = _LISTEN_ERRORS.get(error.errno or 0) or os.strerror(error.errno or 0)
        raise OperatorError(f"{option}: cannot listen there: {reason}") from None


_LISTEN_ERRORS = {
    0: "write the address as a number, such as 127.0.0.1 or 0.0.0.0",
    errno.EADDRINUSE: "another program uses this port; stop it or choose another port",
    errno.EACCES: "ports below 1024 are reserved for root; choose another port",
    errno.EADDRNOTAVAIL: "this machine does not have this address; behind a web server, use 127.0.0.1",
}


def run_server(factory: str, address: str, port: int, workers: int = 1) -> None:
    """Serve the WSGI application of a factory, named ``module:function``, until SIGTERM or Ctrl+C."""
    from granian import Granian  # slow to import, and only needed here
    from granian.constants import HTTPModes, Interfaces

    with suppress(AttributeError, OSError):  # C libraries other than glibc do not have it
        # After a response of several megabytes, glibc would retain as much memory in each arena. With a fixed
        # threshold it returns large blocks to the system.
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
    Granian(
        factory,
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        backlog=2048,
        http=HTTPModes.http1,
        websockets=False,
        workers_kill_timeout=10,
        respawn_failed_workers=True,
        log_access=False,
        log_dictconfig=logs.GRANIAN_LOGGING,
    ).serve()


_M_MMAP_THRESHOLD = -3  # malloc.h
BLOCKING_THREADS = 256
"""Threads per worker. A request for a widget that is not cached occupies one until the API responds."""


@main.command()
@_config
@click.argument("account")
@click.argument("widget")
@click.option(
    "--as", "form", type=click.Choice(list(snippets.FORMS)), default="script", show_default=True
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the widget; may be repeated.",
)
def snippet(
    config: str | None, account: str, widget: str, form: str, params: tuple[str, ...]
) -> None:
    """Print the code to paste for a WIDGET of an ACCOUNT."""
    settings, found, definition = _find_widget(config, account, widget)
    given, options = _parse_params(
        definition, params, PICTURE_OPTIONS if form in snippets.PICTURE_FORMS else ()
    )
    if found.access == "closed":
        click.echo(f"cabinet-widgets: {account} is closed: {_who_sees(found, form)}", err=True)
    if settings.server.public_url.startswith("http:"):  # accepted for loopback addresses only
        reach = f"only browsers on this machine can reach {settings.server.public_url}"
        click.echo(f"cabinet-widgets: {reach}; for others set server.public_url", err=True)
    label = (
        i18n.load_catalogues(paths.locales())
        .translations(options.lang, found.lang)
        .gettext(definition.label)
    )
    embed = snippets.Embed(settings.server.public_url, account, definition, given, options, label)
    click.echo(snippets.FORMS[form](embed))


def _who_sees(account: Account, form: str) -> str:
    """Who can see a widget of a closed account on the page where it is pasted."""
    if form in (*snippets.PICTURE_FORMS, "oembed"):
        return "visible only with a token in its URL, and tokens expire within 24 hours"
    if account.allowed_origins is None:
        return f"no other site may frame it; add yours to accounts.{account.slug}.allowed_origins"
    return "visitors enter its password, or your page adds a token"


@main.command()
@_config
@click.argument("account")
@click.argument("widget")
@click.option(
    "--ttl", default="10m", show_default=True, help="How long it is valid: 90s, 10m, 24h."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option to lock; may be repeated.",
)
def token(config: str | None, account: str, widget: str, ttl: str, params: tuple[str, ...]) -> None:
    """Create a signed token for a WIDGET of an ACCOUNT."""
    _, found, definition = _find_widget(config, account, widget)
    if not found.embed_keys:
        raise OperatorError(
            f"accounts.{account}: needs an embed secret to sign tokens; set embed_secret_env"
        )
    match = re.fullmatch(r"(\d{1,6})([smh]?)", ttl)
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 0 < seconds <= tokens.MAX_SECONDS:
        raise OperatorError(f"--ttl {ttl}: write 90s, 10m or 24h; at most 24 hours")
    given, _ = _parse_params(definition, params)
    click.echo(tokens.sign(found.embed_keys, f"{account}/{widget}", time.time() + seconds, given))


@main.command()
def password() -> None:
    """Ask for a viewer password and print its hash."""
    if sys.stdin.isatty():
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        # Read as bytes because with the C locale Python may not decode UTF-8, and the unlock form sends UTF-8.
        secret = sys.stdin.buffer.readline().decode("utf-8", "replace").rstrip("\r\n")
    if not secret:
        raise OperatorError(
            "the password is empty; type one or send it on the first line of standard input"
        )
    if len(secret) > 256 or "\ufffd" in secret:
        raise OperatorError("the password must be UTF-8 and have at most 256 characters")
    click.echo(generate_password_hash(secret, "scrypt"))


@main.command("sandbox")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535))
def simulate(port: int) -> None:
    """Run a simulated Client Cabinet API to try a configuration with."""
    _check_port("127.0.0.1", port, f"--port {port}")
    with sandbox_api.serve_sandbox(sandbox_api.create_sandbox(clock=time.time), port) as url:
        click.echo(f"A simulated Client Cabinet API (both dialects) runs at {url}")
        for login, account in ACCOUNTS.items():
            secrets = {"password": account.password, "partner password": account.partner_password}
            listed = "".join(f", {name} {value}" for name, value in secrets.items() if value)
            click.echo(f"  login {login}: {account.about}{listed}")
        _wait()


@main.command()
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The service's port.",
)
def demo(port: int) -> None:
    """Show all widgets with a simulated API, without configuration, on loopback only."""
    _check_port("127.0.0.1", port, f"--port {port}")
    simulated = sandbox_api.create_sandbox(clock=time.time)
    with (
        sandbox_api.serve_sandbox(simulated) as upstream,
        demonstration.running(upstream, port) as (host_page, service),
    ):
        click.echo(f"A page with every widget:             {host_page}/")
        click.echo(f"The studio, to configure your own:    {service}/")
        click.echo(
            f"Press Ctrl+C to stop. The password of the closed account is: {demonstration.PASSWORD}"
        )
        _wait()


def _settings(config: str | None) -> Settings:
    settings = app.load_settings(app.config_path(config, os.environ), os.environ)
    for warning in settings.warnings:
        click.echo(f"cabinet-widgets: warning: {warning}", err=True)
    return settings


def _find_widget(config: str | None, account: str, widget: str) -> tuple[Settings, Account, Widget]:
    settings, widgets = _settings(config), registry.discover(paths.templates())
    if account not in settings.accounts:
        raise OperatorError(
            f"there is no account {account!r}; the accounts are: {', '.join(settings.accounts)}"
        )
    found = settings.accounts[account]
    if widget not in widgets:
        raise OperatorError(f"there is no widget {widget!r}; the widgets are: {', '.join(widgets)}")
    if widget not in registry.enabled_widgets(found, widgets):
        raise OperatorError(f"{widget} is not enabled: add it to accounts.{account}.widgets")
    return settings, found, widgets[widget]


def _parse_params(
    widget: Widget, params: Iterable[str], extra: Collection[str] = ()
) -> tuple[dict[str, str], Options]:
    """The options given as ``--param NAME=VALUE``: as text by name, and parsed."""
    pairs: list[tuple[str, str]] = []
    for param in params:
        name, equals, value = param.partition("=")
        if not equals:
            raise OperatorError(f"--param {param}: write NAME=VALUE")
        pairs.append((name, value))
    try:
        return dict(pairs), parse_options(widget, pairs, extra=extra)
    except BadOption as error:
        raise OperatorError(f"--param {error}") from None


def _wait() -> None:
    """Wait for Ctrl+C or SIGTERM."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    stop.wait()
