"""``init``: the questions on a terminal, values from the command line, and the files it writes."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from commands import run
from conftest import Upstream
from faults import Fault
from terminals import Terminal, terminal
from werkzeug.security import check_password_hash

from widget import config
from widget.api import clocks
from widget.config import secrets_file
from widget.setup import questions
from widget.widgets import registry


@pytest.fixture
def upstream(upstream_in_real_time: Upstream) -> Upstream:
    """The simulated API uses the real clock here, as the command does."""
    upstream_in_real_time.reset()
    return upstream_in_real_time


def written(folder: Path) -> dict[str, Any]:
    """The configuration in a folder."""
    return tomllib.loads((folder / "widgets.toml").read_text())


def secrets_in(folder: Path) -> dict[str, str]:
    """The secrets in a folder."""
    return dict(secrets_file.read(folder / "secrets.env").values)


# -- On a terminal --------------------------------------------------------------------------------


def answer_connection(shown: Terminal, url: str, login: str, password: str) -> None:
    """Answer the questions about the API."""
    shown.answer("Number or address", url)
    shown.answer("Number of the trading account", login)
    shown.answer("API password", password)


def answer_identity(shown: Terminal, name: str = "", public_url: str = "") -> None:
    """Answer the questions about the account, mostly with their defaults."""
    shown.answer("Name that visitors see", name)
    shown.answer("Time zone in which your days begin [Europe/Paris]", "")
    shown.answer("Currency of the account [USD]", "")
    shown.answer("Address that your visitors will use", public_url)


PARIS = {"TZ": "Europe/Paris"}


def test_init_asks_tests_each_answer_and_writes_a_configuration_that_works(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        shown.answer("Number or address", "http://127.0.0.1:9")
        shown.wait_for("cannot be reached: ConnectionRefusedError")
        answer_connection(shown, upstream.url, "1000002", "a wrong guess")
        shown.wait_for("refuses this password; or this machine's address is outside the IP mask")
        shown.answer("Number of the trading account", "1000002")
        shown.answer("API password", "sandbox-password")
        shown.wait_for("It works, with the dialect client-api.")
        answer_identity(shown, name="Pip by Pip")
        shown.answer("Number [1]", "")
        assert shown.end() == 0
    assert "sandbox-password" not in shown.screen
    assert "a wrong guess" not in shown.screen
    assert "Next: cabinet-widgets serve\n" in shown.screen
    assert '<cabinet-widget account="main" widget="balance"' in shown.screen
    account = written(tmp_path)["accounts"]["main"]
    assert account["login"] == 1000002
    assert account["name"] == "Pip by Pip"
    assert account["timezone"] == "Europe/Paris"
    assert account["currency"] == "USD"
    assert written(tmp_path)["api"] == {"base_url": upstream.url, "dialect": "client-api"}
    assert secrets_in(tmp_path) == {"MAIN_API_PASSWORD": "sandbox-password"}
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600
    # The password is found by a command that runs later, in another process.
    assert run(tmp_path, "check").returncode == 0


def test_init_of_an_account_at_the_open_level_for_a_public_url(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        answer_connection(shown, upstream.url, "1000001", "")
        shown.answer("Name that visitors see", "")
        shown.answer("Time zone in which your days begin", "Mars")
        shown.wait_for("is not an IANA time zone")
        shown.answer("Time zone in which your days begin", "America/New_York")
        shown.answer("Currency", "usd")
        shown.wait_for("three capital letters")
        shown.answer("Currency", "EUR")
        shown.answer("Address that your visitors", "http://widgets.example.com")
        shown.wait_for("must begin with https")
        shown.answer("Address that your visitors", "https://widgets.example.com")
        shown.answer("Number [1]", "1")
        assert shown.end() == 0
    document = written(tmp_path)
    assert document["server"] == {
        "public_url": "https://widgets.example.com",
        "trusted_proxies": 1,
    }
    assert document["accounts"]["main"]["currency"] == "EUR"
    assert not (tmp_path / "secrets.env").exists()


def test_init_finds_the_newer_dialect(tmp_path: Path, upstream: Upstream) -> None:
    upstream.sandbox.faults.append(Fault("html200", "RequestBalanceInformation"))
    with terminal(tmp_path, "init", env=PARIS) as shown:
        answer_connection(shown, upstream.url, "1000002", "sandbox-password")
        shown.wait_for("It works, with the dialect cabinet-basic.")


def test_init_asks_again_for_an_account_that_the_api_does_not_know(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        answer_connection(shown, upstream.url, "99", "")
        shown.wait_for("does not know this account at this address: check both")
        answer_connection(shown, upstream.url, "1000002", "")
        shown.wait_for("refuses this account without a password")
        shown.answer("Number of the trading account", "1000002")
    # Whatever ends the program: nothing is written before the last answer.
    assert list(tmp_path.iterdir()) == []


def test_init_never_calls_another_api_than_the_one_that_was_entered(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        shown.answer("Number or address", "client-api.example.com")
        assert "api.base_url: must be a URL" in shown.wait_for("Number or address")
        assert "cannot be reached" not in shown.screen
        shown.answer("", "http://127.0.0.1:9")
        assert "Check the address" in shown.wait_for("Number or address")
        shown.answer("", upstream.url)
        shown.answer("Number of the trading account", "1000002")
        shown.answer("API password", "wrong")
        # The number was right: Enter keeps it.
        shown.answer("Number of the trading account [1000002]", "")
        shown.answer("API password", "sandbox-password")
        answer_identity(shown)
        shown.answer("Number [1]", "")
        assert shown.end() == 0
    assert written(tmp_path)["api"]["base_url"] == upstream.url


def test_init_protects_an_account_with_a_password_for_visitors(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        answer_connection(shown, upstream.url, "1000001", "")
        answer_identity(shown)
        shown.answer("Number [1]", "2")
        shown.answer("Password for your visitors", "short")
        shown.answer("Repeat for confirmation", "short")
        shown.wait_for("has only 5 characters")
        shown.answer("Your site", "https://blog.example.com/")
        shown.wait_for("is not an origin")
        shown.answer("Your site", "https://blog.example.com")
        assert shown.end() == 0
    account = written(tmp_path)["accounts"]["main"]
    assert account["access"] == "closed"
    assert account["allowed_origins"] == ["https://blog.example.com"]
    assert check_password_hash(secrets_in(tmp_path)["MAIN_VIEWER_HASH"], "short")


def test_init_creates_the_secret_of_an_account_for_members(
    tmp_path: Path, upstream: Upstream
) -> None:
    with terminal(tmp_path, "init", env=PARIS) as shown:
        answer_connection(shown, upstream.url, "1000001", "")
        answer_identity(shown)
        shown.answer("Number [1]", "3")
        shown.answer("Your site", "")
        assert shown.end() == 0
    assert "main is closed: no other site may frame it" in shown.screen
    assert len(secrets_in(tmp_path)["MAIN_EMBED_SECRET"]) > 32
    assert "with the secret MAIN_EMBED_SECRET: copy it from secrets.env" in shown.screen
    assert run(tmp_path, "token", "main", "balance").returncode == 0


def test_init_does_not_ask_for_what_the_command_line_contains(
    tmp_path: Path, upstream: Upstream
) -> None:
    values = [
        "login=1000001",
        f"base_url={upstream.url}",
        "dialect=client-api",
        "name=Mine",
        "accounts.main.timezone=UTC",
        "currency=USD",
        "public_url=http://127.0.0.1:8000",
    ]
    options = [text for value in values for text in ("--set", value)]
    with terminal(tmp_path, "init", *options, env={}) as shown:
        shown.answer("API password", "")
        shown.answer("Number [1]", "")
        assert shown.end() == 0
    assert "Number or address" not in shown.screen
    assert written(tmp_path)["accounts"]["main"]["name"] == "Mine"


def test_a_wrong_value_on_the_command_line_ends_init(tmp_path: Path, upstream: Upstream) -> None:
    options = ("--set", "base_url=http://127.0.0.1:9", "--set", "login=1000001")
    with terminal(tmp_path, "init", *options, env={}) as shown:
        assert shown.end() == 2
    assert "cannot be reached" in shown.screen
    assert "correct api.base_url after --set" in shown.screen


def test_init_adds_an_account_that_shares_the_api(tmp_path: Path, upstream: Upstream) -> None:
    before = f'[api]\nbase_url = "{upstream.url}"\n[accounts.main]\nlogin = 1000001'
    (tmp_path / "widgets.toml").write_text(before)
    with terminal(tmp_path, "init", "--add", env=PARIS) as shown:
        shown.answer("Name in addresses [account-2]", "main")
        shown.wait_for("there is an account main already")
        shown.answer("Name in addresses [account-2]", "second")
        answer_connection(shown, "1", "1000002", "sandbox-password")
        shown.answer("Name that visitors see", "")
        shown.answer("Time zone in which your days begin", "")
        shown.answer("Currency", "")
        shown.answer("Number [1]", "")
        assert shown.end() == 0
    assert (tmp_path / "widgets.toml").read_text().startswith(f"{before}\n")
    assert written(tmp_path)["accounts"]["second"] == {
        "login": 1000002,
        "password_env": "SECOND_API_PASSWORD",
        "timezone": "Europe/Paris",
        "currency": "USD",
    }
    assert run(tmp_path, "check").returncode == 0


def test_the_clock_of_the_api_is_suggested_from_its_times(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"api": {"base_url": upstream.url}, "accounts": {"main": {"login": 1000001}}}
    settings = config.parse(document, {}, registry.discover(), folder=Path(), demo=False)
    account = settings.accounts["main"]
    newest = max(
        moment
        for function in questions.HISTORIES
        if (moment := clocks.latest_time(questions.new_client().call(account, function)))
    )
    # Seen three hours before, the newest time is three hours ahead.
    assert questions.suggest_offset(account, newest.timestamp() - 3 * 3600) == "+03:00"
    assert questions.suggest_offset(account, newest.timestamp() + 60) is None


# -- Without a terminal ---------------------------------------------------------------------------


def test_init_without_a_terminal_writes_the_commented_file(tmp_path: Path) -> None:
    ended = run(tmp_path, "init")
    assert ended.stdout.startswith("Wrote widgets.toml\nEnter your account there")
    assert written(tmp_path)["accounts"] == {"main": {"login": 1234567}}


def test_values_of_the_command_line_are_written_where_they_belong(tmp_path: Path) -> None:
    values = {
        "login": "1000001",
        "accounts.main.widgets": '["balance", "growth"]',
        "accounts.main.ttl_seconds.balance": "30",
        "accounts.main.api.timezone": "+03:00",
        "cache.type": "FileSystemCache",
        "api.methods.logins": "",
        "public_url": "https://widgets.example.com/path",
        "trusted_proxies": "2",
        "name": '"007" & sons',
        "password": "it's $ecret",
        "embed_secret_env": "NOT_SET_YET",
    }
    options = [text for key, value in values.items() for text in ("--set", f"{key}={value}")]
    ended = run(tmp_path, "init", "--no-input", *options)
    assert ended.returncode == 0, ended.stderr
    assert "it's $ecret" not in ended.stdout + ended.stderr
    document = written(tmp_path)
    assert document["accounts"]["main"] == {
        "login": 1000001,
        "password_env": "MAIN_API_PASSWORD",
        "embed_secret_env": "NOT_SET_YET",
        "widgets": ["balance", "growth"],
        "name": '"007" & sons',
        "ttl_seconds": {"balance": 30},
        "api": {"timezone": "+03:00"},
    }
    assert document["cache"] == {"type": "FileSystemCache"}
    assert document["api"]["methods"] == {"logins": ""}
    assert document["server"]["trusted_proxies"] == 2
    assert secrets_in(tmp_path) == {"MAIN_API_PASSWORD": "it's $ecret"}


def test_an_account_with_another_name_replaces_the_one_of_the_template(tmp_path: Path) -> None:
    options = ("--set", "accounts.my-fund.login=5", "--set", "accounts.my-fund.password=x")
    assert run(tmp_path, "init", *options).returncode == 0
    assert list(written(tmp_path)["accounts"]) == ["my-fund"]
    assert secrets_in(tmp_path) == {"MY_FUND_API_PASSWORD": "x"}
    text = (tmp_path / "widgets.toml").read_text()
    assert '# embed_secret_env = "MY_FUND_EMBED_SECRET"' in text
    assert "main" not in text.replace("domain", "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("login", "--set login: write KEY=VALUE"),
        ("logn=5", "--set logn: unknown key; did you mean login?"),
        ("timezone=UTC", "--set timezone: write accounts.main.timezone or api.timezone"),
        ("api.dialekt=x", "api.dialekt: unknown key; did you mean dialect?"),
        ("login=five", "accounts.main.login: must be a whole number"),
        ("accounts.Main.login=5", "accounts.Main: an account's name consists of"),
        ("public_url=http://example.com", "server.public_url: must begin with https://"),
    ],
)
def test_a_wrong_value_is_one_line_and_nothing_is_written(
    value: str, problem: str, tmp_path: Path
) -> None:
    ended = run(tmp_path, "init", "--set", value)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert problem in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_secret_never_replaces_another_one(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("MAIN_API_PASSWORD='old'\n")
    (tmp_path / "secrets.env").chmod(0o600)
    assert run(tmp_path, "init", "--set", "password=new", MAIN_API_PASSWORD_2="x").returncode == 0
    assert written(tmp_path)["accounts"]["main"]["password_env"] == "MAIN_API_PASSWORD_3"
    assert secrets_in(tmp_path)["MAIN_API_PASSWORD"] == "old"
    assert secrets_in(tmp_path)["MAIN_API_PASSWORD_3"] == "new"


def test_an_account_is_added_without_changing_the_others(tmp_path: Path) -> None:
    run(tmp_path, "init", "--set", "login=1000001")
    before = (tmp_path / "widgets.toml").read_text()
    options = ("--set", "accounts.second.login=1000002", "--set", "accounts.second.password=x")
    ended = run(tmp_path, "init", "--add", *options)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "widgets.toml").read_text().startswith(before)
    assert written(tmp_path)["accounts"]["second"]["login"] == 1000002
    again = run(tmp_path, "init", "--add", *options)
    assert again.returncode == 2
    assert "there is an account second already" in again.stderr
    shared = run(tmp_path, "init", "--add", "--set", "studio=true")
    assert "--add only adds an account" in shared.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder"], "folder is a folder; name a file in it, such as folder/widgets.toml"),
        (["none/"], "none/ is a folder; name a file in it, such as none/widgets.toml"),
        (["none/here/w.toml"], "there is no folder none/here; run: mkdir -p none/here"),
        (["file.toml"], "file.toml already exists; remove it first, choose another name, or add"),
        (["w.toml", "--set", "accounts..login=5"], "--set accounts..login: write KEY=VALUE"),
        (["w.toml", "--set", ".=5"], "--set .: write KEY=VALUE"),
        (["w.toml", "--set", "server.\u0449=5"], "--set server.\u0449: write KEY=VALUE"),
        (["w.toml", "--set", "password="], "accounts.main.password: a secret is a text in one"),
        (["w.toml", "--set", "password=a\nB=c"], "accounts.main.password: a secret is a text in"),
        (["w.toml", "--set", "password=\udcff"], "accounts.main.password: a secret is a text in"),
        (
            ["w.toml", "--set", "password_env=hunter2"],
            "accounts.main.password_env: the environment variable with this name is not set",
        ),
        (["--add", "file.toml"], "--add: name the account, such as --set accounts.second.login"),
        (["--add", "none.toml"], "none.toml: no such file; create it with"),
        (["--add", "file.toml", "--set", "accounts.b.x=1"], "accounts.b.login: missing"),
    ],
)
def test_init_says_what_is_wrong_with_its_arguments(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.toml").write_text("[accounts.main]\nlogin = 5\n")
    before = sorted(tmp_path.iterdir())
    ended = run(tmp_path, "init", *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "hunter2" not in ended.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_written_if_others_can_read_the_secrets(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").touch(mode=0o644)
    values = ("--set", "login=5", "--set", "password=secret")
    ended = run(tmp_path, "init", *values)
    assert ended.returncode == 2
    assert "secrets.env is not for you alone; run: chmod 600 secrets.env" in ended.stderr
    assert not (tmp_path / "widgets.toml").exists()
    (tmp_path / "secrets.env").chmod(0o600)
    assert run(tmp_path, "init", *values).returncode == 0
