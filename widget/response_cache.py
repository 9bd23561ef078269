"""Finished public answers, kept in front of the application: a WSGI layer that knows HTTP's headers and nothing else.

What may be kept, and for how long, is said by the application's Cache-Control alone, so that a CDN in front of the
service behaves alike. What this layer sends on carries only what is left of that time.
"""

import gzip
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
from werkzeug.http import parse_accept_header, parse_etags, unquote_etag

Outcome = Literal["hit", "stale", "miss", "passed"]
"""Answered with what is kept; with an old answer while another request brings the new one; by the application, asked in
the general form that may be kept; by the application, with the request as it came."""

ELAPSED = "cabinet_widgets.waited"
"""In the environment of a request: for how many seconds it has waited here, in vain, for another's answer."""

Headers = list[tuple[str, str]]
Key = tuple[str, str]

_UNDERSTOOD = {"public", "max-age", "immutable", "stale-while-revalidate", "stale-if-error"}
_NOT_TO_KEEP = {"set-cookie", "vary", "content-encoding"}
# What RFC 9110 asks of a 304; the visitor has the other headers, and each costs time. A script needs the last of them.
_IN_A_304 = {
    "cache-control",
    "content-location",
    "date",
    "etag",
    "expires",
    "vary",
    "access-control-allow-origin",
}
_CONDITIONS = {
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
}
_TEXT = re.compile(r"text/|application/(json|javascript)|[a-z]+/[a-z.-]+\+(json|xml)")
_SAFE = {"GET", "HEAD"}
_WORTH_COMPRESSING = 256  # bytes
_LASTING = 3600  # seconds of freshness, from which on the best compression is worth its time
_OVERHEAD = 4096  # bytes of an entry besides its bodies
_LONGEST_ACCEPT_ENCODING = 256
_FORMS = 8  # browsers say what they accept in a handful of ways


class ResponseCache:
    """A WSGI application in front of another.

    Args:
        app: the application.
        clock: Unix seconds.
        entries: how many answers are kept at most; the least recently used goes first, reckoned in seconds.
        max_bytes: how many bytes they take in all.
        wait_seconds: how long a request waits at most for another that has asked the application for the same.
        count: is told how each request was answered.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        clock: Callable[[], float] = time.time,
        entries: int = 4096,
        max_bytes: int = 64 * 2**20,
        wait_seconds: float = 2.0,
        count: Callable[[Outcome], object] = lambda _: None,
    ) -> None:
        self._app, self._clock, self._count = app, clock, count
        self._entries, self._max_bytes, self._wait_seconds = entries, max_bytes, wait_seconds
        self._kept: OrderedDict[Key, _CachedResponse] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] not in _SAFE or "HTTP_AUTHORIZATION" in environ:
            self._count("passed")
            return self._app(environ, start_response)
        key = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        kept = self._kept.get(key)
        if kept is None:
            return self._through(key, None, environ, start_response)
        now = self._clock()
        form = kept.forms.get(environ.get("HTTP_ACCEPT_ENCODING"))
        if form is None or not form.begins <= now < form.ends:
            # The first of a second: whatever need not be done for each visitor is done here.
            if not 0 <= now - kept.made_at < kept.max_age:
                return self._through(key, kept, environ, start_response)
            with suppress(KeyError):  # another thread may just have dropped it
                self._kept.move_to_end(key)
            form = kept.form(environ, now)
        self._count("hit")
        return kept.send(form, environ, start_response)

    def _through(
        self,
        key: Key,
        old: "_CachedResponse | None",
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """An answer that is not at hand: one request asks for it, the others take the old one or wait for the new."""
        if _has_token(key[1]):
            self._count("passed")
            return self._app(environ, start_response)
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                mine = self._flights[key] = threading.Event()
        if flight is None:
            try:
                answer = self._ask(key, environ)
            finally:
                del self._flights[key]
                mine.set()
            self._count("miss")
        elif old and 0 <= self._clock() - old.made_at < old.max_age + old.grace:
            answer = old
            self._count("stale")
        else:
            began = time.monotonic()
            flight.wait(self._wait_seconds)
            made = self._kept.get(key)
            if made and made is not old:
                answer = made
                self._count("hit")
            else:
                answer = self._ask(key, {**environ, ELAPSED: time.monotonic() - began})
                self._count("miss")
        return answer.send(answer.form(environ, self._clock()), environ, start_response)

    def _ask(self, key: Key, environ: WSGIEnvironment) -> "_CachedResponse":
        """Ask for the whole answer, whatever part of it the visitor still needs, and keep it where that is allowed."""
        begun: list[tuple[str, Headers]] = []
        rest: list[bytes] = []

        def start_response(
            status: str, headers: Headers, _: object = None, /
        ) -> Callable[[bytes], object]:
            begun.append((status, headers))
            return rest.append

        # Its time counts from before the application looked at the clock: nothing is kept for longer than was said.
        made_at = self._clock()
        whole = {name: value for name, value in environ.items() if name not in _CONDITIONS}
        chunks = self._app({**whole, "REQUEST_METHOD": "GET"}, start_response)
        try:
            rest += chunks
        finally:
            getattr(chunks, "close", lambda: None)()
        answer = _CachedResponse(*begun[-1], b"".join(rest), made_at)
        answer.size += sum(map(len, key))
        if answer.max_age or not answer.status.startswith("5"):
            self._keep(key, answer)
        return answer

    def _keep(self, key: Key, answer: "_CachedResponse") -> None:
        """Put an answer in the place of the older one, which goes even if this one may not be kept."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes -= old.size if old else 0
            if answer.max_age and answer.size <= self._max_bytes // 8:
                self._kept[key] = answer
                self._bytes += answer.size
            while len(self._kept) > self._entries or self._bytes > self._max_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].size


class _EncodedResponse(NamedTuple):
    """An answer as it is sent during one second of its life."""

    begins: float
    ends: float
    headers: Headers
    headers_of_304: Headers
    chunks: list[bytes]


class _CachedResponse:
    """A finished answer, in every encoding that somebody has asked for.

    Attributes:
        status: the status line.
        made_at: Unix seconds.
        max_age: for how many seconds it may be kept; 0 where it may not.
        grace: for how many more it may be sent while a new one is made.
        size: the bytes that it may take, encodings included.
        forms: how it was last sent, by what the visitors' Accept-Encoding said.
    """

    def __init__(self, status: str, headers: Headers, body: bytes, made_at: float) -> None:
        self.status, self.made_at = status, made_at
        named = {name.lower(): value for name, value in headers}
        self._control = _public(named) if status.startswith("200") else {}
        self.max_age = self._control.get("max-age") or 0
        self.grace = self._control.get("stale-while-revalidate") or 0
        self.size = 2 * len(body) + _OVERHEAD
        self.forms: dict[str | None, _EncodedResponse] = {}
        self._etag = named.get("etag") if status.startswith("200") else None
        # Private answers hold tokens, and what a visitor chose: compressed, their length would tell of both (BREACH).
        self._may_be_compressed = bool(
            self._control
            and _TEXT.match(named.get("content-type", ""))
            and len(body) >= _WORTH_COMPRESSING
            and (self._etag or "W/").startswith("W/")
        )
        self._headers = headers
        self._bodies = {"identity": body}

    def form(self, environ: WSGIEnvironment, now: float) -> _EncodedResponse:
        """How it is to be sent for a request, in the second from ``now`` on."""
        accepted = environ.get("HTTP_ACCEPT_ENCODING")
        is_short = len(accepted or "") <= _LONGEST_ACCEPT_ENCODING
        encoding = _preferred(accepted) if self._may_be_compressed and is_short else "identity"
        second = max(0, int(now - self.made_at))
        body = self._encoded(encoding)
        headers = [
            (name, value)
            for name, value in self._headers
            if not self._control or name != "Cache-Control"
        ]
        if self._control:
            headers.append(("Cache-Control", _aged(self._control, second)))
        if self._may_be_compressed:
            headers.append(("Vary", "Accept-Encoding"))
        if body is not self._bodies["identity"]:
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers += [("Content-Encoding", encoding), ("Content-Length", str(len(body)))]
        begins = self.made_at + second
        of_304 = [pair for pair in headers if pair[0].lower() in _IN_A_304]
        form = _EncodedResponse(
            begins, min(begins + 1, self.made_at + self.max_age), headers, of_304, [body]
        )
        if is_short:
            if len(self.forms) >= _FORMS:
                self.forms.clear()
            self.forms[accepted] = form
        return form

    def send(
        self, form: _EncodedResponse, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Send what the request needs of it."""
        wanted = environ.get("HTTP_IF_NONE_MATCH")
        if wanted is not None and _matches(wanted, self._etag):
            start_response("304 NOT MODIFIED", form.headers_of_304)
            return []
        start_response(self.status, form.headers)
        return form.chunks if environ["REQUEST_METHOD"] != "HEAD" else []

    def _encoded(self, encoding: str) -> bytes:
        """The body in an encoding, made once; as it is where that would make it no smaller."""
        if encoding not in self._bodies:
            body, lasts = self._bodies["identity"], self.max_age >= _LASTING
            if encoding == "br":
                small = brotli.compress(body, quality=11 if lasts else 4)
            else:
                small = gzip.compress(body, 9 if lasts else 6, mtime=0)
            self._bodies[encoding] = small if len(small) < len(body) else body
        return self._bodies[encoding]


def _public(headers: Mapping[str, str]) -> dict[str, int | None]:
    """The directives of Cache-Control, if they and the other headers let anybody keep the answer; else none."""
    control: dict[str, int | None] = {}
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, seconds = directive.strip().partition("=")
        control[name] = int(seconds) if seconds.isdecimal() else None
    is_public = {
        "public",
        "max-age",
    } <= control.keys() <= _UNDERSTOOD and not _NOT_TO_KEEP & headers.keys()
    return control if is_public else {}


def _aged(control: Mapping[str, int | None], second: int) -> str:
    """Cache-Control with what is left of it after some seconds. (An Age header would say the same, but nginx does not
    heed it.)"""
    over = max(0, second - (control["max-age"] or 0))
    used = {"max-age": second, "stale-while-revalidate": over, "stale-if-error": over}
    return ", ".join(
        name if seconds is None else f"{name}={max(0, seconds - used.get(name, 0))}"
        for name, seconds in control.items()
    )


def _matches(wanted: str, etag: str | None) -> bool:
    return etag is not None and (
        wanted == etag or parse_etags(wanted).contains_weak(unquote_etag(etag)[0] or "")
    )


def _has_token(query: str) -> bool:
    """Whether a query names a token; the answer to it is the visitor's alone, whatever its headers say."""
    return ("token" in query or "%" in query) and any(
        name == "token" for name, _ in parse_qsl(query, True)
    )


@lru_cache(1024)
def _preferred(accepted: str | None) -> str:
    """The best of the encodings that an Accept-Encoding header asks for."""
    weights = parse_accept_header(accepted)
    best = max(("br", "gzip"), key=weights.quality)
    return best if 0 < weights.quality(best) >= weights.quality("identity") else "identity"
