"""HTTP connections with a deadline for the whole call, without cookies and redirects.

The timeout of ``requests`` starts again with every byte, so a server that sends one byte a second
would keep a call open for as long as it likes. Here the socket itself sets its timeout to what is
left of the call before each read.
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

# At least the number of threads that make calls: connections beyond it are closed after each call.
POOL_SIZE = 128


class Deadline:
    """The time by which a call must be over."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._end - self._clock()


DEADLINE: ContextVar[Deadline] = ContextVar("deadline")
"""The deadline of the call that the current thread makes."""


def remaining_seconds() -> float:
    """Seconds until the deadline of the current call.

    Raises:
        TimeoutError: the deadline has passed.
    """
    left = DEADLINE.get().left
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


class Session(requests.Session):
    """Reuses connections. Ignores cookies, redirects and the proxy settings of the environment."""

    def __init__(self) -> None:
        super().__init__()
        # Proxies come from the configuration only. This also saves a fifth of the time of a call.
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
        """No target: requests would read the body of a redirect, however long, even if it does not
        follow it.
        """


# requests reads from a socket with recv_into() only.
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
        """A socket connected to one of the host's addresses.

        Each address gets its share of the remaining time.
        """
        addresses = socket.getaddrinfo(
            self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM
        )
        # Of the remaining time, the first of two addresses gets a half, so that the second has a
        # chance if the first does not respond.
        for n, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = _Socket(family, kind, protocol)
            addresses_left = len(addresses) - n
            try:
                sock.settimeout(remaining_seconds() / addresses_left)
                sock.connect(address)
                # The TLS handshake is a single operation and gets all the remaining time.
                sock.settimeout(remaining_seconds())
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                sock.close()
                if addresses_left == 1:
                    raise
            else:
                return sock
        raise OSError("the host has no address")


class _TLSConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        # With a context of its own, the connection wraps its socket in a class that has the
        # deadline.
        self.ssl_context = create_urllib3_context()
        self.ssl_context.sslsocket_class = _TLSSocket
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    """Creates connections whose sockets check the deadline before each read."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager
