"""One account that environment variables configure, without a file."""

from pathlib import Path

import pytest
import requests
from commands import run
from conftest import Upstream
from processes import free_port
from test_cli import running, wait_for

from widget import config
from widget.errors import ConfigError

WIDGETS = ("balance",)


@pytest.fixture
def upstream(upstream_in_real_time: Upstream) -> Upstream:
    """The simulated API uses the real clock here, as the commands do."""
    upstream_in_real_time.reset()
    return upstream_in_real_time


def test_the_login_is_enough() -> None:
    settings = config.load_from_variables({"CABINET_WIDGETS_LOGIN": "1234567"}, WIDGETS)
    account = settings.accounts["main"]
    assert (account.login, account.password, account.api) == (1234567, None, config.Api())
    assert settings.server == config.Server()


def test_every_variable_has_its_effect() -> None:
    env = {
        "CABINET_WIDGETS_LOGIN": "1234567",
        "CABINET_WIDGETS_PASSWORD": "s3cret",
        "CABINET_WIDGETS_NAME": "2026",
        "CABINET_WIDGETS_CURRENCY": "EUR",
        "CABINET_WIDGETS_TIMEZONE": "Europe/Paris",
        "CABINET_WIDGETS_API": "https://peanut.ifxdb.com",
        "CABINET_WIDGETS_DIALECT": "cabinet-basic",
        "CABINET_WIDGETS_API_TIMEZONE": "+03:00",
        "CABINET_WIDGETS_PUBLIC_URL": "https://widgets.example.com",
        "CABINET_WIDGETS_TRUSTED_PROXIES": "2",
    }
    settings = config.load_from_variables(env, WIDGETS)
    account = settings.accounts["main"]
    assert account.password is not None
    assert account.password.get_secret_value() == "s3cret"
    assert (account.name, account.currency) == ("2026", "EUR")
    assert str(account.timezone) == "Europe/Paris"
    assert str(account.api.timezone) == "UTC+03:00"
    assert account.api.dialect == "cabinet-basic"
    assert account.api.base_url == "https://peanut.ifxdb.com"
    assert settings.server.public_url == "https://widgets.example.com"
    assert settings.server.trusted_proxies == 2
    assert "s3cret" not in repr(settings)


def test_a_public_url_with_https_has_a_proxy_in_front() -> None:
    env = {"CABINET_WIDGETS_LOGIN": "1", "CABINET_WIDGETS_PUBLIC_URL": "https://w.example.com"}
    assert config.load_from_variables(env, WIDGETS).server.trusted_proxies == 1


def test_mistakes_name_the_variables() -> None:
    env = {
        "CABINET_WIDGETS_LOGIN": "",
        "CABINET_WIDGETS_API": "http://example.com",
        "CABINET_WIDGETS_API_TIMEZONE": "Mars",
        "CABINET_WIDGETS_TRUSTED_PROXIES": "two",
    }
    with pytest.raises(ConfigError) as caught:
        config.load_from_variables(env, WIDGETS)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "CABINET_WIDGETS_LOGIN",
        "CABINET_WIDGETS_API",
        "CABINET_WIDGETS_API_TIMEZONE",
        "CABINET_WIDGETS_TRUSTED_PROXIES",
    ]


def test_serve_runs_without_a_file(tmp_path: Path, upstream: Upstream) -> None:
    port = free_port()
    env = {
        "CABINET_WIDGETS_LOGIN": "1000002",
        "CABINET_WIDGETS_PASSWORD": "sandbox-password",
        "CABINET_WIDGETS_API": upstream.url,
        # As in an image, which names a file that need not exist.
        "CABINET_WIDGETS_CONFIG": str(tmp_path / "none.toml"),
    }
    with running(tmp_path, "serve", "--bind", f"127.0.0.1:{port}", **env) as started:
        wait_for(f"http://127.0.0.1:{port}/healthz", started)
        response = requests.get(f"http://127.0.0.1:{port}/w/main/balance.json", timeout=10)
    assert response.json()["data"]["balance"] > 0


def test_check_names_the_variables(tmp_path: Path, upstream: Upstream) -> None:
    env = {"CABINET_WIDGETS_LOGIN": "1000002", "CABINET_WIDGETS_API": upstream.url}
    ended = run(tmp_path, "check", **env, CABINET_WIDGETS_PASSWORD="guess")
    assert "check CABINET_WIDGETS_PASSWORD and CABINET_WIDGETS_LOGIN" in ended.stdout
    ended = run(tmp_path, "check", **env)
    assert "set its API password in CABINET_WIDGETS_PASSWORD" in ended.stdout


@pytest.mark.parametrize("option", [[], ["--config", "none.toml"]])
def test_a_file_and_variables_together_are_an_error(option: list[str], tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text("[accounts.main]\nlogin = 5\n")
    for command in (["check"], ["serve"], ["snippet", "main", "balance"]):
        ended = run(tmp_path, *command, *option, CABINET_WIDGETS_LOGIN="1000002")
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        assert "(CABINET_WIDGETS_LOGIN); remove one of the two" in ended.stderr
