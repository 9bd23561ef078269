"""Logging: one JSON object per line, with the id of the request and without secrets."""

import json
import logging
import re
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pydantic import BaseModel, SecretStr

from widget.config import Settings

log = logging.getLogger("widget.requests")

PROBE_PATHS = ("/healthz", "/readyz", "/metrics")
"""Monitoring requests these every few seconds, so they are logged at level DEBUG."""

GRANIAN_LOGGING: dict[str, Any] = {
    "formatters": {"lines": {"()": "widget.logs.JsonFormatter"}},
    "filters": {"no_advice": {"()": "widget.logs.ThreadAdviceFilter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["no_advice"]}
    },
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}
"""Configuration for ``logging.config`` that writes the messages of Granian in the same format."""

_PREFIX = 4
_HIDDEN = "***"
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_request_id: ContextVar[str] = ContextVar("request_id")


class SecretFilter(logging.Filter):
    """Replaces secrets of the configuration and login numbers in messages, arguments and tracebacks.

    This is the second line of defence. The first is that no code passes secrets to the log.

    Args:
        settings: the configuration. Secrets shorter than four characters are not replaced, since
            most of the log would become unreadable.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._logins = {str(account.login) for account in settings.accounts.values()}
        # Indexed by their first characters: searching for each secret of 10,000 accounts takes too long.
        self._secrets: dict[str, list[str]] = defaultdict(list)
        for secret in set(_secrets(settings)):
            self._secrets[secret[:_PREFIX]].append(secret)

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the secrets in a record; the record is always logged."""
        record.msg, record.args = self.hide(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_info = None
        for name in ("exc_text", "stack_info", *(record.__dict__.keys() - _STANDARD)):
            text = str(record.__dict__[name])
            if (hidden := self.hide(text)) != text:
                record.__dict__[name] = hidden
        return True

    def hide(self, text: str) -> str:
        """Replace the secrets in a text."""
        begins = self._secrets.keys() & {
            text[place : place + _PREFIX] for place in range(len(text))
        }
        # Longest first: if a secret contains another one, no part of it may remain.
        for secret in sorted(
            (s for begin in begins for s in self._secrets[begin]), key=len, reverse=True
        ):
            text = text.replace(secret, _HIDDEN)
        text = _TOKEN.sub(_HIDDEN, text)
        return re.sub(
            r"\d+", lambda digits: _HIDDEN if digits[0] in self._logins else digits[0], text
        )


def _secrets(settings: Settings) -> Iterator[str]:
    """Every secret of a configuration, in every notation that may occur in a text."""
    for secret in _secret_values(settings):
        parts = [secret, *(part.strip() for part in secret.split(","))]
        parts += re.findall(r"//[^/@]*:([^/@]+)@", secret)  # a password in a URL
        for part in parts:
            yield from (
                {part, repr(part)[1:-1], json.dumps(part)[1:-1]} if len(part) >= _PREFIX else ()
            )


def _secret_values(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secret_values(item)


class ThreadAdviceFilter(logging.Filter):
    """Drops Granian's warning about the number of threads: it is intended, and operators cannot change it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged."""
        return "Python threads, which seems quite high" not in record.getMessage()


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, request_id, the items of ``extra``, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := _request_id.get(None):
            line["request_id"] = request_id
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if exception := record.exc_text or (
            record.exc_info and self.formatException(record.exc_info)
        ):
            line["exception"] = exception
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(settings: Settings) -> None:
    """Log everything in this process to stderr, from level INFO."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(SecretFilter(settings))
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


class RequestLogger:
    """WSGI middleware that gives each request an id and logs it with its status and duration.

    The query and the visitor's address are not logged. The id is returned as ``X-Request-Id``,
    except in public responses: a cache would send it to other visitors.

    Args:
        app: the application.
        clock: seconds since any point in time.
    """

    def __init__(
        self, app: WSGIApplication, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app, self._clock = app, clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        start, proposed = self._clock(), environ.get("HTTP_X_REQUEST_ID", "")
        request_id = proposed if _REQUEST_ID.fullmatch(proposed) else secrets.token_hex(8)
        status = "500"

        def log_status(line: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal status
            status = line
            if not any(name == "Cache-Control" and "public" in value for name, value in headers):
                headers = [*headers, ("X-Request-Id", request_id)]
            return start_response(line, headers, *error)

        reset = _request_id.set(request_id)
        try:
            return self._app(environ, log_status)
        finally:
            log.log(
                logging.DEBUG if environ["PATH_INFO"] in PROBE_PATHS else logging.INFO,
                "%s %s",
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"][:200],
                extra={"status": int(status[:3]), "ms": round(1000 * (self._clock() - start), 1)},
            )
            _request_id.reset(reset)
