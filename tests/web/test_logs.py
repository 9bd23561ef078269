"""Logging: lines of JSON with the id of their request and without secrets."""

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import jwt
import pytest
import requests
from conftest import Clock, Service
from hypothesis import given
from hypothesis import strategies as st
from processes import service as served
from processes import until

from widget import config
from widget.config import Settings
from widget.web import logs
from widget.web.logs import (
    CountingHandler,
    JsonFormatter,
    RequestLogger,
    SecretFilter,
    TextFormatter,
)

LOGIN = 77123456
SECRETS = {
    "password": 'pass "word" \\ of\tMain',
    "partner_password": "partner/password+of=main",
    "embed_secret": (
        "the newer secret of the embedding page, the older secret of the embedding page"
    ),
    "viewer_password_hash": "scrypt:32768:8:1$saltsalt$" + "ab" * 32,
    "redis_url": "redis://user:redis-password@127.0.0.1:6379/0",
    "studio_password_hash": "scrypt:32768:8:1$other$" + "cd" * 32,
}
ALONE = [
    "the newer secret of the embedding page",
    "the older secret of the embedding page",
    "redis-password",
]


def settings(**more: Any) -> Settings:
    """A configuration with every kind of secret."""
    account = {
        name: SECRETS[name]
        for name in ("password", "partner_password", "embed_secret", "viewer_password_hash")
    }
    raw = {
        "server": {"studio_password_hash": SECRETS["studio_password_hash"]},
        "cache": {"redis_url": SECRETS["redis_url"]},
        "accounts": {"main": {"login": LOGIN, **account}, **more},
    }
    return config.parse(raw, {}, (), folder=Path(), demo=True)


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, list[str]]]:
    """A logger as ``serve`` configures it, and the lines that it writes."""
    written: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler, logger = Collector(), logging.getLogger("test_logs")
    handler.addFilter(SecretFilter(settings()))
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, written
    logger.removeHandler(handler)


def test_the_configuration_of_these_tests_has_every_kind_of_secret() -> None:
    assert set(config.SECRET_KEYS) == set(SECRETS)


@pytest.mark.parametrize("secret", [*SECRETS.values(), *ALONE, str(LOGIN)])
def test_no_secret_is_logged_in_a_message_argument_extra_or_traceback(
    secret: str, log: tuple[logging.Logger, list[str]]
) -> None:
    logger, written = log
    logger.error(f"called with {secret}, in vain")
    logger.error("called with %s and %r", secret, {"password": secret})
    logger.error("called", extra={"evidence": secret, "more": [secret], "login": LOGIN})
    try:
        raise OSError(f"refused: {secret}") from ValueError(secret)
    except OSError:
        logger.exception("it failed", stack_info=True)
    assert len(written) == 4
    for line in written:
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
            assert form not in line
            assert form not in json.dumps(json.loads(line), ensure_ascii=False)
        assert "***" in line
    assert json.loads(written[0])["message"] == "called with ***, in vain"
    assert "OSError: refused: ***" in json.loads(written[3])["exception"]


def test_a_token_is_hidden_and_digits_of_a_login_within_another_number_are_not(
    log: tuple[logging.Logger, list[str]],
) -> None:
    logger, written = log
    token = jwt.encode({"sub": "main/balance", "exp": 1}, "x" * 32)
    logger.info("GET /w/main/balance?token=%s", token)
    logger.info("ticket 1%s9, login %s", LOGIN, LOGIN)
    assert token.split(".")[1] not in written[0]
    assert json.loads(written[0])["message"] == "GET /w/main/balance?token=***"
    assert json.loads(written[1])["message"] == f"ticket 1{LOGIN}9, login ***"


MASK = SecretFilter(settings())
PARTS = st.one_of(st.text(max_size=20), st.sampled_from([*SECRETS.values(), *ALONE, f" {LOGIN} "]))


@given(st.lists(PARTS, max_size=6))
def test_a_secret_is_hidden_whatever_surrounds_it(parts: list[str]) -> None:
    hidden = MASK.hide("".join(parts))
    assert not any(secret in hidden for secret in (*SECRETS.values(), *ALONE))
    assert str(LOGIN) not in re.findall(r"\d+", hidden)


def test_the_secrets_of_ten_thousand_accounts_are_hidden() -> None:
    """``make bench`` measures how fast."""
    many = {
        f"a{n}": {
            "login": 10**7 + n,
            "password": f"password {n * 7919} of an account",
            "partner_password": f"{n:012x}",
        }
        for n in range(10_000)
    }
    mask = SecretFilter(settings(**many))
    line = "GET /w/main/balance of an account: no complete response within the deadline of 8 s " * 3
    assert mask.hide(line) == line
    for n in (0, 1, 4999, 9999):
        account = many[f"a{n}"]
        secrets = f"{account['password']} {account['login']} {account['partner_password']}"
        assert mask.hide(f"{line} {secrets}") == f"{line} *** *** ***"


def test_a_line_is_one_line_of_json_with_time_level_and_message(
    log: tuple[logging.Logger, list[str]],
) -> None:
    logger, written = log
    logger.warning("two\nlines", extra={"status": 200, "path": Path("x")})
    assert "\n" not in written[0]
    line = json.loads(written[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        **{"level": "warning", "logger": "test_logs", "message": "two\nlines"},
        **{"status": 200, "path": "x"},
    }


@given(st.text())
def test_a_line_has_no_character_that_a_terminal_could_obey(text: str) -> None:
    record = logging.makeLogRecord({"msg": text, "path": text})
    line = JsonFormatter().format(record)
    assert line.isprintable()
    assert json.loads(line)["message"] == text
    assert json.loads(line)["path"] == text


def test_a_line_for_people_has_the_level_if_it_is_not_the_usual_one() -> None:
    formatter = TextFormatter()
    for level, name, beginning in ((20, "INFO", ""), (30, "WARNING", "warning: ")):
        record = logging.makeLogRecord(
            {"msg": "cache: %s\x9b", "args": ("x",), "levelno": level, "levelname": name}
        )
        line = formatter.format(record)
        assert re.fullmatch(rf"\d\d:\d\d:\d\d  {beginning}cache: x\\u009b", line), line


def test_a_traceback_for_people_has_several_lines() -> None:
    try:
        raise ValueError("broken\x9b")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    first, *traceback = TextFormatter().format(record).splitlines()
    assert first.endswith("failed")
    assert traceback[0].startswith("Traceback")
    assert traceback[-1] == "ValueError: broken\\u009b"


@pytest.mark.parametrize("control", ["\x7f", "\x80", "\x9b31m", "\u2028", "\u202e", "\x1b[2J"])
def test_control_characters_are_escaped(control: str) -> None:
    line = JsonFormatter().format(logging.makeLogRecord({"msg": f"GET /w/{control}"}))
    assert control not in line
    assert json.loads(line)["message"] == f"GET /w/{control}"


@pytest.fixture
def counting() -> Iterator[tuple[Callable[..., None], Clock, Callable[[], list[str]]]]:
    """A way to log as the service does, the clock of the log, and what was written."""
    stream = io.StringIO()
    clock = Clock(0.0)
    handler = CountingHandler(stream, clock)
    handler.addFilter(SecretFilter(settings()))
    handler.setFormatter(JsonFormatter())

    def write(message: str, name: str = "widget.web", level: int = logging.WARNING) -> None:
        record = logging.makeLogRecord(
            {"name": name, "levelno": level, "levelname": logging.getLevelName(level)}
            | {"msg": message}
        )
        handler.handle(record)

    def messages() -> list[str]:
        return [json.loads(line)["message"] for line in stream.getvalue().splitlines()]

    yield write, clock, messages
    handler.close()


def test_equal_messages_are_counted_instead_of_repeated(
    counting: tuple[Callable[..., None], Clock, Callable[[], list[str]]],
) -> None:
    write, clock, messages = counting
    for n in range(121):
        write(f"main: refused with the password {SECRETS['password']}")
        clock.now += 0.4
        if n == 60:
            write("main: something else")
    refused = "main: refused with the password ***"
    assert messages() == [refused, "main: something else"]
    clock.now = 60.0
    write("later")
    assert messages()[2:] == [f"{refused} (repeated 120 times in 60 s)", "later"]
    write(refused)
    clock.now = 1000.0
    write(refused)
    # Nothing was repeated in between.
    assert messages()[4:] == [refused, refused]


def test_messages_that_differ_in_a_number_of_seconds_are_repetitions(
    counting: tuple[Callable[..., None], Clock, Callable[[], list[str]]],
) -> None:
    write, clock, messages = counting
    for seconds in (23, 22.5, 9):
        write(f"main: the next call is due in {seconds} s")
    write("a1: the next call is due in 9 s")
    clock.now = 60.0
    write("later")
    assert messages() == [
        "main: the next call is due in 23 s",
        "a1: the next call is due in 9 s",
        "main: the next call is due in … s (repeated 2 times in 60 s)",
        "later",
    ]


def test_a_number_of_repetitions_has_no_request_id() -> None:
    """It is written during a request that need not have to do with the message."""
    stream = io.StringIO()
    clock = Clock(0.0)
    handler = CountingHandler(stream, clock)
    handler.setFormatter(JsonFormatter())

    def app(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        record = {"name": "widget.web", "levelname": "WARNING", "msg": f"at {clock.now:.0f}"}
        handler.handle(logging.makeLogRecord(record))
        start("200 OK", [])
        return []

    for now in (0.0, 0.0, 60.0):
        clock.now = now
        request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_REQUEST_ID": f"request-{now}"}
        RequestLogger(app)(request, lambda *_: lambda _: None)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line.get("request_id")) for line in lines] == [
        ("at 0", "request-0.0"),
        ("at 0 (repeated 1 times in 60 s)", None),
        ("at 60", "request-60.0"),
    ]


def test_messages_of_another_level_or_logger_and_requests_are_not_repetitions(
    counting: tuple[Callable[..., None], Clock, Callable[[], list[str]]],
) -> None:
    write, _, messages = counting
    write("one")
    write("one", level=logging.ERROR)
    write("one", name="widget.api")
    for _ in range(3):
        write("GET /w/main/balance", name="widget.requests", level=logging.INFO)
    assert len(messages()) == 6


def test_many_different_messages_do_not_fill_the_memory(
    counting: tuple[Callable[..., None], Clock, Callable[[], list[str]]],
) -> None:
    write, clock, messages = counting
    for n in range(3000):
        write(f"message {n}")
    write("message 2999")
    assert len(messages()) == 3001
    clock.now = 61.0
    write("the last")
    assert len(messages()) == 3002


def logging_app(control: str) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """An application that logs a line."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        logging.getLogger("test_logs").info("within")
        start_response("404 NOT FOUND", [("Cache-Control", control)])
        return [b""]

    return app


def response_headers(control: str, **environ: str) -> dict[str, str]:
    """The headers of a response."""
    given: dict[str, str] = {}

    def start_response(
        status: str, headers: list[tuple[str, str]], *_: object
    ) -> Callable[[bytes], object]:
        given.update(headers)
        return lambda _: None

    RequestLogger(logging_app(control))(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/w", **environ}, start_response
    )
    return given


def test_a_response_and_its_log_lines_share_an_id_which_a_proxy_may_set(
    log: tuple[logging.Logger, list[str]],
) -> None:
    _, written = log
    ids = [response_headers("no-store")["X-Request-Id"] for _ in range(2)]
    assert len(set(ids)) == 2
    logging.getLogger("test_logs").info("afterwards")
    assert [json.loads(line).get("request_id") for line in written] == [*ids, None]
    assert (
        response_headers("no-store", HTTP_X_REQUEST_ID="proxy-0123456789")["X-Request-Id"]
        == "proxy-0123456789"
    )
    for odd in ("short", "x" * 65, 'quote"quote"', "line\nline-line", "<script>alert"):
        assert response_headers("no-store", HTTP_X_REQUEST_ID=odd)["X-Request-Id"] != odd


def test_public_responses_have_no_id() -> None:
    assert "X-Request-Id" not in response_headers("public, max-age=15")


def test_a_request_is_logged_with_path_status_and_time_and_without_query_or_visitor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        response_headers(
            "no-store",
            QUERY_STRING="token=x",
            REMOTE_ADDR="203.0.113.9",
            HTTP_REFERER="https://blog.example.com",
        )
        for path in logs.PROBE_PATHS:
            response_headers("no-store", PATH_INFO=path)
    lines = [record for record in caplog.records if record.name == "widget.requests"]
    assert [record.levelname for record in lines] == ["INFO"] + ["DEBUG"] * 3
    line = json.loads(JsonFormatter().format(lines[0]))
    assert (line["message"], line["status"]) == ("GET /w", 404)
    assert line["ms"] >= 0
    assert not re.search("token|203|blog", json.dumps(line))


def test_an_unexpected_error_is_logged_with_the_id_that_the_visitor_gets(
    serve: Callable[..., Service],
) -> None:
    service = serve()
    service.app.extensions["cabinet-widgets"].client.offers = None
    written: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Collector()
    handler.setFormatter(JsonFormatter())
    app_log = logging.getLogger("widget")
    app_log.addHandler(handler)
    try:
        given = service.get("/w/main/balance").headers["X-Request-Id"]
    finally:
        app_log.removeHandler(handler)
    assert [json.loads(line)["request_id"] for line in written] == [given]
    assert "TypeError" in json.loads(written[0])["exception"]


def test_serve_writes_nothing_but_lines_of_json(tmp_path: Path) -> None:
    toml = f'[api]\nbase_url = "http://127.0.0.1:9"\n[accounts.main]\nlogin = {LOGIN}\n'
    with served(tmp_path, "logged", toml) as (url, program):
        response = requests.get(f"{url}/w/main/balance.json?token=secret-token", timeout=30)
        assert response.status_code == 401  # the account is open, but the token is invalid
        response = requests.get(f"{url}/w/main/balance.json", timeout=30)
        assert response.status_code == 503
        until(lambda: response.headers["X-Request-Id"] in program.text())
    lines = [json.loads(line) for line in program.text().splitlines()]
    mine = [line for line in lines if line.get("request_id") == response.headers["X-Request-Id"]]
    assert {line["logger"] for line in mine} == {"widget.web", "widget.requests"}
    assert "secret-token" not in program.text()
    assert str(LOGIN) not in program.text()
