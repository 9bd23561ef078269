"""No secret is in any output: all output, at level DEBUG, is searched for known secrets."""

import base64
import io
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import processes
import pytest
import redis
from accounts import WIDGETS
from commands import run
from conftest import Clock, serving
from effort import some
from flask import Flask
from scripted import NOW
from test_privacy import PERSONAL, responses
from werkzeug.security import generate_password_hash

from widget import app, config
from widget.config import Settings
from widget.errors import ConfigError
from widget.web import logs, tokens

LOGIN = 7654321
FORM = "application/x-www-form-urlencoded"
VIEWER, STUDIO = "the viewer's pass phrase", "the studio's pass phrase"
SECRETS = {
    "API password": "api-password-q1w2e3",
    "partner password": "partner-password-r4t5",
    "token of the API": "UPSTREAMtoken0123456789abcdefXYZ",
    "new embed secret": "embed-secret-new-0123456789-0123456789",
    "old embed secret": "embed-secret-old-0123456789-0123456789",
    "viewer hash": generate_password_hash(VIEWER, "scrypt:1024:8:1"),
    "viewer password": VIEWER,
    "studio hash": generate_password_hash(STUDIO, "scrypt:1024:8:1"),
    "studio password": STUDIO,
    "redis password": "redis-password-z9x8c7",
    "login": str(LOGIN),
    **{f"personal {name}": value for name, value in PERSONAL.items()},
}


class Api:
    """An upstream that requires authentication; in some moods it echoes what it received."""

    def __init__(self) -> None:
        self.mood = "good"
        self.seen: set[str] = set()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Respond in either dialect."""
        path = environ["PATH_INFO"]
        received = (
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode() + path
        )
        received += environ.get("HTTP_PASSKEY", "")
        self.seen |= {name for name, secret in SECRETS.items() if secret in received}
        token = SECRETS["token of the API"]
        kind = [("Content-Type", "application/json")]
        signs_in = "Authentication" in path or "IsAccountCredentialsCorrect" in path
        if self.mood == "parrot" or (self.mood == "echo" and not signs_in):
            start("200 OK", kind)
            return [
                json.dumps(
                    {
                        "balance": f"{LOGIN} {token}",
                        "symbol": received,
                        "time": f"{token} {LOGIN}",
                        "equity": token,
                    }
                ).encode()
            ]
        if self.mood in ("401 no", "500 broken", "302 gone"):
            start(self.mood, [*kind, ("Location", f"http://127.0.0.1:9/{token}/{LOGIN}")])
            return [f"token {received}".encode()]
        start("200 OK", kind)
        if "Authentication" in path:
            return [json.dumps(token).encode()]
        if "IsAccountCredentialsCorrect" in path:
            return [json.dumps({"result": True, "token": token}).encode()]
        name = path.split("/")[-1] if "ClientCabinetBasic" in path else path.split("/")[2]
        return [json.dumps(responses()[FUNCTIONS[name]]).encode()]


FUNCTIONS: dict[str, Any] = {
    "RequestBalanceInformation": "balance",
    "RequestAccountInformation": "summary",
    "RequestOpenTrades": "open_trades",
    "RequestClosedTrades": "closed_trades",
    "RequestClosedLots": "lots",
    "RequestBonusStatistic": "bonus",
    "RequestLoginHistory": "logins",
    "GetCommissionRecords": "commissions",
    "GetAccountInformation": "summary",
    "GetOpenTrades": "open_trades",
    "GetClosedTrades": "closed_trades",
    "GetBonusStatistic": "bonus",
    "GetBalanceOperationsHistory": "logins",  # unreadable for this function
}


def raw_settings(url: str, dialect: str, **more: Any) -> dict[str, Any]:
    """A configuration with every kind of secret."""
    account = {
        "login": LOGIN, "password": SECRETS["API password"],
        "partner_password": SECRETS["partner password"],
        "viewer_password_hash": SECRETS["viewer hash"], "widgets": list(WIDGETS),
        "access": "closed",
        "embed_secret": f"{SECRETS['new embed secret']},{SECRETS['old embed secret']}",
    }  # fmt: skip
    return {
        "server": {"studio": True, "studio_password_hash": SECRETS["studio hash"]},
        "api": {"base_url": url, "dialect": dialect, "deadline_seconds": 5},
        "accounts": {"main": account, "open": {**account, "access": "open", "amounts": "percent"}},
        **more,
    }


@contextmanager
def logged_at_debug(settings: Settings, *, masked: bool) -> Iterator[io.StringIO]:
    """The output of every logger at the lowest level, with or without ``SecretFilter``."""
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    handler.setFormatter(
        logs.JsonFormatter() if masked else logging.Formatter("%(name)s %(message)s %(args)s")
    )
    if masked:
        handler.addFilter(logs.SecretFilter(settings))
    levels = {
        name: logging.getLogger(name).level for name in ("", *logging.root.manager.loggerDict)
    }
    root.addHandler(handler)
    for name in levels:
        # urllib3 logs URLs with the login, which the client disables: for the filter only.
        if masked or not name.startswith("urllib3"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def all_responses(application: Flask, now: float) -> str:
    """All responses to every kind of request, with right and wrong credentials."""
    responses_text: list[str] = []
    client = application.test_client()

    def get(
        path: str, method: str = "GET", body: str = "", kind: str = FORM, basic: str = ""
    ) -> None:
        headers = {"Content-Type": kind}
        if basic:
            headers["Authorization"] = f"Basic {base64.b64encode(basic.encode()).decode()}"
        url = quote(path, safe="/?&=:")
        response = client.open(url, method=method, data=body, headers=headers)
        responses_text.append(f"{response.status} {response.headers} {response.text}")

    key = SECRETS["old embed secret"].encode()
    for name, slug in itertools.product(some([*WIDGETS]), ("main", "open")):
        good = tokens.sign([key], f"{slug}/{name}", now + 600)
        for suffix in ("", ".json", *([".svg"] if WIDGETS[name].picture else [])):
            get(f"/w/{slug}/{name}{suffix}")
            get(f"/w/{slug}/{name}{suffix}?token={good}")
            get(f"/w/{slug}/{name}{suffix}?token={good}x&rows=0")
        get(f"/oembed?url=http://127.0.0.1:8000/w/{slug}/{name}")
    for password in (VIEWER, f"{VIEWER} and more", SECRETS["API password"]):
        get("/w/main/balance/unlock", "POST", f"password={quote(password)}")
        get(
            "/w/main/balance/unlock", "POST", json.dumps({"password": password}), "application/json"
        )
    for password in (STUDIO, f"{STUDIO}!"):
        get("/", basic=f"operator:{password}")
        get("/?account=main&rows=x", basic=f"operator:{password}")
    for path in (
        "/",
        "/metrics",
        "/healthz",
        "/readyz",
        "/embed.json",
        "/none",
        "/w/main/balance?x=1&x=2",
    ):
        get(path)
    return "\n".join(responses_text)


def found_in(text: str) -> list[str]:
    """The names of the secrets in a text, also as written by JSON or repr."""
    forms = {
        name: {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        for name, secret in SECRETS.items()
    }
    return sorted(name for name, written in forms.items() if any(form in text for form in written))


@pytest.mark.parametrize(
    ("cache", "dialect", "masked"),
    [
        ("SimpleCache", "client-api", False),  # without the filter
        ("SimpleCache", "client-api", True),
        ("FileSystemCache", "cabinet-basic", False),
        pytest.param("RedisCache", "client-api", False, marks=pytest.mark.programs),
    ],
)
def test_no_secret_is_in_any_output(cache: str, dialect: str, masked: bool, tmp_path: Path) -> None:
    api = Api()
    with ExitStack() as stack:
        raw = raw_settings(stack.enter_context(serving(api)), dialect)
        raw["cache"] = {"type": cache, "dir": str(tmp_path / "cache")}
        store: redis.Redis | None = None
        if cache == "RedisCache":
            port = processes.free_port()
            stack.enter_context(processes.redis_server(tmp_path, port))
            store = stack.enter_context(redis.Redis(port=port))
            store.config_set("requirepass", SECRETS["redis password"])
            raw["cache"]["redis_url"] = f"redis://:{SECRETS['redis password']}@127.0.0.1:{port}/0"
        settings = config.parse(raw, {}, WIDGETS, folder=tmp_path, demo=True)
        # So that the studio requires its password.
        settings = settings.model_copy(update={"demo": False})
        clock = Clock(NOW)
        application = app.create_app(settings, clock=clock)
        service = application.extensions["cabinet-widgets"]
        stack.callback(service.cache.close)
        written = stack.enter_context(logged_at_debug(settings, masked=masked))

        responses_text = all_responses(application, clock.now)
        # The widgets did display figures.
        assert "48317" in re.sub(r"\D", "", responses_text) or "48,317" in responses_text
        for mood in ("echo", "parrot", "401 no", "500 broken", "302 gone"):
            api.mood = mood
            clock.now += 2 * 86400  # nothing is cached any more, so that errors are displayed
            responses_text += all_responses(application, clock.now)
        assert {"API password", "token of the API", "login"} <= api.seen  # it received them

        # An error in the service, with a traceback.
        original = service.renderer.page
        service.renderer.page = None
        responses_text += all_responses(application, clock.now)
        service.renderer.page = original
        for thing in (
            settings,
            service,
            application.config,
            service.client,
            service.client._client,
            service.client._client._tokens,
            service.cache,
        ):
            responses_text += (
                repr(thing) + str(thing) + repr(vars(thing) if hasattr(thing, "__dict__") else "")
            )
        stored = repr(service.cache._memory._entries) + repr(service.cache._flights._flights)
        if cache == "SimpleCache":
            stored += repr(service.cache._store._cache)
        for path in (tmp_path / "cache").rglob("*"):
            stored += f"{path} " + (path.read_bytes().decode("latin-1") if path.is_file() else "")
        if store:
            store.execute_command("AUTH", SECRETS["redis password"])  # type: ignore[no-untyped-call]
            for key in store.scan_iter():
                value = store.get(key) if store.type(key) == b"string" else b""
                stored += f"{key!r} " + (value if isinstance(value, bytes) else b"").decode(
                    "latin-1"
                )
            assert "balance" in stored

        assert found_in(written.getvalue()) == [], "log"
        assert found_in(responses_text) == [], "responses and reprs"
        assert found_in(stored) == [], "cache"
        assert "eyJ" not in written.getvalue(), "a visitor's token in the log"
        assert written.getvalue().count("\n") > 100


def test_what_is_searched_would_be_found() -> None:
    for name, secret in SECRETS.items():
        assert found_in(f"x{secret}y") == [name] or name in found_in(f"x{secret}y")
        assert name in found_in(json.dumps({"a": secret}))
    settings = config.parse(
        raw_settings("http://127.0.0.1:9", "client-api"), {}, WIDGETS, folder=Path(), demo=True
    )
    with logged_at_debug(settings, masked=False) as written:
        logging.getLogger("anything").debug("a slip: %s", SECRETS["API password"])
    assert found_in(written.getvalue()) == ["API password"]
    with logged_at_debug(settings, masked=True) as written:
        logging.getLogger("anything").debug("a slip: %s of %d", SECRETS["API password"], LOGIN)
    assert found_in(written.getvalue()) == []


@contextmanager
def configured(folder: Path, mood: str) -> Iterator[Callable[..., str]]:
    """A folder with a ``widgets.toml``; yields what runs a command there and returns its output."""
    api = Api()
    api.mood = mood
    names = {
        "password_env": "API password",
        "partner_password_env": "partner password",
        "viewer_password_hash_env": "viewer hash",
        "embed_secret_env": "new embed secret",
    }
    env = {f"S{n}": SECRETS[name] for n, name in enumerate(names.values())}
    lines = "".join(f'{key} = "S{n}"\n' for n, key in enumerate(names))

    def output_of(*arguments: str) -> str:
        done = run(folder, *arguments, **env)
        assert done.returncode in (0, 1, 2)
        return done.stdout + done.stderr

    with serving(api) as url:
        (folder / "widgets.toml").write_text(
            f'[api]\nbase_url = "{url}"\n[cache]\n'
            f'redis_url = "redis://:{SECRETS["redis password"]}@127.0.0.1:1/0"\n'
            f"[accounts.main]\nlogin = {LOGIN}\n{lines}"
        )
        yield output_of


@pytest.mark.parametrize("mood", ["good", "echo", "parrot", "401 no", "500 broken"])
def test_check_prints_no_secret(mood: str, tmp_path: Path) -> None:
    with configured(tmp_path, mood) as output_of:
        printed = output_of("check")
    assert found_in(printed) == [], printed
    assert "Traceback" not in printed
    # The file is readable by others and contains the password of Redis.
    assert "chmod 600" in printed


@pytest.mark.parametrize(
    "arguments", ["snippet main balance", "token main balance", "token main x"]
)
def test_the_commands_that_call_no_api_print_no_secret(arguments: str, tmp_path: Path) -> None:
    with configured(tmp_path, "good") as output_of:
        printed = output_of(*arguments.split())
    assert found_in(printed) == [], printed
    assert "Traceback" not in printed
    assert "chmod 600" in printed


@pytest.mark.parametrize(
    "mistake",
    [
        'password_env = "api-password-q1w2e3"',  # the secret instead of its name
        'password = "api-password-q1w2e3"',
        'viewer_password_hash_env = "S"',
        'embed_secret_env = "SHORT"',
        "api-password-q1w2e3",
        'access = "api-password-q1w2e3"',
        'login = "api-password-q1w2e3"',
    ],
)
def test_an_error_in_the_configuration_does_not_print_the_secret(
    mistake: str, tmp_path: Path
) -> None:
    (tmp_path / "widgets.toml").write_text(f"[accounts.main]\nlogin = 1\n{mistake}\n")
    env = {"S": SECRETS["API password"], "SHORT": SECRETS["API password"]}
    done = run(tmp_path, "check", **env)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert found_in(done.stdout + done.stderr) == [], done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "redis://:redis-password-z9x8c7@h:port/0",
        "http://:redis-password-z9x8c7@h",
        "redis-password-z9x8c7",
        "redis://[",
    ],
)
def test_an_invalid_redis_url_is_not_printed(url: str, tmp_path: Path) -> None:
    raw = {
        "accounts": {"main": {"login": 1}},
        "cache": {"type": "RedisCache", "redis_url_env": "R"},
    }
    with pytest.raises(ConfigError) as caught:
        config.parse(raw, {"R": url}, WIDGETS, folder=tmp_path, demo=False)
    assert found_in(f"{caught.value} {caught.value.problems}") == []
    assert "redis_url" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ('[cache]\nredis_url = "redis://:secret@127.0.0.1/0"\n', "cache.redis_url"),
        ('[api]\nproxy = "http://user:secret@127.0.0.1:3128"\n', "api.proxy"),
        ('[cache]\nredis_url = "redis://127.0.0.1/0"\n', None),
    ],
)
def test_a_world_readable_file_with_a_password_causes_a_warning(
    text: str, warned: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "widgets.toml"
    path.write_text(f"{text}[accounts.main]\nlogin = 1\n")
    for mode, expected in {0o644: warned, 0o640: warned, 0o600: None}.items():
        path.chmod(mode)
        warnings = config.load(path, {}, WIDGETS).warnings
        assert len(warnings) == bool(expected)
        assert all(
            expected and expected in warning and "chmod 600" in warning and "secret" not in warning
            for warning in warnings
        )
