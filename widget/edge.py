"""Finished public answers, kept in front of the application: a WSGI layer that knows HTTP's headers and nothing else.

What may be kept, and for how long, is said by the application's Cache-Control alone, so that a CDN in front of the
service behaves alike. What this layer sends on carries only what is left of that time.
"""

import gzip
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
from werkzeug.http import parse_etags, unquote_etag

Outcome = Literal["hit", "unmodified", "stale", "miss", "passed"]
"""Answered from what is kept, by 200 or by 304; with an old answer while a new one is made; by the application, which
was asked in the general form that may be kept; or by the application, with the request as it came."""

Headers = list[tuple[str, str]]
Key = tuple[str, str]

_UNDERSTOOD = {"public", "max-age", "immutable", "stale-while-revalidate", "stale-if-error"}
_NOT_KEPT = {"set-cookie", "vary", "content-encoding"}
_OF_THE_BODY = {"content-type", "content-length", "content-encoding", "content-language", "last-modified"}
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")
_TEXT = re.compile(r"text/|application/(json|javascript)|image/svg\+xml|[a-z/.-]+\+(json|xml)")
_WORTH_COMPRESSING = 256  # bytes
_LASTS = 3600  # seconds, from which on the best compression is worth its time
_OVERHEAD = 2048  # bytes of an entry besides its body
_LONGEST_ACCEPT_ENCODING = 256


class Edge:
    """A WSGI application in front of another.

    Args:
        app: the application.
        clock: Unix seconds.
        entries: how many answers are kept at most; the least recently used goes first.
        max_bytes: how many bytes they may take in all.
        wait_seconds: how long a request waits at most for another one that asks the application for the same.
        count: is told of each request how it was answered.
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
        self._kept: OrderedDict[Key, _Answer] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or "HTTP_AUTHORIZATION" in environ:
            self._count("passed")
            return self._app(environ, start_response)
        key = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        kept = self._kept.get(key)
        if kept is not None:
            age = self._clock() - kept.made_at
            if 0 <= age < kept.max_age:
                try:
                    self._kept.move_to_end(key)
                except KeyError:  # another thread just dropped it
                    pass
                is_new = kept.reply(environ, start_response, age)
                self._count("hit" if is_new is not None else "unmodified")
                return is_new or ()
        return self._through(key, kept, environ, start_response)
