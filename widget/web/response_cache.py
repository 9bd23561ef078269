"""A cache for public responses: WSGI middleware in front of the application.

Whether a response is stored, and for how long, depends on its Cache-Control alone, so that a CDN in
front of the service behaves in the same way. A response from the cache carries the lifetime that is
left, so that caches further on do not extend it.
"""

import gzip
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
from werkzeug.http import parse_accept_header, parse_etags, unquote_etag

from widget.single_flight import Flight, SingleFlight
from widget.web.cache_key import cache_key

CacheStatus = Literal["HIT", "STALE", "MISS", "BYPASS"]
"""How a request was handled.

HIT: with a stored response that is fresh. STALE: with a stored response that is no longer fresh,
while another request fetches a new one. MISS: by the application, which was asked for the complete
response so that it can be stored. BYPASS: by the application, with the request as it came.
"""

ELAPSED = "cabinet_widgets.elapsed"
"""Key in the WSGI environment: for how many seconds the request waited here, without a result, for
the response to another request."""

MAX_WAITING = 112
"""How many requests wait at once for the responses to others. Each occupies a thread of the server,
and what the others wait for may hang."""

Headers = list[tuple[str, str]]
Key = tuple[str, str]
Directives = dict[str, int | None]
"""The directives of Cache-Control, each with its number of seconds if it has one."""

_CACHEABLE_METHODS = {"GET", "HEAD"}
_REQUIRED_DIRECTIVES = {"public", "max-age"}
_SUPPORTED_DIRECTIVES = {
    "public",
    "max-age",
    "immutable",
    "stale-while-revalidate",
    "stale-if-error",
}
# A cookie is for one visitor. The others would need one stored response for each value.
_UNCACHEABLE_HEADERS = {"set-cookie", "vary", "content-encoding"}
# The headers that RFC 9110 requires in a 304, and those that a script of another origin needs.
# The visitor has all others already, and each of them costs time.
_HEADERS_OF_304 = {
    "cache-control",
    "content-location",
    "date",
    "etag",
    "expires",
    "vary",
    "access-control-allow-origin",
    "access-control-expose-headers",
}
# They make the application respond with 304, or without a body.
_CONDITIONS = {
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
}
_COMPRESSIBLE_TYPE = re.compile(r"text/|application/(json|javascript)|[a-z]+/[a-z.-]+\+(json|xml)")
# Compressing less than that saves next to nothing.
_MIN_COMPRESSED_BYTES = 256
# A response that is fresh for this number of seconds is worth the time of the best compression.
_LONG_LIVED_SECONDS = 3600
_BEST_LEVELS = {"br": 11, "gzip": 9}
_FAST_LEVELS = {"br": 6, "gzip": 6}
# For headers, in every encoding, and the objects that hold them.
_ENTRY_OVERHEAD_BYTES = 4096
_MAX_ACCEPT_ENCODING_LENGTH = 256
# With more, a response would stay for too long after its last use.
_MAX_USES = 15
# The part of the stored responses that may be unused, so that new ones have time to be used.
_UNUSED_SHARE = 0.25
# Browsers send only a handful of different Accept-Encoding headers.
_MAX_ENCODINGS = 8


class ResponseCache:
    """A WSGI application that caches the responses of another.

    Args:
        app: the application.
        clock: Unix seconds.
        max_entries: the number of responses that are stored. What is requested often remains: see
            ``_make_room``.
        max_bytes: the memory that they may take in total.
        max_wait_seconds: how long a request waits for another that fetches the same response.
        count: called with the cache status of each request.

    Attributes:
        entries: the stored responses, by the key of their URL.
        size: the bytes that they take in total.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        clock: Callable[[], float] = time.time,
        max_entries: int = 4096,
        max_bytes: int = 64 * 2**20,
        max_wait_seconds: float = 2.0,
        count: Callable[[CacheStatus], object] = lambda _: None,
    ) -> None:
        self.entries: dict[Key, CachedResponse] = {}
        self.size = 0
        # The keys of the entries, in the order in which they are considered for removal.
        self._unused: OrderedDict[Key, None] = OrderedDict()
        self._used: OrderedDict[Key, None] = OrderedDict()
        self._app = app
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._max_wait_seconds = max_wait_seconds
        self._count = count
        self._flights: SingleFlight[Key, CachedResponse] = SingleFlight()
        self._lock = threading.Lock()
        self._places = threading.Semaphore(MAX_WAITING)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        has_credentials = "HTTP_AUTHORIZATION" in environ
        # A response for one user must not be served to others.
        if has_credentials or environ["REQUEST_METHOD"] not in _CACHEABLE_METHODS:
            self._count("BYPASS")
            return self._app(environ, start_response)
        path = environ["PATH_INFO"]
        query = environ.get("QUERY_STRING", "")
        key = path, query
        # Without the lock: reading a dict is atomic in CPython.
        stored = self.entries.get(key)
        if stored is None:
            # Most URLs are their own key, and need not be parsed.
            key = cache_key(path, query)
            stored = self.entries.get(key)
        if stored is None:
            return self._fetch(key, None, environ, start_response)
        now = self._clock()
        encoded = stored.encoded.get(environ.get("HTTP_ACCEPT_ENCODING"))
        if encoded is None or not encoded.valid_from <= now < encoded.valid_until:
            # This happens once a second: whatever need not be done for every request is done here.
            if not stored.is_fresh(now):
                return self._fetch(key, stored, environ, start_response)
            stored.count_use()
            encoded = stored.encode(environ.get("HTTP_ACCEPT_ENCODING"), now)
        self._count("HIT")
        return stored.send(encoded, environ, start_response)

    def _fetch(
        self,
        key: Key,
        stored: "CachedResponse | None",
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Handle a request for which there is no fresh response."""
        # The response to a token is never stored, whatever its headers say.
        if _has_token(environ.get("QUERY_STRING", "")):
            self._count("BYPASS")
            return self._app(environ, start_response)
        response = self._fetch_once(key, stored, environ)
        accept_encoding = environ.get("HTTP_ACCEPT_ENCODING")
        encoded = response.encode(accept_encoding, self._clock())
        return response.send(encoded, environ, start_response)

    def _fetch_once(
        self,
        key: Key,
        stored: "CachedResponse | None",
        environ: WSGIEnvironment,
    ) -> "CachedResponse":
        """One request calls the application; the others get the stale response or wait for it."""
        flight, is_leader = self._flights.join(key)
        if is_leader:
            response = flight.run(lambda: self._call_app(key, environ))
            self._count("MISS")
            return response
        if stored and stored.is_within_grace(self._clock()):
            self._count("STALE")
            return stored
        start = time.monotonic()
        shared = self._shared_response(flight)
        if shared:
            self._count("HIT")
            return shared
        # The application must not let this request wait as long again.
        elapsed = time.monotonic() - start
        response = self._call_app(key, {**environ, ELAPSED: elapsed})
        self._count("MISS")
        return response

    def _shared_response(self, flight: "Flight[CachedResponse]") -> "CachedResponse | None":
        """The response to another request, None if it takes too long, fails or is private.

        It is also None if too many requests wait. The application knows what they would wait for,
        and may have something for them at once.
        """
        if not self._places.acquire(blocking=False):
            return None
        try:
            response = flight.result(self._max_wait_seconds)
        except Exception:  # noqa: BLE001
            # The request that called the application reports the error.
            return None
        finally:
            self._places.release()
        if response.max_age:
            return response
        return None

    def _call_app(self, key: Key, environ: WSGIEnvironment) -> "CachedResponse":
        """Get the complete response from the application, and store it if it is public."""
        started: list[tuple[str, Headers]] = []
        chunks: list[bytes] = []

        def start_response(
            status: str, headers: Headers, _: object = None, /
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return chunks.append

        # The age counts from before the application read its clock, so that no response is stored
        # for longer than it says.
        made_at = self._clock()
        iterable = self._app(_unconditional(environ), start_response)
        try:
            chunks += iterable
        finally:
            # WSGI requires it; without it, the application could not release what it holds.
            if hasattr(iterable, "close"):
                iterable.close()
        # The last one counts: an application that fails starts its response again.
        status, headers = started[-1]
        body = b"".join(chunks)
        response = CachedResponse(status, headers, body, made_at)
        path, query = key
        response.size += len(path) + len(query)
        # An error of the service leaves the older response in place, to be served for its grace.
        is_server_error = status.startswith("5")
        if response.max_age or not is_server_error:
            self._replace(key, response)
        return response

    def _replace(self, key: Key, response: "CachedResponse") -> None:
        """Drop the stored response, and store the new one if it is public and not too large."""
        # One large response must not displace many others.
        is_small = response.size <= self._max_bytes // 8
        with self._lock:
            old = self.entries.get(key)
            if old:
                response.uses = old.uses
                response.count_use()
                self._remove(key)
            if response.max_age and is_small:
                self._add(key, response)
            self._make_room()

    def _add(self, key: Key, response: "CachedResponse") -> None:
        self.entries[key] = response
        self.size += response.size
        if response.uses:
            self._used[key] = None
        else:
            self._unused[key] = None

    def _remove(self, key: Key) -> None:
        response = self.entries.pop(key)
        self.size -= response.size
        self._unused.pop(key, None)
        self._used.pop(key, None)

    def _make_room(self) -> None:
        """Drop responses until the rest is within the limits.

        This is a simple form of S3-FIFO: responses that were never used again leave first, as long
        as they are more than a quarter. So requests for any number of different URLs displace only
        each other. The others leave in turn, each after one more round for each time it was used.
        """
        now = self._clock()
        while self._is_too_full():
            if len(self._unused) >= len(self.entries) * _UNUSED_SHARE:
                key = next(iter(self._unused))
                # It was used since it was added.
                stays = self.entries[key].uses > 0
            else:
                key = next(iter(self._used))
                response = self.entries[key]
                stays = response.uses > 0 and response.is_within_grace(now)
                response.uses -= 1
            if stays:
                self._unused.pop(key, None)
                self._used[key] = None
                self._used.move_to_end(key)
            else:
                self._remove(key)

    def _is_too_full(self) -> bool:
        if self.size > self._max_bytes:
            return True
        return len(self.entries) > self._max_entries


class EncodedResponse(NamedTuple):
    """A response as it is sent with one Accept-Encoding, for one second of its lifetime.

    Attributes:
        valid_from: Unix seconds.
        valid_until: Unix seconds.
        headers: of the response.
        headers_of_304: of a response to a visitor who has the body already.
        chunks: the body, as WSGI returns it.
    """

    valid_from: float
    valid_until: float
    headers: Headers
    headers_of_304: Headers
    chunks: list[bytes]


class CachedResponse:
    """A complete response, with its body in every encoding that was requested so far.

    Attributes:
        status: the status line.
        made_at: Unix seconds.
        max_age: for how many seconds it is fresh; 0 if it may not be stored.
        grace: for how many more seconds it may be sent while a new one is fetched.
        size: an upper bound of the bytes that it takes, including all encodings.
        encoded: how it was last sent, by Accept-Encoding.
        uses: how often it was used since it was stored, up to a limit; counted once a second. Each
            round in which it might have been dropped takes one off.
    """

    def __init__(
        self,
        status: str,
        headers: Headers,
        body: bytes,
        made_at: float,
    ) -> None:
        by_name = {name.lower(): value for name, value in headers}
        self._directives: Directives = {}
        self._etag = None
        # Without directives, the response is private: it is neither stored nor changed.
        if status.startswith("200"):
            self._directives = _public_directives(by_name)
            self._etag = by_name.get("etag")
        self.status = status
        self.made_at = made_at
        # A directive may lack its number.
        self.max_age = self._directives.get("max-age") or 0
        self.grace = self._directives.get("stale-while-revalidate") or 0
        # Twice the body, since the compressed ones of a text take less than the text itself.
        self.size = 2 * len(body) + _ENTRY_OVERHEAD_BYTES
        self.encoded: dict[str | None, EncodedResponse] = {}
        self.uses = 0
        self._headers = headers
        # By their encodings; "identity" is HTTP's name for none.
        self._bodies = {"identity": body}
        content_type = by_name.get("content-type", "")
        self._is_compressible = self._may_be_compressed(content_type, len(body))

    def _may_be_compressed(self, content_type: str, size: int) -> bool:
        # Private responses are not compressed: they contain tokens together with text that the
        # visitor chose, and the length of the result would reveal the tokens (BREACH).
        if not self._directives:
            return False
        # A strong ETag promises identical bytes, which a compressed body does not have.
        if self._etag and not self._etag.startswith("W/"):
            return False
        if size < _MIN_COMPRESSED_BYTES:
            return False
        return _COMPRESSIBLE_TYPE.match(content_type) is not None

    def count_use(self) -> None:
        """Count a use of the response. If two threads do so at once, one may not count."""
        self.uses = min(self.uses + 1, _MAX_USES)

    def is_fresh(self, now: float) -> bool:
        """Whether the response may be sent at a time in Unix seconds."""
        age = now - self.made_at
        return 0 <= age < self.max_age  # the clock may have been set back

    def is_within_grace(self, now: float) -> bool:
        """Whether the response may be sent while a new one is fetched."""
        age = now - self.made_at
        longest = self.max_age + self.grace
        return 0 <= age < longest

    def encode(self, accept_encoding: str | None, now: float) -> EncodedResponse:
        """Prepare the response for a request, for the second that begins now."""
        age = max(0, int(now - self.made_at))
        encoding = self._encoding_for(accept_encoding)
        body = self._body(encoding)
        headers = self._headers_at(age)
        if body is not self._bodies["identity"]:
            headers = _without(headers, "content-length")
            headers.append(("Content-Encoding", encoding))
            headers.append(("Content-Length", str(len(body))))
        # Cache-Control counts down in whole seconds, so the headers change once a second.
        valid_from = self.made_at + age
        expires = self.made_at + self.max_age
        encoded = EncodedResponse(
            valid_from=valid_from,
            valid_until=min(valid_from + 1, expires),
            headers=headers,
            headers_of_304=_only(headers, _HEADERS_OF_304),
            chunks=[body],
        )
        # Visitors could fill the memory with long ones.
        if not _is_short(accept_encoding):
            return encoded
        if len(self.encoded) >= _MAX_ENCODINGS:
            self.encoded.clear()
        self.encoded[accept_encoding] = encoded
        return encoded

    def _encoding_for(self, accept_encoding: str | None) -> str:
        if self._is_compressible and _is_short(accept_encoding):
            return _preferred_encoding(accept_encoding)
        return "identity"

    def send(
        self, encoded: EncodedResponse, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Send the response, or 304 if the visitor has it."""
        if_none_match = environ.get("HTTP_IF_NONE_MATCH")
        if if_none_match is not None and _matches(if_none_match, self._etag):
            start_response("304 NOT MODIFIED", encoded.headers_of_304)
            return []
        start_response(self.status, encoded.headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return encoded.chunks

    def _headers_at(self, age: int) -> Headers:
        """The headers of the uncompressed response at an age in seconds."""
        if not self._directives:
            return self._headers
        cache_control = _aged_cache_control(self._directives, age)
        headers = _without(self._headers, "cache-control")
        headers.append(("Cache-Control", cache_control))
        if self._is_compressible:
            headers.append(("Vary", "Accept-Encoding"))
        return headers

    def _body(self, encoding: str) -> bytes:
        """The body in an encoding, compressed once; uncompressed if that is not larger."""
        if encoding not in self._bodies:
            body = self._bodies["identity"]
            is_long_lived = self.max_age >= _LONG_LIVED_SECONDS
            compressed = _compress(body, encoding, is_long_lived=is_long_lived)
            self._bodies[encoding] = min(body, compressed, key=len)
        return self._bodies[encoding]


def _unconditional(environ: WSGIEnvironment) -> WSGIEnvironment:
    """The request for the complete response, whatever this visitor needs of it.

    The visitor may have the response already, or need its headers only. The next one does not.
    """
    complete = {**environ, "REQUEST_METHOD": "GET"}
    for condition in _CONDITIONS:
        complete.pop(condition, None)
    return complete


def _without(headers: Headers, name: str) -> Headers:
    """A copy of the headers without one of them, given in lower case."""
    return [header for header in headers if header[0].lower() != name]


def _only(headers: Headers, names: Collection[str]) -> Headers:
    """A copy of the headers with some of them, given in lower case."""
    return [header for header in headers if header[0].lower() in names]


def _is_short(accept_encoding: str | None) -> bool:
    """Whether an Accept-Encoding header is absent, or no longer than those of browsers."""
    if accept_encoding is None:
        return True
    return len(accept_encoding) <= _MAX_ACCEPT_ENCODING_LENGTH


def _compress(body: bytes, encoding: str, *, is_long_lived: bool) -> bytes:
    # The best levels take many times as long, which pays only for what is cached for long.
    levels = _FAST_LEVELS
    if is_long_lived:
        levels = _BEST_LEVELS
    level = levels[encoding]
    if encoding == "br":
        compressed: bytes = brotli.compress(body, quality=level)
        return compressed
    # Without the time, all processes send the same bytes.
    return gzip.compress(body, level, mtime=0)


def _public_directives(headers: Mapping[str, str]) -> Directives:
    """The directives of Cache-Control if the headers allow everybody to store the response."""
    directives: Directives = {}
    cache_control = headers.get("cache-control", "").lower()
    for directive in cache_control.split(","):
        name, _, seconds = directive.strip().partition("=")
        directives[name] = None
        if seconds.isdecimal():
            directives[name] = int(seconds)
    names = directives.keys()
    if not names >= _REQUIRED_DIRECTIVES:
        return {}
    # An unknown directive may be one that forbids to store the response.
    if not names <= _SUPPORTED_DIRECTIVES:
        return {}
    if _UNCACHEABLE_HEADERS & headers.keys():
        return {}
    return directives


def _aged_cache_control(directives: Directives, age: int) -> str:
    """Cache-Control with what is left of it at an age in seconds.

    An Age header would say the same, but nginx ignores it.
    """
    max_age = directives["max-age"] or 0
    overdue = max(0, age - max_age)
    # The grace begins when the response is no longer fresh, so only then it becomes shorter.
    used = {
        "max-age": age,
        "stale-while-revalidate": overdue,
        "stale-if-error": overdue,
    }
    parts = []
    for name, seconds in directives.items():
        if seconds is None:
            parts.append(name)
            continue
        left = seconds - used.get(name, 0)
        left = max(0, left)
        parts.append(f"{name}={left}")
    return ", ".join(parts)


def _matches(if_none_match: str, etag: str | None) -> bool:
    """Whether If-None-Match names an ETag. Browsers send it as it is, so that is compared first."""
    if etag is None:
        return False
    if if_none_match == etag:
        return True
    value, _ = unquote_etag(etag)
    return parse_etags(if_none_match).contains_weak(value or "")


def _has_token(query: str) -> bool:
    """Whether a query has a token."""
    # Parsing takes time. A name that contains % may be an encoded form of "token".
    if "token" not in query and "%" not in query:
        return False
    parameters = parse_qsl(query, keep_blank_values=True)
    return any(name == "token" for name, value in parameters)


# Parsing takes a while, and browsers send only a handful of different headers.
@lru_cache(1024)
def _preferred_encoding(accept_encoding: str | None) -> str:
    """The encoding that an Accept-Encoding header prefers, of those that are supported."""
    accepted = parse_accept_header(accept_encoding)
    best = max(("br", "gzip"), key=accepted.quality)
    weight = accepted.quality(best)
    # Weight 0 means "not acceptable", and a visitor may prefer no encoding.
    if weight > 0 and weight >= accepted.quality("identity"):
        return best
    return "identity"
