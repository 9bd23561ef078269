"""HTTP connections that end with their call: a deadline on the socket itself, no cookies, no redirects.

A timeout of requests counts anew for every byte: a server that drips would hold a call for as long as it likes. So the
sockets look at what is left of the call before each read.
"""

import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from widget import __version__

POOL_SIZE = 128  # no fewer than threads, or connections are thrown away


class Deadline:
    """When a call must be over."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock, self._end = clock, clock() + seconds

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - self._clock()


DEADLINE: ContextVar[Deadline] = ContextVar("ends")
"""The deadline of the call that this thread makes."""


def remaining_seconds() -> float:
    """What is left of the present call.

    Raises:
        TimeoutError: nothing is.
    """
    left = DEADLINE.get().left
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


class Session(requests.Session):
    """Keeps connections, and nothing else: no cookies, no settings of the environment, no redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.headers.update(
            {
                "User-Agent": f"cabinet-widgets/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            }
        )
        self.mount("https://", _Adapter(POOL_SIZE, POOL_SIZE))
        self.mount("http://", _Adapter(POOL_SIZE, POOL_SIZE))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: even where redirects are not to be followed, requests would read their bodies, however long."""


class _Socket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(remaining_seconds())
        return super().recv_into(*args, **kwargs)


class _TLSSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(remaining_seconds())
        return super().recv_into(*args, **kwargs)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """A socket that is connected to one of the host's addresses; each has its share of the time left."""
        addresses = socket.getaddrinfo(
            self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM
        )
        for n, (family, kind, protocol, _, address) in enumerate(addresses, 1):
            sock = _Socket(family, kind, protocol)
            try:
                sock.settimeout(remaining_seconds() / (len(addresses) - n + 1))
                sock.connect(address)
                sock.settimeout(
                    remaining_seconds()
                )  # for the handshake, which is a single operation
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                sock.close()
                if n == len(addresses):
                    raise
            else:
                return sock
        raise OSError("the host has no address")


class _TLSConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        self.ssl_context = create_urllib3_context()
        self.ssl_context.sslsocket_class = _TLSSocket
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    """Makes connections whose sockets look at the deadline before each read."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager
