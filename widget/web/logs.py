"""Logging: one line per message, as JSON or as text, and without secrets."""

import json
import logging
import re
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TextIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pydantic import BaseModel, SecretStr

from widget.config import Settings

log = logging.getLogger("widget.requests")

PROBE_PATHS = ("/healthz", "/readyz", "/metrics")
"""Monitoring requests these every few seconds, so they are logged at level DEBUG."""

LogFormat = Literal["text", "json"]

Headers = list[tuple[str, str]]

_COUNTED_SECONDS = 60
# More different messages than that are written without being counted.
_MAX_COUNTED_MESSAGES = 1000
_PREFIX_LENGTH = 4
_REPLACEMENT = "***"
# Messages about the same thing differ in how long ago it was, or how long it still takes.
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
# Tokens are made by others, so they are found by their form: base64 of {" and two dots.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# The URL of Redis contains a password, which may also occur without the rest of the URL.
_PASSWORD_IN_URL = re.compile(r"//[^/@]*:([^/@]+)@")
# Anything else that visitors send as an id could imitate other parts of the log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# What every record has; all other attributes come from ``extra``.
_STANDARD_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
}

_request_id: ContextVar[str] = ContextVar("request_id")


class SecretFilter(logging.Filter):
    """Replaces secrets and login numbers of the configuration in messages and tracebacks.

    This is the second line of defence. The first is that no code passes secrets to the log.

    Args:
        settings: the configuration. Secrets shorter than four characters are not replaced, since
            most of the log would become unreadable.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._logins: set[str] = set()
        for account in settings.accounts.values():
            self._logins.add(str(account.login))
        # Indexed by their first characters: searching for each secret of 10,000 accounts takes too
        # long.
        self._secrets: dict[str, list[str]] = defaultdict(list)
        notations = set(_secret_notations(settings))
        for secret in notations:
            prefix = secret[:_PREFIX_LENGTH]
            self._secrets[prefix].append(secret)

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the secrets in a record; the record is always logged."""
        record.msg = self.hide(record.getMessage())
        record.args = None  # they are part of the message now
        if record.exc_info and not record.exc_text:
            formatter = logging.Formatter()
            record.exc_text = formatter.formatException(record.exc_info)
        record.exc_info = None  # or the formatter would write the traceback again
        names = ["exc_text", "stack_info", *_extra_attributes(record)]
        for name in names:
            self._hide_attribute(record, name)
        return True

    def _hide_attribute(self, record: logging.LogRecord, name: str) -> None:
        """Replace the secrets in one attribute of a record."""
        text = str(getattr(record, name))
        hidden = self.hide(text)
        if hidden != text:  # else a number stays a number
            setattr(record, name, hidden)

    def hide(self, text: str) -> str:
        """Replace the secrets in a text."""
        # If a secret contains another one, no part of it may remain.
        longest_first = sorted(self._candidates(text), key=len, reverse=True)
        for secret in longest_first:
            text = text.replace(secret, _REPLACEMENT)
        text = _TOKEN.sub(_REPLACEMENT, text)
        return re.sub(r"\d+", self._hide_login, text)

    def _candidates(self, text: str) -> list[str]:
        """The secrets whose first characters occur in a text."""
        prefixes = set()
        for start in range(len(text)):
            prefix = text[start : start + _PREFIX_LENGTH]
            prefixes.add(prefix)
        candidates = []
        for prefix in prefixes & self._secrets.keys():
            candidates += self._secrets[prefix]
        return candidates

    def _hide_login(self, digits: re.Match[str]) -> str:
        # Only whole numbers: the digits of a login inside a ticket or price are not the login.
        number = digits[0]
        if number in self._logins:
            return _REPLACEMENT
        return number


def _extra_attributes(record: logging.LogRecord) -> list[str]:
    """The names of the attributes that were given as ``extra``."""
    return [name for name in record.__dict__ if name not in _STANDARD_ATTRIBUTES]


def _secret_notations(settings: Settings) -> Iterator[str]:
    """Every secret of a configuration, in every notation that may occur in a text."""
    for secret in _secret_values(settings):
        for part in _parts(secret):
            if len(part) < _PREFIX_LENGTH:
                continue
            yield part
            # As Python and JSON quote it in error messages, without the quotation marks.
            for quoted in (repr(part), json.dumps(part)):
                yield quoted[1:-1]


def _parts(secret: str) -> list[str]:
    """A secret, and the parts of it that are secrets themselves."""
    passwords = _PASSWORD_IN_URL.findall(secret)
    # Embed secrets are a list: only one of them signs a token.
    items = [item.strip() for item in secret.split(",")]
    return [secret, *items, *passwords]


def _secret_values(value: object) -> Iterator[str]:
    """The secrets in a value of the configuration, at any depth.

    They are found by their type, so that a new secret setting cannot be forgotten here.
    """
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secret_values(item)


class ThreadAdviceFilter(logging.Filter):
    """Drops Granian's warning about the number of threads.

    The number is intended, and operators cannot change it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged."""
        return "Python threads, which seems quite high" not in record.getMessage()


class CountingHandler(logging.StreamHandler[TextIO]):
    """Writes records to a stream. Equal messages within a minute are written once and counted.

    Messages that differ only in a number of seconds are equal. How many there were is written with
    the first record after the minute. Requests are always written, because each has its own status
    and duration.

    Args:
        stream: usually stderr.
        clock: seconds since any point in time.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._recent: dict[MessageKey, Repetitions] = {}  # the oldest first

    def emit(self, record: logging.LogRecord) -> None:
        """Write or count a record. The caller holds the lock of the handler."""
        now = self._clock()
        self._report_repetitions(now)
        if record.name == log.name:
            super().emit(record)
            return
        message = _SECONDS.sub("… s", record.getMessage())
        key = (record.name, record.levelno, message, record.exc_text)
        recent = self._recent.get(key)
        if recent is not None:
            recent.count += 1
            return
        if len(self._recent) < _MAX_COUNTED_MESSAGES:
            self._recent[key] = Repetitions(since=now)
        super().emit(record)

    def _report_repetitions(self, now: float) -> None:
        """Write how often each message was repeated, once its minute has passed."""
        while self._recent:
            key, repetitions = next(iter(self._recent.items()))
            if repetitions.since + _COUNTED_SECONDS > now:
                return
            del self._recent[key]
            if not repetitions.count:
                continue
            name, level, message, _ = key
            summary = {
                "name": name,
                "levelno": level,
                "levelname": logging.getLevelName(level),
                "msg": f"{message} (repeated {repetitions.count} times in {_COUNTED_SECONDS} s)",
            }
            # The request during which this is written need not have to do with the messages.
            reset = _request_id.set("")
            super().emit(logging.makeLogRecord(summary))
            _request_id.reset(reset)


MessageKey = tuple[str, int, str, str | None]
"""What makes messages equal: logger, level, text without numbers of seconds, and traceback."""


@dataclass(slots=True)
class Repetitions:
    """How often a message was repeated, since a time of the handler's clock."""

    since: float
    count: int = 0


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, request_id, ``extra``, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        line: dict[str, Any] = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = _request_id.get(None)
        if request_id:
            line["request_id"] = request_id
        for name in _extra_attributes(record):
            line[name] = getattr(record, name)
        exception = _exception_text(self, record)
        if exception:
            line["exception"] = exception
        if record.stack_info:
            line["stack"] = record.stack_info
        # A value that JSON does not have must not keep the rest from being logged.
        text = json.dumps(line, default=str, ensure_ascii=False)
        return _escape_controls(text)

    def _time(self, record: logging.LogRecord) -> str:
        created = time.gmtime(record.created)
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", created)
        milliseconds = int(record.msecs)
        return f"{seconds}.{milliseconds:03d}Z"


def _escape_controls(line: str) -> str:
    """A line in which characters that do not print are escaped as in JSON.

    JSON allows some of them, such as U+009B, which terminals take for the beginning of a command.
    """
    # Nearly all lines are.
    if line.isprintable():
        return line
    return "".join(map(_escape_control, line))


def _escape_control(character: str) -> str:
    """A character, escaped as in JSON if it does not print."""
    if character.isprintable():
        return character
    quoted = json.dumps(character)
    return quoted[1:-1]


class TextFormatter(logging.Formatter):
    """Formats a record for people: the local time, the level unless it is INFO, the message.

    A request has its status and duration. Tracebacks have several lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = ""
        if record.levelno != logging.INFO:
            level = f"{record.levelname.lower()}: "
        text = record.getMessage()
        if record.name == log.name:
            extra = vars(record)
            text += f"  {extra['status']}  {extra['ms']} ms"
        lines = [f"{clock}  {level}{text}"]
        exception = _exception_text(self, record)
        if exception:
            lines += exception.splitlines()
        return "\n".join(map(_escape_controls, lines))


def _exception_text(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """The traceback of a record; None without an exception."""
    # The filter has written it already, without secrets.
    if record.exc_text:
        return record.exc_text
    if record.exc_info:
        return formatter.formatException(record.exc_info)
    return None


FORMATTERS: dict[LogFormat, type[logging.Formatter]] = {
    "json": JsonFormatter,
    "text": TextFormatter,
}


GRANIAN_LEVELS: dict[LogFormat, str] = {
    "json": "info",
    "text": "warning",
}
"""From which level Granian reports. People need not know what it does while everything works."""


def granian_logging(log_format: LogFormat) -> dict[str, Any]:
    """Configuration for ``logging.config``: the messages of Granian, in the same format."""
    formatter = FORMATTERS[log_format].__name__
    return {
        "formatters": {
            "lines": {"()": f"{__name__}.{formatter}"},
        },
        "filters": {
            "no_advice": {"()": f"{__name__}.ThreadAdviceFilter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "filters": ["no_advice"],
            },
        },
        "loggers": {
            # Granian's main process never configures the log of the service.
            "_granian": {
                "handlers": ["stderr"],
                "propagate": False,
            },
            "widget.server": {
                "handlers": ["stderr"],
                "level": "INFO",
                "propagate": False,
            },
        },
    }


def configure(settings: Settings, log_format: LogFormat = "json") -> None:
    """Log everything in this process to stderr, from level INFO."""
    handler = CountingHandler(sys.stderr)
    handler.addFilter(SecretFilter(settings))
    handler.setFormatter(FORMATTERS[log_format]())
    root = logging.getLogger()
    # Any other handler would write the secrets.
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
        self,
        app: WSGIApplication,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        start = self._clock()
        request_id = _request_id_for(environ)
        status = "500"  # if the application raises

        # WSGI tells the status and headers to a function, and only this one knows them.
        def log_status(line: str, headers: Headers, *error: Any) -> Any:
            nonlocal status
            status = line
            if not _is_public(headers):
                headers = [*headers, ("X-Request-Id", request_id)]
            return start_response(line, headers, *error)

        reset = _request_id.set(request_id)
        try:
            return self._app(environ, log_status)
        finally:
            seconds = self._clock() - start
            _log_request(environ, int(status[:3]), seconds)
            _request_id.reset(reset)


def _request_id_for(environ: WSGIEnvironment) -> str:
    """The id that a proxy in front gave to the request, or a new one."""
    proposed = environ.get("HTTP_X_REQUEST_ID", "")
    if _REQUEST_ID.fullmatch(proposed):
        return str(proposed)
    return secrets.token_hex(8)


def _is_public(headers: Headers) -> bool:
    """Whether a cache in front of the service may store the response."""
    cache_control = dict(headers).get("Cache-Control", "")
    return "public" in cache_control


# Without the query, which may contain a token, and without the visitor's address.
def _log_request(environ: WSGIEnvironment, status: int, seconds: float) -> None:
    path = environ["PATH_INFO"]
    level = logging.INFO
    if path in PROBE_PATHS:
        level = logging.DEBUG
    milliseconds = round(1000 * seconds, 1)
    log.log(
        level,
        "%s %s",
        environ["REQUEST_METHOD"],
        path[:200],  # visitors choose it, and it may be very long
        extra={"status": status, "ms": milliseconds},
    )
