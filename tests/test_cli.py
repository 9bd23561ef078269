"""The command line, run as a user runs it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
import requests
from accounts import SECRET
from commands import run
from conftest import Clock, Upstream, simulated
from faults import Fault
from processes import free_port, until
from terminals import terminal
from werkzeug.security import check_password_hash

from widget import app, cli, config
from widget.errors import OperatorError
from widget.names import FUNCTIONS, Function
from widget.sandbox import demo
from widget.server import parse_bind
from widget.widgets import registry


@pytest.fixture
def upstream(upstream_in_real_time: Upstream) -> Upstream:
    """The simulated API uses the real clock here, as the commands do."""
    upstream_in_real_time.reset()
    return upstream_in_real_time


@dataclass
class Running:
    """A command in the background; ``output`` is what it printed, once it has ended."""

    process: subprocess.Popen[str]
    output: str = ""


@contextmanager
def running(folder: Path, *arguments: str, **env: str) -> Iterator[Running]:
    """The command in the background; it is stopped by SIGTERM and has to end."""
    started = Running(
        subprocess.Popen(
            [sys.executable, "-m", "widget", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            start_new_session=True,
        )
    )
    try:
        yield started
    finally:
        started.process.terminate()
        started.output = started.process.communicate(timeout=20)[0]


def configure(folder: Path, upstream: Upstream, more: str = "") -> None:
    """Write a configuration with one account of the simulated API."""
    (folder / "widgets.toml").write_text(
        f'[api]\nbase_url = "{upstream.url}"\n'
        f'[accounts.main]\nlogin = 1000002\npassword_env = "API_PASSWORD"\n{more}\n'
    )


FIFTY_YEARS = 50 * 365 * 86400
PASSWORD = {"API_PASSWORD": "sandbox-password"}


def test_init_writes_a_file_and_does_not_overwrite_it(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    text = (tmp_path / "widgets.toml").read_text()
    again = run(tmp_path, "init")
    assert again.returncode == 2
    assert "already exists" in again.stderr
    assert (tmp_path / "widgets.toml").read_text() == text


def test_check_prints_a_line_for_each_function_with_time_and_state(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream)
    checked = run(tmp_path, "check", **PASSWORD)
    assert checked.returncode == 0, checked.stderr
    *lines, last = checked.stdout.splitlines()
    assert [line.split()[1] for line in lines] == list(FUNCTIONS)
    assert all(re.search(r"\d+ ms  ok$|not offered: ", line) for line in lines)
    assert "no such function" in lines[FUNCTIONS.index("operations")]
    assert "accounts.main.partner_password_env" in lines[FUNCTIONS.index("commissions")]
    assert "run cabinet-widgets serve" in last
    assert "http://127.0.0.1:8000/w/main/balance" in last


def failures(checked: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of a check about what does not work."""
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    return [line for line in lines if not re.search(r"\d+ ms  ok$|not offered: ", line)]


WELL_KNOWN: tuple[Function, ...] = ("balance", "summary", "open_trades", "closed_trades", "bonus")


@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
@pytest.mark.parametrize("password", ["guess", "wrong", "password", "API", "is"])
def test_check_reports_a_wrong_password_once(
    tmp_path: Path, upstream: Upstream, dialect: str, password: str
) -> None:
    configure(tmp_path, upstream, f'api.dialect = "{dialect}"')
    (line,) = failures(run(tmp_path, "check", API_PASSWORD=password))
    assert line.startswith("refused: no token: the API password is wrong, or ")
    assert "accounts.main.password_env" in line
    assert all(function in line for function in WELL_KNOWN)
    assert "guess" not in line


@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://127.0.0.1:9", "ConnectionRefusedError"),
        ("https://nowhere.invalid", "the name of the API's host cannot be resolved"),
    ],
)
def test_check_reports_an_api_that_cannot_be_reached_once_for_all_accounts(
    tmp_path: Path, url: str, cause: str, dialect: str
) -> None:
    (tmp_path / "widgets.toml").write_text(
        f'[api]\nbase_url = "{url}"\ndialect = "{dialect}"\n'
        "[accounts.main]\nlogin = 1000001\n[accounts.second]\nlogin = 1000002\n"
    )
    (line,) = failures(run(tmp_path, "check"))
    assert line.startswith("not reached: ")
    assert cause in line
    assert f"api.base_url ({url})" in line
    assert "main: balance, " in line
    assert "second: balance, " in line


@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_check_reports_a_wrong_login_once(tmp_path: Path, upstream: Upstream, dialect: str) -> None:
    (tmp_path / "widgets.toml").write_text(
        f'[api]\nbase_url = "{upstream.url}"\ndialect = "{dialect}"\n[accounts.main]\nlogin = 99\n'
    )
    (line,) = failures(run(tmp_path, "check"))
    assert "HTTP 404" in line
    assert "accounts.main.login" in line
    assert all(function in line for function in WELL_KNOWN)


@pytest.mark.parametrize(
    ("fault", "beginning", "advice"),
    [
        ("error500", "failed in the API: HTTP 500; ", "accounts.main.login"),
        ("too_many", "too many calls: HTTP 429; ", "again in a few minutes"),
    ],
)
def test_check_does_not_say_that_an_api_which_responds_is_not_reached(
    fault: str, beginning: str, advice: str, tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream)
    upstream.sandbox.faults.append(Fault(fault))
    (line,) = failures(run(tmp_path, "check", **PASSWORD))
    assert line.startswith(beginning)
    assert advice in line
    assert "base_url" not in line


def test_check_says_what_to_fix_and_exits_1(tmp_path: Path, upstream: Upstream) -> None:
    configure(tmp_path, upstream)
    upstream.sandbox.faults.append(Fault("html200", "RequestOpenTrades"))
    (line,) = failures(run(tmp_path, "check", **PASSWORD))
    upstream.sandbox.faults.clear()
    assert "api.methods.open_trades" in line


def test_check_of_a_url_without_an_api_names_the_url_and_each_hint_once(
    tmp_path: Path, upstream: Upstream
) -> None:
    elsewhere = f"{upstream.url}/elsewhere"
    (tmp_path / "widgets.toml").write_text(
        f'[api]\nbase_url = "{elsewhere}"\n[accounts.main]\nlogin = 1000001\n'
    )
    (line,) = failures(run(tmp_path, "check"))
    assert f"api.base_url ({elsewhere})" in line
    assert line.count("api.methods") == 1
    (tmp_path / "widgets.toml").write_text(
        f'[api]\nbase_url = "{upstream.url}"\nmax_response_bytes = 1024\n'
        "[accounts.main]\nlogin = 1000001\n"
    )
    assert "raise api.max_response_bytes" in run(tmp_path, "check").stdout


def test_check_finds_times_in_the_future(tmp_path: Path, instant: float) -> None:
    # Further ahead than any zone, since the command uses the real clock, whose day is unknown here.
    with simulated(Clock(instant + FIFTY_YEARS)) as upstream:
        configure(tmp_path, upstream)
        checked = run(tmp_path, "check", **PASSWORD)
    assert checked.returncode == 0
    (line,) = [line for line in checked.stdout.splitlines() if "in the future" in line]
    assert line.startswith("main: times: ")
    assert "api.timezone" in line


def test_check_records_shapes_and_no_values(tmp_path: Path, upstream: Upstream) -> None:
    configure(tmp_path, upstream)
    checked = run(tmp_path, "check", "--record", "shapes.json", **PASSWORD)
    assert checked.returncode == 0, checked.stderr
    file = tmp_path / "shapes.json"
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    for secret in ("1000002", "sandbox-password", "EURUSD", upstream.url):
        assert secret not in text
    (account,) = json.loads(text)["accounts"]
    responses = account["responses"]
    assert responses["token"][0]["shape"] == "text, 32 characters"
    assert responses["balance"][0]["shape"]["Balance"] == "fraction"
    trades = responses["open_trades"][0]["shape"]
    assert trades["each"]["OpenTime"] == "/Date(ms+zone)/"
    assert trades["each"]["Ticket"] == "whole number, 8 digits"
    closed = responses["closed_trades"][0]["shape"]
    assert closed["each"]["CloseTime"] == "iso without zone"


def test_check_never_overwrites_a_record(tmp_path: Path, upstream: Upstream) -> None:
    configure(tmp_path, upstream)
    (tmp_path / "shapes.json").write_text("mine")
    for name, reason in (("shapes.json", "already exists"), ("no/folder", "cannot be written")):
        ended = run(tmp_path, "check", "--record", name, **PASSWORD)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.count("\n") == 1
        assert reason in ended.stderr
    assert (tmp_path / "shapes.json").read_text() == "mine"


@pytest.mark.parametrize(
    "command", [["check"], ["serve"], ["snippet", "main", "balance"], ["token", "main", "balance"]]
)
def test_an_operator_error_is_one_line_and_exit_2(command: list[str], tmp_path: Path) -> None:
    for text in (None, "[accounts.main]\nlogn = 5\nlogin = 5\n"):
        if text:
            (tmp_path / "widgets.toml").write_text(text)
        ended = run(tmp_path, *command)
        assert ended.returncode == 2
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
        assert "Traceback" not in ended.stderr
    assert "did you mean login?" in ended.stderr


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["nonsense"], "'nonsense'; see cabinet-widgets --help"),
        (["--nonsense"], "--nonsense"),
        (["snippet", "main"], "'WIDGET'; see cabinet-widgets snippet --help"),
        (
            ["serve", "--workers", "0"],
            "'--workers': 0 is not in the range 1<=x<=64; see cabinet-widgets serve --help",
        ),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_exit_2(
    command: list[str], named: str, tmp_path: Path
) -> None:
    ended = run(tmp_path, *command)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr


def test_without_a_command_the_help_is_printed(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert "Usage: " in ended.stdout + ended.stderr
    assert "serve" in ended.stdout + ended.stderr


def test_the_configuration_is_found_by_option_or_environment(tmp_path: Path) -> None:
    (tmp_path / "else.toml").write_text("[accounts.other]\nlogin = 5\n")
    for arguments, env in (
        (["--config", "else.toml"], {}),
        ([], {"CABINET_WIDGETS_CONFIG": "else.toml"}),
    ):
        printed = run(tmp_path, "snippet", *arguments, "other", "balance", **env)
        assert 'account="other"' in printed.stdout, printed.stderr


def test_snippet_prints_every_form(tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text(
        '[server]\npublic_url = "https://widgets.example.com"\n[accounts.main]\nlogin = 5\n'
    )
    expected = {
        "script": '<cabinet-widget account="main" widget="balance" lang="fr" '
        'style="display:block;min-height:',
        "iframe": '<iframe src="https://widgets.example.com/w/main/balance?lang=fr" title="Solde"',
        "tag": '<script async src="https://widgets.example.com/embed.js" '
        'data-account="main" data-widget="balance" data-lang="fr"></script></div>',
        "wordpress": '[cabinet_widget account="main" widget="balance" lang="fr"]',
        "oembed": "https://widgets.example.com/w/main/balance?lang=fr",
        "badge": 'src="https://widgets.example.com/w/main/balance.png?scale=2&amp;lang=fr"',
        "bbcode": "[url=https://widgets.example.com/w/main/balance?lang=fr][img]",
    }
    for form, part in expected.items():
        printed = run(tmp_path, "snippet", "main", "balance", "--as", form, "--param", "lang=fr")
        assert part in printed.stdout, (form, printed.stderr)
    script = run(tmp_path, "snippet", "main", "balance").stdout
    assert 'src="https://widgets.example.com/embed.js"' in script
    assert '"><a href="https://widgets.example.com/w/main/balance">Balance</a></cab' in script


def test_check_warns_about_a_closed_account_that_no_site_may_embed(tmp_path: Path) -> None:
    configuration = (
        '[api]\nbase_url = "http://127.0.0.1:1"\n'
        '[accounts.main]\nlogin = 5\naccess = "closed"\nembed_secret_env = "EMBED_SECRET"\n'
    )
    path = tmp_path / "widgets.toml"
    warning = "main is closed: no other site may frame it; add yours to accounts.main.allowed_orig"
    path.write_text(configuration)
    assert warning in run(tmp_path, "check", EMBED_SECRET="x" * 32).stderr
    for origins in ('["https://blog.example.com"]', "[]"):  # an empty list is on purpose
        path.write_text(f"{configuration}allowed_origins = {origins}\n")
        assert "may frame it" not in run(tmp_path, "check", EMBED_SECRET="x" * 32).stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nobody", "balance"], "there is no account"),
        (["main", "nothing"], "there is no widget"),
        (["main", "logins"], "is not enabled"),
        (["main", "balance", "--param", "rows=5"], "rows: is not an option"),
        (["main", "balance", "--param", "rows"], "NAME=VALUE"),
        (
            ["main", "open-trades", "--as", "badge"],
            "has no picture; use --as with one of: script, tag, iframe, wordpress, oembed",
        ),
    ],
)
def test_snippet_says_what_is_wrong(arguments: list[str], part: str, tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text("[accounts.main]\nlogin = 5\n")
    printed = run(tmp_path, "snippet", *arguments)
    assert printed.returncode == 2
    assert part in printed.stderr


def test_token_creates_a_token_that_another_library_reads(tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text('[accounts.main]\nlogin = 5\nembed_secret_env = "S"\n')
    before = int(time.time())  # noqa: TID251  # the command uses the real clock
    printed = run(
        tmp_path, "token", "main", "balance", "--ttl", "1h", "--param", "lang=fr", S=SECRET
    )
    after = int(time.time())  # noqa: TID251
    claims = jwt.decode(printed.stdout.strip(), SECRET, ["HS256"])
    assert claims["sub"] == "main/balance"
    assert claims["params"] == {"lang": "fr"}
    assert before <= claims["exp"] - 3600 <= after
    for wrong in (["--ttl", "25h"], ["--ttl", "soon"], ["--param", "rows=1"]):
        assert run(tmp_path, "token", "main", "balance", *wrong, S=SECRET).returncode == 2


def test_token_creates_one_for_all_widgets_of_an_account(tmp_path: Path) -> None:
    account = '[accounts.main]\nlogin = 5\nembed_secret_env = "S"\nwidgets = ["balance", "lots"]\n'
    (tmp_path / "widgets.toml").write_text(account)
    printed = run(tmp_path, "token", "main", "*", "--param", "period=7d", S=SECRET)
    claims = jwt.decode(printed.stdout.strip(), SECRET, ["HS256"])
    assert claims["sub"] == "main/*"
    assert claims["params"] == {"period": "7d"}
    # No enabled widget has rows.
    for param in ("period=8d", "rows=5", "perod=7d"):
        assert run(tmp_path, "token", "main", "*", "--param", param, S=SECRET).returncode == 2
    assert "nobody" in run(tmp_path, "token", "nobody", "*", S=SECRET).stderr


def test_password_prints_the_hash_alone_on_the_last_line(tmp_path: Path) -> None:
    printed = run(tmp_path, "password", stdin="open sesame\nsecond line\n")
    stored = printed.stdout.splitlines()[-1]
    assert stored.startswith("scrypt:")
    assert check_password_hash(stored, "open sesame")
    assert f"export MAIN_VIEWER_HASH='{stored}'" in printed.stderr
    assert run(tmp_path, "password", stdin="\n").returncode == 2


@pytest.mark.parametrize(("password", "is_short"), [("1234567", True), ("12345678", False)])
def test_password_warns_about_a_short_one(password: str, is_short: bool, tmp_path: Path) -> None:
    printed = run(tmp_path, "password", stdin=f"{password}\n")
    assert printed.returncode == 0
    assert ("may be guessed; use at least 8" in printed.stderr) == is_short


def test_check_names_the_key_of_a_password_as_it_is_written(
    tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "password").write_text("guess")
    (tmp_path / "widgets.toml").write_text(
        f'[api]\nbase_url = "{upstream.url}"\n'
        '[accounts.main]\nlogin = 1000002\npassword_file = "password"\n'
    )
    [line] = failures(run(tmp_path, "check"))
    assert "check accounts.main.password_file and accounts.main.login" in line


def wait_for(url: str, started: Running) -> requests.Response:
    """The first response of a server that is starting."""
    responses: list[requests.Response] = []

    def has_responded() -> bool:
        assert started.process.poll() is None, started.process.communicate()
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            responses.append(requests.get(url, timeout=10))
        return bool(responses)

    until(has_responded)
    return responses[0]


def children(session: int) -> list[int]:
    """The processes of a session that are still running."""
    found = []
    for pid in (int(path.name) for path in Path("/proc").glob("[1-9]*")):
        with contextlib.suppress(ProcessLookupError):  # it has ended in the meantime
            if os.getsid(pid) == session:
                found.append(pid)
    return found


def test_serve_responds_and_ends_cleanly_on_sigterm(tmp_path: Path, upstream: Upstream) -> None:
    configure(tmp_path, upstream)
    port = free_port()
    with running(tmp_path, "serve", "--bind", f"127.0.0.1:{port}", **PASSWORD) as started:
        assert wait_for(f"http://127.0.0.1:{port}/healthz", started).text == "ok\n"
        response = requests.get(f"http://127.0.0.1:{port}/w/main/balance.json", timeout=10)
        assert response.json()["data"]["balance"] > 0
        assert response.headers["Server"] == "cabinet-widgets"
    assert started.process.returncode == 0
    assert children(started.process.pid) == []
    assert [line for line in started.output.splitlines() if '"level": "info"' not in line] == []


def test_serve_on_a_terminal_prints_the_first_widget_and_a_log_for_people(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream)
    bind = f"127.0.0.1:{free_port()}"
    with terminal(tmp_path, "serve", "--bind", bind, env=PASSWORD) as shown:
        shown.wait_for("First widget: ")
        url = shown.wait_for(". Press Ctrl+C to stop.\n")
        assert url == f"http://{bind}/w/main/balance"
        page = requests.get(f"{url}?lang=fr", timeout=20)
        assert page.status_code == 200
        # Without a configured URL, links lead to where the service listens.
        assert f'href="http://{bind}/oembed?' in page.text
        shown.wait_for("GET /w/main/balance  200  ")
        shown.process.send_signal(signal.SIGINT)
        assert shown.end() == 0
    first, *lines = shown.screen.splitlines()
    assert first.startswith("First widget: ")
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines), shown.screen
    assert "granian" not in shown.screen.lower()


def test_the_format_of_the_log_can_be_chosen(tmp_path: Path, upstream: Upstream) -> None:
    port = free_port()
    configure(tmp_path, upstream)
    serve = ("serve", "--bind", f"127.0.0.1:{port}", "--log-format")
    with terminal(tmp_path, *serve, "json", env=PASSWORD) as shown:
        shown.wait_for("First widget: ")
        shown.wait_for('"level": "info"')
    with running(tmp_path, *serve, "text", **PASSWORD) as started:
        wait_for(f"http://127.0.0.1:{port}/w/main/balance", started)
    assert "First widget" not in started.output
    assert re.match(r"\d\d:\d\d:\d\d  GET /w/main/balance  200  ", started.output)


@pytest.mark.parametrize(
    ("public_url", "bind", "warns"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000), False),
        ("http://localhost:8000", ("0.0.0.0", 8000), False),
        ("http://127.0.0.1:8000", ("192.0.2.1", 8000), True),
        ("http://127.0.0.1:8000", ("127.0.0.1", 9000), True),
        ("https://widgets.example.com", ("127.0.0.1", 9000), False),
    ],
)
def test_serve_warns_if_its_public_url_leads_elsewhere(
    public_url: str, bind: tuple[str, int], warns: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"server": {"public_url": public_url}, "accounts": {"main": {"login": 1}}}
    settings = config.parse(document, {}, registry.discover(), folder=Path(), demo=False)
    cli.warn_about_public_url(settings, *bind)
    printed = capsys.readouterr().err
    assert ("change server.public_url or --bind" in printed) == warns
    assert printed.count("\n") == int(warns)


def test_serve_warns_if_several_workers_do_not_share_a_cache(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream)
    port = free_port()
    with running(
        tmp_path, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2", **PASSWORD
    ) as started:
        wait_for(f"http://127.0.0.1:{port}/healthz", started)
    assert "2 times as often" in started.output


def test_serve_takes_snapshots_of_a_delayed_account_without_any_visitor(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream, "delay_minutes = 1")
    port = free_port()
    with running(tmp_path, "serve", "--bind", f"127.0.0.1:{port}", **PASSWORD) as started:
        until(lambda: upstream.sandbox.calls["RequestOpenTrades"] > 0)
        wait_for(f"http://127.0.0.1:{port}/healthz", started)
        response = requests.get(f"http://127.0.0.1:{port}/w/main/balance.json", timeout=10)
        assert response.json()["error"]["code"] == "delayed"
        assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert "main: after a restart there are no figures" in started.output


@pytest.mark.parametrize(
    ("cache", "warning"),
    [
        ('type = "SimpleCache"', "a SimpleCache does not survive a restart"),
        ('type = "FileSystemCache"\ndir = "{temporary}"', "is a temporary folder"),
        ('type = "FileSystemCache"\ndir = "/var/cache/cabinet-widgets"', None),
        ('type = "RedisCache"\nredis_url = "redis://127.0.0.1:6379/0"', None),
    ],
)
def test_serve_warns_if_a_restart_loses_what_a_delayed_account_looked_like(
    cache: str, warning: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tomllib.loads(
        "[accounts.main]\nlogin = 1\n[accounts.late]\nlogin = 2\ndelay_minutes = 5\n[cache]\n"
        + cache.format(temporary=Path(tempfile.gettempdir()) / "cache")
    )
    settings = config.parse(document, {}, registry.discover(), folder=tmp_path, demo=True)
    cli.warn_about_lost_snapshots(settings)
    printed = capsys.readouterr().err
    if warning is None:
        assert printed == ""
    else:
        assert printed.startswith("cabinet-widgets: late: ")
        assert warning in printed


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1", "127.0.0.1:99999", ":::"])
def test_serve_refuses_a_malformed_address(bind: str, tmp_path: Path, upstream: Upstream) -> None:
    configure(tmp_path, upstream)
    ended = run(tmp_path, "serve", "--bind", bind, **PASSWORD)
    assert ended.returncode == 2
    assert "--bind" in ended.stderr


def test_serve_says_in_one_line_why_it_cannot_listen_there(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream)
    port = free_port()
    with running(tmp_path, "serve", "--bind", f"127.0.0.1:{port}", **PASSWORD) as started:
        wait_for(f"http://127.0.0.1:{port}/healthz", started)
        for bind in (
            f"127.0.0.1:{port}",
            f"0.0.0.0:{port}",
            "192.0.2.1:8000",
            "widgets.invalid:8000",
        ):
            ended = run(tmp_path, "serve", "--bind", bind, **PASSWORD)
            assert ended.returncode == 2, bind
            assert ended.stderr.count("\n") == 1, ended.stderr
            assert f"--bind {bind}: cannot listen there: " in ended.stderr


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_a_port_that_is_in_use_is_one_line_that_says_what_to_do(
    command: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, command, "--port", str(port))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"cabinet-widgets: --port {port}: cannot listen there: another program uses this port;"
        " stop it or choose another port\n"
    )


def test_serve_says_in_one_line_that_its_cache_cannot_be_written(
    tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream, '[cache]\ntype = "FileSystemCache"\ndir = "/proc/none"')
    ended = run(tmp_path, "serve", "--bind", f"127.0.0.1:{free_port()}", **PASSWORD)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "name a folder that the service's user may write" in ended.stderr


@pytest.mark.parametrize("folder", ["none", "file", "/proc"])
def test_serve_says_in_one_line_that_metrics_cannot_be_shared(
    folder: str, tmp_path: Path, upstream: Upstream
) -> None:
    """Root can write everywhere but in /proc."""
    configure(tmp_path, upstream)
    (tmp_path / "file").touch()
    environment = {**PASSWORD, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / folder)}
    ended = run(tmp_path, "serve", "--bind", f"127.0.0.1:{free_port()}", **environment)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("cabinet-widgets: PROMETHEUS_MULTIPROC_DIR: ")


def test_demo_serves_everything_on_one_port_and_leaves_no_process_behind(tmp_path: Path) -> None:
    with running(tmp_path, "demo", "--port", "0") as started:
        assert started.process.stdout is not None
        printed = [started.process.stdout.readline() for _ in range(4)]
        address = re.search(r"(http://127\.0\.0\.1:\d+)/demo$", printed[0])
        assert address
        service = address[1]
        page = requests.get(f"{service}/demo", timeout=10).text
        widgets = set(re.findall(r'widget="([a-z-]+)"', page)) | set(
            re.findall(r"/w/demo/([a-z-]+)", page)
        )
        assert widgets == registry.discover().keys()
        for widget in widgets:
            assert requests.get(f"{service}/w/demo/{widget}", timeout=10).status_code == 200
        # It can be seen under every name of the machine, so that no URL may contain one.
        links = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)
        assert "/embed.js" in links
        assert all(re.match("/(?!/)|#", link) for link in links), links
        assert "Widget studio" in requests.get(f"{service}/", timeout=10).text
    assert started.process.returncode == 0
    assert children(started.process.pid) == []
    port = service.rpartition(":")[2]
    assert printed[1].endswith(f" {service}/\n")
    assert f"ssh -L {port}:127.0.0.1:{port} " in printed[3]


def test_demo_listens_at_the_address_that_bind_names(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, "demo", "--bind", "127.0.0.2", "--port", f"{port}") as started:
        wait_for(f"http://127.0.0.2:{port}/demo", started)
    assert f"http://127.0.0.2:{port}/demo\n" in started.output


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 8000)),
        ("127.0.0.1:81", ("127.0.0.1", 81)),
        ("localhost", ("127.0.0.1", 8000)),
        ("[::1]", ("::1", 8000)),
        ("[::1]:81", ("::1", 81)),
    ],
)
def test_an_address_may_leave_its_port_to_a_default(bind: str, expected: tuple[str, int]) -> None:
    assert parse_bind(bind, 8000) == expected


def test_demo_says_that_other_computers_can_see_it_or_how_they_could() -> None:
    assert "ssh -L 8000:[::1]:8000 " in cli.describe_reach("::1", "http://[::1]:8000")
    for address in ("0.0.0.0", "::", "192.0.2.7"):
        text = cli.describe_reach(address, demo.url_of(address, 8000))
        assert "Other computers can see it too, at port 8000" in text


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("192.0.2.7", "http://192.0.2.7:80"),
        ("::1", "http://[::1]:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
    ],
)
def test_the_url_of_the_demonstration_works_on_its_own_machine(address: str, url: str) -> None:
    assert demo.url_of(address, 80) == url


def test_the_demonstration_writes_code_with_the_address_on_which_it_listens() -> None:
    settings = demo.settings("http://127.0.0.1:9", "http://192.0.2.7:8000")
    assert settings.server.public_url == "http://192.0.2.7:8000"
    assert settings.accounts["private"].allowed_origins == ("http://192.0.2.7:8000",)


@pytest.mark.parametrize("bind", ["8000:", "127.0.0.1:99999", ":::"])
def test_demo_refuses_a_malformed_address(bind: str, tmp_path: Path) -> None:
    ended = run(tmp_path, "demo", "--bind", bind)
    assert ended.returncode == 2
    assert f"--bind {bind}: write address and port" in ended.stderr


def test_requests_before_the_demonstration_is_ready_wait_for_it(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, "demo", "--port", str(port)) as started:
        first = None
        while first is None:
            assert started.process.poll() is None
            with contextlib.suppress(requests.ConnectionError):
                first = requests.get(f"http://127.0.0.1:{port}/demo", timeout=30)
        assert first.status_code == 200


def test_sandbox_prints_its_accounts(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, "sandbox", "--port", str(port)) as started:
        wait_for(f"http://127.0.0.1:{port}/api/", started)
    assert "login 1000002" in started.output
    assert started.process.returncode == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://widgets.example.com"])
def test_snippet_says_if_other_machines_cannot_reach_the_url(
    url: str, tmp_path: Path, upstream: Upstream
) -> None:
    configure(tmp_path, upstream, f'[server]\npublic_url = "{url}"')
    ended = run(tmp_path, "snippet", "main", "balance", **PASSWORD)
    assert f"{url}/embed.js" in ended.stdout
    assert ("for others set server.public_url" in ended.stderr) == url.startswith("http:")


def test_snippet_says_who_can_see_a_closed_account(tmp_path: Path, upstream: Upstream) -> None:
    closed = 'access = "closed"\nembed_secret_env = "EMBED_SECRET"'
    secrets = {**PASSWORD, "EMBED_SECRET": "0123456789abcdef" * 2}
    for more, form, hint in (
        (closed, "script", "accounts.main.allowed_origins"),
        (
            f'{closed}\nallowed_origins = ["https://blog.example.com"]',
            "script",
            "your page adds a token",
        ),
        (closed, "bbcode", "visible only with a token"),
    ):
        configure(tmp_path, upstream, more)
        ended = run(tmp_path, "snippet", "main", "balance", "--as", form, **secrets)
        assert ended.returncode == 0
        assert hint in ended.stderr


def test_the_demonstration_ends_with_the_error_that_prevents_it_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OperatorError("xx.po is not a gettext catalogue")

    monkeypatch.setattr(app, "create_app", broken)
    with (
        pytest.raises(OperatorError, match="catalogue"),
        demo.running("http://127.0.0.1:9", 0, lambda: 0.0),
    ):
        pass
