"""The command ``cabinet-widgets``."""

import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import click
from werkzeug.security import generate_password_hash

from widget import __version__, app, paths
from widget import check as checks
from widget.api.client import Client
from widget.api.rows import Note
from widget.api.shapes import Recorder
from widget.config import Account, Settings, secrets_file
from widget.config.values import is_loopback
from widget.errors import BadOption, ConfigError, OperatorError
from widget.render import i18n
from widget.render import snippet as snippets
from widget.render.snippet import widget_url
from widget.sandbox import api as sandbox_api
from widget.sandbox import demo as demonstration
from widget.sandbox.book import ACCOUNTS
from widget.sandbox.book import Account as SimulatedAccount
from widget.server import MainProcess, check_port, parse_bind, run_server
from widget.setup import deploy, draft, passwords
from widget.setup.questions import Questions
from widget.web import logs, metrics, tokens
from widget.web.attempt_file import temporary_folder
from widget.widgets import registry
from widget.widgets.base import Widget
from widget.widgets.options import (
    DEFAULT_PERIOD,
    PICTURE_OPTIONS,
    HasOptions,
    Options,
    parse_options,
)

TEMPORARY_FOLDERS = (Path(tempfile.gettempdir()), Path("/run"), Path("/dev"))
"""Folders that are emptied when the machine is restarted, or are in memory."""

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""The addresses that stand for all addresses of a machine, and the loopback ones among them."""

DEMO_PORT = 8000
SECONDS_PER_UNIT = {
    "": 1,  # a number without a unit
    "s": 1,
    "m": 60,
    "h": 3600,
}


def warn(line: str) -> None:
    """Print a line on stderr, so that standard output contains the result only."""
    click.echo(f"cabinet-widgets: {line}", err=True)


class Command(click.Group):
    """Reports operator errors with one line each on stderr and exit code 2."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        *more: Any,
        **extra: Any,
    ) -> click.Context:
        """Parse the command line."""
        if not args:
            # Click reports the missing command as an error, whose text is the whole help.
            return super().make_context(info_name, args, *more, **extra)
        with operator_errors():
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with operator_errors():
            return super().invoke(ctx)


@contextmanager
def operator_errors() -> Iterator[None]:
    """Print the lines of an operator error and exit."""
    try:
        yield
    except (OperatorError, click.UsageError) as error:
        for line in lines_of(error):
            warn(line)
        raise click.exceptions.Exit(2) from None


def lines_of(error: OperatorError | click.UsageError) -> list[str]:
    """What to print for an error."""
    if isinstance(error, ConfigError):
        return error.problems
    if isinstance(error, OperatorError):
        return [str(error)]
    # The messages of click end with a full stop, unlike the others.
    line = error.format_message().rstrip(".")
    if error.ctx:
        line += f"; see {error.ctx.command_path} --help"
    return [line]


config_option = click.option(
    "--config", metavar="PATH", help="The configuration file. [default: ./widgets.toml]"
)


def param_option(help: str) -> Callable[[Any], Any]:  # noqa: A002  # click's name
    """The option ``--param``, which may be repeated."""
    return click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help=help)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Embeddable widgets for a trading account, from a broker's Client Cabinet API."""


@main.command()
@click.argument("path", default=app.DEFAULT_CONFIG)
@click.option("--no-input", is_flag=True, help="Ask nothing, even on a terminal.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A value, such as login=1234567; may be repeated. Passwords are stored in secrets.env.",
)
@click.option("--add", is_flag=True, help="Add an account to an existing file.")
def init(
    path: str,
    *,
    no_input: bool,
    assignments: tuple[str, ...],
    add: bool,
) -> None:
    """Create a configuration file at PATH; never overwrites a file.

    On a terminal, it asks questions and tests the answers.
    """
    prepare = draft.create
    if add:
        prepare = draft.extend
    new = prepare(draft.file_path(path), assignments)
    asks = not no_input and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        Questions(new).ask()
    elif add and not new.values:
        raise OperatorError("--add: name the account, such as --set accounts.second.login=1234567")
    settings = new.check()
    with file_errors(new.path):
        new.write()
    click.echo(f"Wrote {new.path}")
    if new.secrets:
        click.echo(f"Wrote {new.secrets_path}, which only you can read")
    for line in next_steps(new, settings, asked=asks):
        click.echo(line)


def next_steps(new: draft.Draft, settings: Settings, *, asked: bool) -> Iterator[str]:
    """What to do with a new configuration.

    Args:
        new: what was written.
        settings: what it means.
        asked: whether the questions were answered, so that the account works.
    """
    option = ""
    if new.path != Path(app.DEFAULT_CONFIG):
        option = f" --config {new.path}"
    login = new.key("login")
    if login not in new.values:
        yield f"Enter your account there ({login}), then run: cabinet-widgets check{option}"
        return
    if not asked:
        yield f"Next: cabinet-widgets check{option}"
        return
    account = settings.accounts[new.slug]
    widget = first_widget(account)
    yield ""
    yield f"Next: cabinet-widgets serve{option}"
    public_url = settings.server.public_url
    if public_url.startswith("https:"):
        yield f"For a web server in front of it: cabinet-widgets deploy nginx{option} (or caddy)"
    yield f"Then open {widget_url(public_url, account.slug, widget.name)}"
    if account.access == "closed":
        yield f"{account.slug} is closed: {who_can_see(account, 'script')}"
    variable = new.values.get(new.key("embed_secret_env"))
    if variable:
        yield f"Your site signs tokens with the secret {variable}: copy it from {new.secrets_path}"
    yield "The code for your page:"
    yield embed_code(
        settings,
        account,
        widget,
        form="script",
        params={},
        options=Options(),
    )


def first_widget(account: Account) -> Widget:
    """The first widget that an account displays, as an example of them."""
    widgets = registry.discover()
    enabled = registry.enabled_widgets(account, widgets)
    return widgets[enabled[0]]


def first_url(settings: Settings, base: str) -> str:
    """The URL of the first widget of the first account, as an example of all of them.

    Args:
        settings: the configuration.
        base: the URL of the service.
    """
    account = next(iter(settings.accounts.values()))
    widget = first_widget(account)
    return widget_url(base, account.slug, widget.name)


@main.command()
@config_option
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the shapes of the API's responses to a new file, without any value.",
)
def check(config: str | None, record: Path | None) -> None:
    """Call every function of every account once; print what works and what to fix."""
    settings = load_settings(config)
    warn_about_unframed_accounts(settings)
    if record is None:
        results = print_check(settings, None)
    else:
        # Created first: a mistake in its name must not be found after all calls.
        with create_private_file(record) as file:
            recorder = Recorder()
            results = print_check(settings, recorder)
            with file_errors(record):
                file.write(recorder.document())
                file.flush()
        click.echo(f"Wrote the shapes of the responses, without their values, to {record}")
    # Scripts and monitoring see from the exit code whether everything works.
    if any(result.error for result in results):
        sys.exit(1)
    click.echo(next_step(settings))


def print_check(settings: Settings, recorder: Recorder | None) -> list[checks.Result]:
    """Check all accounts and print the results; each cause of a failure is printed once."""
    notes: dict[tuple[str, str], str] = {}

    def remember(slug: str, note: Note) -> None:
        # A later note about the same field knows more.
        notes[slug, note.field] = note.text

    client = Client(on_note=remember, on_response=recorder)
    results = []
    for result in checks.check_accounts(settings.accounts.values(), client):
        # Printed one by one, since each call may take seconds.
        if result.error is None:
            click.echo(str(result))
        results.append(result)
    for problem in checks.group_problems(results):
        explanation = checks.explain(problem, results)
        click.echo(settings.as_written(explanation))
    for (slug, field), text in notes.items():
        click.echo(f"{slug}: {field}: {text}")
    advice = [result.advice for result in results if result.advice]
    # Two functions may lead to the same advice.
    for line in dict.fromkeys(advice):
        click.echo(line)
    return results


def create_private_file(path: Path) -> TextIO:
    """A new file that only its owner can read; never an existing one."""

    def open_private(name: str, flags: int) -> int:
        return os.open(name, flags, mode=0o600)

    with file_errors(path):
        return open(path, "x", encoding="utf-8", opener=open_private)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn the errors of creating and writing a file into operator errors."""
    try:
        yield
    except FileExistsError:
        raise OperatorError(
            f"{path} already exists; remove it first or choose another name"
        ) from None
    except OSError as error:
        # One of several files, if the error names it.
        name = error.filename or path
        raise OperatorError(f"{name} cannot be written: {error.strerror}") from None


def next_step(settings: Settings) -> str:
    """What to do when everything works: the command, and a page to open."""
    url = first_url(settings, settings.server.public_url)
    return f"Everything works. Next: run cabinet-widgets serve, then open {url}"


@main.command()
@config_option
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Number of processes.",
)
@click.option(
    "--log-format",
    type=click.Choice(list(logs.FORMATTERS)),
    help="How the log is written. [default: text on a terminal, otherwise json]",
)
def serve(
    config: str | None,
    bind: str,
    workers: int,
    log_format: logs.LogFormat | None,
) -> None:
    """Run the production server."""
    address, port = parse_bind(bind)
    path = app.config_path(config, os.environ)
    if path is not None:
        # It is read again on SIGHUP.
        path = path.resolve()
    chosen_format = log_format or default_log_format()
    url = local_url(address, port)
    application = app.Application(path, os.environ, chosen_format, url)
    settings = application.settings
    print_warnings(settings)
    warn_about_separate_caches(settings, workers)
    warn_about_lost_snapshots(settings)
    warn_about_unframed_accounts(settings)
    # Before the workers start: one that fails is started again, and would repeat its error.
    check_port(address, port, f"--bind {address}:{port}")
    metrics.check_folder(os.environ)
    warn_about_public_url(settings, address, port)
    main_process = MainProcess(
        reload=application.reload,
        on_listening=partial(print_first_widget, settings, url),
        log_format=chosen_format,
    )
    with attempt_file():
        run_server(application, address, port, workers, main_process)


def default_log_format() -> logs.LogFormat:
    """Text for a person who looks at a terminal, JSON for programs that read the log."""
    if sys.stderr.isatty():
        return "text"
    return "json"


def local_url(address: str, port: int) -> str:
    """The URL at which this machine reaches a service that listens at an address."""
    # A service that listens at all addresses listens at this one, too.
    host = ANY_ADDRESS.get(address, address)
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"


def print_first_widget(settings: Settings, url: str) -> None:
    """Print where to look, on a terminal. Nobody reads it elsewhere."""
    if not sys.stdout.isatty():
        return
    click.echo(f"First widget: {first_url(settings, url)}. Press Ctrl+C to stop.")


def warn_about_public_url(settings: Settings, address: str, port: int) -> None:
    """Warn if scripts, links and code to paste would lead elsewhere."""
    url = urlsplit(settings.server.public_url)
    # With https, there is a proxy in front, whose address nobody knows here.
    if url.scheme == "https":
        return
    # Only loopback addresses may have http.
    is_local = address in ANY_ADDRESS or is_loopback(address)
    if is_local and url.port == port:
        return
    warn(
        f"warning: server.public_url is {settings.server.public_url}, but the service listens at"
        f" {address}:{port}; change server.public_url or --bind, so that they lead to each other"
    )


@contextmanager
def attempt_file() -> Iterator[None]:
    """Provide the file in which workers count password attempts if they do not share a cache.

    It also preserves the count when a worker is restarted.
    """
    with ExitStack() as stack:
        # On a machine without a folder for temporary files, each worker counts by itself.
        with suppress(OSError):
            folder = stack.enter_context(temporary_folder())
            os.environ[app.ATTEMPTS_VARIABLE] = str(folder / app.ATTEMPT_FILE)
        yield


def warn_about_separate_caches(settings: Settings, workers: int) -> None:
    """Warn if several workers call the API for the same figures."""
    shares_cache = settings.cache.type != "SimpleCache"
    if workers == 1 or shares_cache:
        return
    warn(
        f"each of the {workers} workers has its own SimpleCache, so the API is called up to"
        f" {workers} times as often; to share one, set cache.type to RedisCache or"
        " FileSystemCache"
    )


def warn_about_lost_snapshots(settings: Settings) -> None:
    """Warn if a restart loses what delayed accounts looked like."""
    delayed = [account.slug for account in settings.accounts.values() if account.delay_minutes]
    if not delayed:
        return
    if settings.cache.type == "SimpleCache":
        reason = "a SimpleCache does not survive a restart"
    elif settings.cache.type == "FileSystemCache" and is_temporary(settings.cache.dir):
        reason = f"{settings.cache.dir} is a temporary folder"
    else:
        return
    listed = ", ".join(delayed)
    warn(
        f"{listed}: after a restart there are no figures until delay_minutes have passed, because"
        f" {reason}; set cache.type to RedisCache, or to FileSystemCache with another cache.dir"
    )


def warn_about_unframed_accounts(settings: Settings) -> None:
    """Warn about closed accounts that no site may embed, unless an empty list says so."""
    for slug, account in settings.accounts.items():
        if account.access == "closed" and account.allowed_origins is None:
            warn(f"{slug} is closed: {advice_about_origins(account)}")


def advice_about_origins(account: Account) -> str:
    """What is missing so that a site may embed a closed account."""
    return f"no other site may frame it; add yours to accounts.{account.slug}.allowed_origins"


def is_temporary(folder: Path) -> bool:
    """Whether a folder may be emptied when the machine or the service is restarted."""
    path = folder.resolve()
    return any(path.is_relative_to(parent.resolve()) for parent in TEMPORARY_FOLDERS)


@main.command()
@config_option
@click.argument("account")
@click.argument("widget")
@click.option(
    "--as", "form", type=click.Choice(list(snippets.FORMS)), default="script", show_default=True
)
@param_option("An option of the widget; may be repeated.")
def snippet(
    config: str | None,
    account: str,
    widget: str,
    form: str,
    params: tuple[str, ...],
) -> None:
    """Print the code to paste for a WIDGET of an ACCOUNT."""
    settings, found, definition = find_widget(config, account, widget)
    public_url = settings.server.public_url
    extra: Collection[str] = ()
    if form in snippets.PICTURE_FORMS:
        extra = PICTURE_OPTIONS
    texts, options = parse_params(definition, params, extra)
    if found.access == "closed":
        visibility = who_can_see(found, form)
        warn(f"{account} is closed: {visibility}")
    # Only loopback addresses may have http.
    if public_url.startswith("http:"):
        warn(
            f"only browsers on this machine can reach {public_url}; for others set"
            " server.public_url"
        )
    code = embed_code(
        settings,
        found,
        definition,
        form=form,
        params=texts,
        options=options,
    )
    click.echo(code)


def embed_code(
    settings: Settings,
    account: Account,
    widget: Widget,
    form: str,
    params: Mapping[str, str],
    options: Options,
) -> str:
    """The code to paste for a widget.

    Args:
        settings: the configuration.
        account: whose widget.
        widget: the widget.
        form: one of ``snippets.FORMS``.
        params: its options as text, by name.
        options: the same options, parsed.
    """
    catalogues = i18n.load_catalogues(paths.locales())
    embed = snippets.build_embed(
        settings,
        account,
        widget,
        params,
        options,
        catalogues,
    )
    write = snippets.FORMS[form]
    return write(embed)


def who_can_see(account: Account, form: str) -> str:
    """Who can see a widget of a closed account on the page where it is pasted."""
    # Nobody can type a password into a picture, and an oEmbed consumer cannot either.
    forms_without_dialog = (*snippets.PICTURE_FORMS, "oembed")
    if form in forms_without_dialog:
        return "visible only with a token in its URL, and tokens expire within 24 hours"
    if not account.allowed_origins:
        return advice_about_origins(account)
    return "visitors enter its password, or your page adds a token"


@main.command()
@config_option
@click.argument("account")
@click.argument("widget")
@click.option(
    "--ttl", default="10m", show_default=True, help="How long it is valid: 90s, 10m, 24h."
)
@param_option("An option to lock; may be repeated.")
def token(
    config: str | None,
    account: str,
    widget: str,
    ttl: str,
    params: tuple[str, ...],
) -> None:
    """Create a signed token for a WIDGET of an ACCOUNT; for all its widgets, write '*'."""
    found, definition = find_subject(config, account, widget)
    if not found.embed_keys:
        raise OperatorError(
            f"accounts.{account}: needs an embed secret to sign tokens; set embed_secret_env"
        )
    expires = time.time() + parse_ttl(ttl)
    # Parsed only to report mistakes: the token locks the options as they were given.
    locked, _ = parse_params(definition, params)
    scope = f"{account}/{widget}"
    signed = tokens.sign(found.embed_keys, scope, expires, locked)
    click.echo(signed)


def find_subject(config: str | None, account: str, widget: str) -> tuple[Account, HasOptions]:
    """An account, and what has the options that a token may lock: a widget, or all for ``*``."""
    if widget != "*":
        _, found, definition = find_widget(config, account, widget)
        return found, definition
    found = find_account(load_settings(config), account)
    widgets = registry.discover()
    options: set[str] = set()
    for name in registry.enabled_widgets(found, widgets):
        options.update(widgets[name].all_options)
    return found, AllWidgets(tuple(options))


@dataclass(frozen=True, slots=True)
class AllWidgets:
    """What the enabled widgets of an account have in common.

    Attributes:
        all_options: the options that at least one of them has.
        picture_sizes: none, since a token cannot lock the size of pictures.
        default_period: of most of them.
    """

    all_options: tuple[str, ...]
    picture_sizes: tuple[str, ...] = ()
    default_period: str = DEFAULT_PERIOD


def parse_ttl(ttl: str) -> int:
    """Seconds from a text such as 90s, 10m or 24h; OperatorError if it is malformed or too long."""
    match = re.fullmatch(r"(\d{1,6})([smh]?)", ttl)
    seconds = 0
    if match:
        number, unit = match.groups()
        seconds = int(number) * SECONDS_PER_UNIT[unit]
    if not 0 < seconds <= tokens.MAX_SECONDS:
        raise OperatorError(f"--ttl {ttl}: write 90s, 10m or 24h; at most 24 hours")
    return seconds


@main.command()
def password() -> None:
    """Ask for a viewer password and print its hash."""
    secret = read_password()
    passwords.check(secret)
    warning = passwords.warning(secret)
    if warning:
        warn(warning)
    stored = generate_password_hash(secret, "scrypt")
    # On stderr, so that standard output contains the hash only.
    warn(f"to set it for an account: export MAIN_VIEWER_HASH={secrets_file.quote(stored)}")
    click.echo(stored)


def read_password() -> str:
    """The password that a person types, or the first line of standard input."""
    if sys.stdin.isatty():
        return passwords.ask("Password")
    # Read as bytes because with the C locale Python may not decode UTF-8, and the unlock form sends
    # UTF-8.
    line = sys.stdin.buffer.readline()
    return line.decode("utf-8", "replace").rstrip("\r\n")


@main.command()
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535))
def sandbox(port: int) -> None:
    """Run a simulated Client Cabinet API to try a configuration with."""
    check_port("127.0.0.1", port, f"--port {port}")
    simulated = sandbox_api.create_sandbox(clock=time.time)
    with (
        stop_signal() as stop,
        sandbox_api.serve_sandbox(simulated, port) as url,
    ):
        click.echo(f"A simulated Client Cabinet API (both dialects) runs at {url}")
        for login, account in ACCOUNTS.items():
            click.echo(f"  login {login}: {describe_account(account)}")
        stop.wait()


def describe_account(account: SimulatedAccount) -> str:
    """What a simulated account is for, and its passwords, which are no secrets."""
    text = account.about
    if account.password:
        text += f", password {account.password}"
    if account.partner_password:
        text += f", partner password {account.partner_password}"
    return text


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"The port to listen on.  [default: {DEMO_PORT}]",
)
@click.option(
    "--bind",
    metavar="HOST[:PORT]",
    help="The address to listen on; 0.0.0.0 is every address of this machine."
    "  [default: 127.0.0.1]",
)
def demo(port: int | None, bind: str | None) -> None:
    """Show all widgets with a simulated API, without configuration."""
    address, bound_port = parse_bind(bind or "127.0.0.1", DEMO_PORT)
    if port is None:
        port = bound_port
    option = f"--port {port}"
    if bind:
        option = f"--bind {address}:{port}"
    check_port(address, port, option)
    simulated = sandbox_api.create_sandbox(clock=time.time)
    with (
        stop_signal() as stop,
        sandbox_api.serve_sandbox(simulated) as api_url,
        demonstration.running(api_url, port, time.time, address) as url,
    ):
        click.echo(f"A host page with every widget:     {url}{demonstration.HOST_PAGE}")
        click.echo(f"The studio, to configure your own: {url}/")
        click.echo(f"The password of the closed account is: {demonstration.PASSWORD}")
        click.echo(describe_reach(address, url))
        click.echo("Press Ctrl+C to stop.")
        stop.wait()


def describe_reach(address: str, url: str) -> str:
    """How other computers can see the demonstration, in a line.

    Args:
        address: the address on which it listens.
        url: its URL on this machine.
    """
    parts = urlsplit(url)
    if not ip_address(address).is_loopback:
        return (
            f"Other computers can see it too, at port {parts.port} of this machine's address;"
            " all figures are simulated."
        )
    return (
        "To see it from another computer, run this there, and open the same addresses:"
        f" ssh -L {parts.port}:{parts.netloc} USER@THIS-MACHINE"
    )


@main.command("deploy")
@click.argument("what", type=click.Choice(list(deploy.TEMPLATES)))
@config_option
@click.option(
    "--bind",
    default="127.0.0.1:8000",
    show_default=True,
    metavar="HOST:PORT",
    help="Where the service listens.",
)
@click.option(
    "--certificate",
    metavar="PATH",
    help="A certificate with its chain. [default: that of Let's Encrypt]",
)
@click.option("--key", metavar="PATH", help="The key of --certificate.")
def print_deployment_file(
    what: str, config: str | None, bind: str, certificate: str | None, key: str | None
) -> None:
    """Print a file to deploy the service with, filled in from the configuration."""
    parse_bind(bind)
    if bool(certificate) != bool(key):
        raise OperatorError("--certificate and --key belong together: give both, or none")
    # Whole paths, since a web server does not start where this command does.
    files = None
    if certificate and key:
        files = (absolute(certificate), absolute(key))
        for file in files:
            # Also if only root may see it.
            if not os.path.exists(file):
                warn(f"warning: {file} cannot be found; without it, the web server does not start")
    path = app.config_path(config, os.environ)
    if path is None:
        raise OperatorError("this needs a configuration file; write one with: cabinet-widgets init")
    path = path.resolve()
    settings = load_settings(config)
    for warning in deploy.warnings(what, path):
        warn(warning)
    text = deploy.fill_in(
        what,
        settings,
        path,
        bind,
        certificate=files,
    )
    click.echo(text, nl=False)


def absolute(path: str) -> str:
    """A path from the root of the file system, without symbolic links."""
    return str(Path(path).resolve())


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """An event that Ctrl+C and SIGTERM set.

    Entered before anything is started, so that a signal never interrupts starting or stopping.
    """
    stop = threading.Event()

    def handle(*_: object) -> None:
        stop.set()

    previous_of_int = signal.signal(signal.SIGINT, handle)
    previous_of_term = signal.signal(signal.SIGTERM, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous_of_int)
        signal.signal(signal.SIGTERM, previous_of_term)


def load_settings(config: str | None) -> Settings:
    """Read the configuration and print its warnings."""
    path = app.config_path(config, os.environ)
    settings = app.load_settings(path, os.environ)
    print_warnings(settings)
    return settings


def print_warnings(settings: Settings) -> None:
    """Print what the operator should know about a configuration."""
    for warning in settings.warnings:
        warn(f"warning: {warning}")


def find_widget(
    config: str | None,
    account: str,
    widget: str,
) -> tuple[Settings, Account, Widget]:
    """The settings, an account and one of its widgets; OperatorError says what does not exist."""
    settings = load_settings(config)
    widgets = registry.discover()
    found = find_account(settings, account)
    if widget not in widgets:
        listed = ", ".join(widgets)
        raise OperatorError(f"there is no widget {widget!r}; the widgets are: {listed}")
    enabled = registry.enabled_widgets(found, widgets)
    if widget not in enabled:
        raise OperatorError(f"{widget} is not enabled: add it to accounts.{account}.widgets")
    return settings, found, widgets[widget]


def find_account(settings: Settings, slug: str) -> Account:
    """An account; OperatorError lists those that exist."""
    if slug not in settings.accounts:
        listed = ", ".join(settings.accounts)
        raise OperatorError(f"there is no account {slug!r}; the accounts are: {listed}")
    return settings.accounts[slug]


def parse_params(
    widget: HasOptions,
    params: Iterable[str],
    extra: Collection[str] = (),
) -> tuple[dict[str, str], Options]:
    """The options given as ``--param NAME=VALUE``: as text by name, and parsed.

    Args:
        widget: whose options.
        params: the values of ``--param``.
        extra: the names of options that are allowed in addition to the widget's own.
    """
    pairs: list[tuple[str, str]] = []
    for param in params:
        # Only the first equals sign separates: a value may contain others.
        name, equals, value = param.partition("=")
        if not equals:
            raise OperatorError(f"--param {param}: write NAME=VALUE")
        pairs.append((name, value))
    try:
        options = parse_options(widget, pairs, extra=extra)
    except BadOption as error:
        raise OperatorError(f"--param {error}") from None
    return dict(pairs), options
