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

from widget import __version__, app, i18n, logs, paths, registry, sandbox, tokens
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
from widget.spec import PICTURE_OPTIONS, Options, Widget, parse_options


class _Command(click.Group):
    """Ends an operator's mistake with its line on stderr and exit code 2."""

    def make_context(
        self, info_name: str | None, args: list[str], *more: Any, **extra: Any
    ) -> click.Context:
        if not args:  # click shows the help
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
    """Write a commented configuration file to PATH; never over one that is there."""
    text = (paths.templates() / "widgets.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise OperatorError(
            f"{path} is there already; remove it first, or name another file"
        ) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {path}. Put your account in, then run: cabinet-widgets check")


@main.command()
@_config
def check(config: str | None) -> None:
    """Call every function of every account once, and say what works and what to mend."""
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
    """What is wrong with a function, and what to do about it; None where it works."""
    try:
        client.call(account, function)
    except Refused as error:
        key = "partner_password_env" if function == "commissions" else "password_env"
        return f"refused: {error}; look at accounts.{account.slug}.{key}"
    except Unavailable as error:
        besides = "".join(
            f", api.{key}" for key in ("proxy", "ca_file") if getattr(account.api, key)
        )
        return f"not reached: {error}; look at api.base_url ({account.api.base_url}){besides}"
    except NotOffered as error:
        return f"not offered: {error}"
    except CabinetError as error:
        if "max_response_bytes" in str(error):
            return f"unreadable: {error}; raise api.max_response_bytes"
        otherwise = f', or set api.methods.{function} ("" where the API has it not)'
        where = (
            f"accounts.{account.slug}.login, api.base_url ({account.api.base_url}) and api.dialect"
        )
        return f"unreadable: {error}; look at {where}{'' if 'api.methods' in str(error) else otherwise}"
    return None


@main.command()
@_config
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes."
)
def serve(config: str | None, bind: str, workers: int) -> None:
    """Run the production server."""
    settings = _settings(config)
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})", bind)
    if not match or int(match[3]) > 65535:
        raise OperatorError(f"--bind {bind}: write an address and a port, such as 127.0.0.1:8000")
    if workers > 1 and settings.cache.type == "SimpleCache":
        click.echo(
            f"cabinet-widgets: each of the {workers} workers keeps a SimpleCache of its own, so the API is called up "
            f"to {workers} times as often; cache.type RedisCache or FileSystemCache is shared",
            err=True,
        )
    address, port = (match[1] or match[2]).replace("localhost", "127.0.0.1"), int(match[3])
    _must_be_free(address, port, f"--bind {address}:{port}")
    app.prepare_folders(settings)
    os.environ[app.CONFIG_VARIABLE] = str(app.config_path(config, os.environ).resolve())
    run_server("widget.app:from_environment", address, port, workers)


def _must_be_free(address: str, port: int, asked: str) -> None:
    """Raises OperatorError, with what the operator asked for, where nobody can listen, or somebody does: Granian would
    share the port with another one, and visitors would get the one and the other's widgets by turns."""
    try:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        socket.inet_pton(kind, address)
        with socket.create_server((address, port), family=kind):
            pass
    except OSError as error:
        why = _WHY_NOBODY_LISTENS.get(error.errno or 0) or os.strerror(error.errno or 0)
        raise OperatorError(f"{asked}: cannot listen there: {why}") from None


_WHY_NOBODY_LISTENS = {
    0: "write the address as a number, such as 127.0.0.1 or 0.0.0.0",
    errno.EADDRINUSE: "another program does; stop it, or choose another port",
    errno.EACCES: "ports below 1024 are root's; choose another",
    errno.EADDRNOTAVAIL: "this machine has no such address; 127.0.0.1 is the one for a web server in front",
}


def run_server(factory: str, address: str, port: int, workers: int = 1) -> None:
    """Serve the WSGI application that a factory makes, named as ``module:function``, until SIGTERM or Ctrl+C."""
    from granian import Granian  # it is needed here alone, and slow to import
    from granian.constants import HTTPModes, Interfaces

    with suppress(AttributeError, OSError):  # other C libraries have no such thing
        # glibc learns from the megabytes of an answer to keep as much for each of its arenas. Given a threshold, it
        # hands them back to the system.
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
"""Of one worker: each visitor of a cold widget holds one until the upstream answers, and holds nobody else up."""


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
    settings, found, definition = _named(config, account, widget)
    given, options = _given(
        definition, params, PICTURE_OPTIONS if form in snippets.PICTURE_FORMS else ()
    )
    if found.access == "closed":
        click.echo(f"cabinet-widgets: {account} is closed: {_who_sees(found, form)}", err=True)
    if settings.server.public_url.startswith("http:"):  # of loopback, or it would not be accepted
        here = f"only browsers of this machine reach {settings.server.public_url}"
        click.echo(f"cabinet-widgets: {here}; for others set server.public_url", err=True)
    label = (
        i18n.load_catalogues(paths.locales())
        .translations(options.lang, found.lang)
        .gettext(definition.label)
    )
    embed = snippets.Embed(settings.server.public_url, account, definition, given, options, label)
    click.echo(snippets.FORMS[form](embed))


def _who_sees(account: Account, form: str) -> str:
    """What it takes to see a widget of a closed account where it is pasted."""
    if form in (*snippets.PICTURE_FORMS, "oembed"):
        return "nobody sees this without a token in its address, and those end within a day"
    if account.allowed_origins is None:
        return f"no other site may frame it; name yours in accounts.{account.slug}.allowed_origins"
    return "visitors are asked for its password, or your page adds a token"


@main.command()
@_config
@click.argument("account")
@click.argument("widget")
@click.option("--ttl", default="10m", show_default=True, help="How long it holds: 90s, 10m, 24h.")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option to lock; may be repeated.",
)
def token(config: str | None, account: str, widget: str, ttl: str, params: tuple[str, ...]) -> None:
    """Mint a signed token for a WIDGET of an ACCOUNT."""
    _, found, definition = _named(config, account, widget)
    if not found.embed_keys:
        raise OperatorError(
            f"accounts.{account}: has no embed_secret_env to sign tokens with; set one"
        )
    match = re.fullmatch(r"(\d{1,6})([smh]?)", ttl)
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 0 < seconds <= tokens.MAX_SECONDS:
        raise OperatorError(f"--ttl {ttl}: write 90s, 10m or 24h; at most 24 hours")
    given, _ = _given(definition, params)
    click.echo(tokens.sign(found.embed_keys, f"{account}/{widget}", time.time() + seconds, given))


@main.command()
def password() -> None:
    """Ask for a viewer password and print its hash."""
    if sys.stdin.isatty():
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        # As bytes: a machine whose locale is C reads UTF-8 as something else, and the form sends UTF-8.
        secret = sys.stdin.buffer.readline().decode("utf-8", "replace").rstrip("\r\n")
    if not secret:
        raise OperatorError(
            "the password is empty; type one, or send it on the first line of standard input"
        )
    if len(secret) > 256 or "\ufffd" in secret:
        raise OperatorError("the password must be UTF-8 and have no more than 256 characters")
    click.echo(generate_password_hash(secret, "scrypt"))


@main.command("sandbox")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535))
def simulate(port: int) -> None:
    """Run a simulated Client Cabinet API, for trying a configuration."""
    _must_be_free("127.0.0.1", port, f"--port {port}")
    with sandbox.serve_sandbox(sandbox.create_sandbox(clock=time.time), port) as url:
        click.echo(f"A simulated Client Cabinet API, both dialects, at {url}")
        for login, account in sandbox.ACCOUNTS.items():
            secrets = {"password": account.password, "partner password": account.partner_password}
            shown = "".join(f", {name} {value}" for name, value in secrets.items() if value)
            click.echo(f"  login {login}: {account.about}{shown}")
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
    """Show all widgets with a simulated API: no configuration, everything on loopback."""
    _must_be_free("127.0.0.1", port, f"--port {port}")
    simulated = sandbox.create_sandbox(clock=time.time)
    with (
        sandbox.serve_sandbox(simulated) as upstream,
        demonstration.running(upstream, port, time.time) as (host_page, service),
    ):
        click.echo(f"A page with all widgets:      {host_page}/")
        click.echo(f"The studio, to make your own: {service}/")
        click.echo(
            f"Press Ctrl+C to stop. The private account's password is: {demonstration.PASSWORD}"
        )
        _wait()


def _settings(config: str | None) -> Settings:
    settings = app.load_settings(app.config_path(config, os.environ), os.environ)
    for warning in settings.warnings:
        click.echo(f"cabinet-widgets: warning: {warning}", err=True)
    return settings


def _named(config: str | None, account: str, widget: str) -> tuple[Settings, Account, Widget]:
    settings, widgets = _settings(config), registry.discover(paths.templates())
    if account not in settings.accounts:
        raise OperatorError(
            f"there is no account {account!r}; there are: {', '.join(settings.accounts)}"
        )
    found = settings.accounts[account]
    if widget not in widgets:
        raise OperatorError(f"there is no widget {widget!r}; there are: {', '.join(widgets)}")
    if widget not in registry.enabled_widgets(found, widgets):
        raise OperatorError(f"{widget} is not enabled: add it to accounts.{account}.widgets")
    return settings, found, widgets[widget]


def _given(
    widget: Widget, params: Iterable[str], besides: Collection[str] = ()
) -> tuple[dict[str, str], Options]:
    """The options of ``--param``, as they were given and parsed."""
    pairs: list[tuple[str, str]] = []
    for param in params:
        name, equals, value = param.partition("=")
        if not equals:
            raise OperatorError(f"--param {param}: write NAME=VALUE")
        pairs.append((name, value))
    try:
        return dict(pairs), parse_options(widget, pairs, extra=besides)
    except BadOption as error:
        raise OperatorError(f"--param {error}") from None


def _wait() -> None:
    """Until Ctrl+C or SIGTERM."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    stop.wait()
