"""Failures and what visitors see of them; docs/operations.md has the table."""

import ctypes
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import processes
import pytest
import requests
from conftest import Clock, Service, Upstream, serving
from faults import Fault, FaultySandbox
from processes import until
from programs import find_program
from werkzeug.security import generate_password_hash

Serve = Callable[..., Service]
BALANCE = "/w/main/balance.json"


class Gateway:
    """A gateway in front of the simulated API: forwards requests, or does what ``mishap`` does."""

    def __init__(self, target: str, tls: ssl.SSLContext | None) -> None:
        self.target, self.tls = urlsplit(target), tls
        self.mishap: Callable[[Gateway, socket.socket, bytes], None] = Gateway.pass_on
        self.held: list[int] = []
        """The clients' ports of the connections that are being held."""
        self.released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.open()

    def open(self) -> None:
        """Accept connections."""
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener,))
        self._acceptor.start()

    def shut(self) -> None:
        """Refuse connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(60)
            with (
                self.tls.wrap_socket(connection, server_side=True)
                if self.tls
                else connection as accepted
            ):
                if request := _request(accepted):
                    self.mishap(self, accepted, request)

    def response_to(self, request: bytes) -> bytes:
        """The response of the simulated API."""
        with socket.create_connection((self.target.hostname, self.target.port), 60) as upstream:
            upstream.sendall(request)
            return b"".join(iter(lambda: upstream.recv(65536), b""))

    def pass_on(self, connection: socket.socket, request: bytes) -> None:
        connection.sendall(self.response_to(request))

    def hold(self, connection: socket.socket, _: bytes) -> None:
        """Send nothing as long as the client waits."""
        self.held.append(connection.getpeername()[1])
        connection.settimeout(0.05)
        while not self.released.is_set():
            with suppress(TimeoutError):
                if not connection.recv(1024):
                    return

    def drip(self, connection: socket.socket, data: bytes) -> None:
        """Send byte after byte."""
        for n in range(len(data)):
            connection.sendall(data[n : n + 1])
            if self.released.wait(0.02):
                return

    def drip_headers(self, connection: socket.socket, request: bytes) -> None:
        self.drip(connection, self.response_to(request))

    def drip_body(self, connection: socket.socket, request: bytes) -> None:
        headers, gap, body = self.response_to(request).partition(b"\r\n\r\n")
        connection.sendall(headers + gap)
        self.drip(connection, body)

    def cut_short(self, connection: socket.socket, request: bytes) -> None:
        connection.sendall(self.response_to(request)[:-20])

    def reset(self, connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def _request(connection: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
        data += chunk
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data)
    while (
        length
        and len(data.partition(b"\r\n\r\n")[2]) < int(length[1])
        and (chunk := connection.recv(65536))
    ):
        data += chunk
    return data


class Resolver:
    """Resolves the name of the API's host, fails, or hangs; resolves other names as usual."""

    def __init__(self) -> None:
        self.system, self.error, self.gate = socket.getaddrinfo, False, threading.Event()
        self.gate.set()

    def __call__(self, host: Any, *arguments: Any, **more: Any) -> Any:
        if host != "localhost":
            return self.system(host, *arguments, **more)
        self.gate.wait(60)
        if self.error:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.system("127.0.0.1", *arguments, **more)


@dataclass
class World:
    """Everything between the service and the figures."""

    gateway: Gateway
    sandbox: FaultySandbox
    resolver: Resolver
    contexts: "Contexts"
    redirected: list[str] = field(default_factory=list)
    elsewhere: str = ""

    def restore(self) -> None:
        """Let everything work again."""
        self.sandbox.faults.clear()
        self.gateway.released.set()
        self.resolver.gate.set()
        self.resolver.error, self.gateway.mishap = False, Gateway.pass_on
        if self.gateway.tls:
            self.gateway.tls = self.contexts.known
        if self.gateway._listener.fileno() < 0:
            self.gateway.open()


@dataclass(frozen=True)
class Contexts:
    """For a TLS server: a certificate that the service trusts, and one that it does not."""

    known: ssl.SSLContext
    other: ssl.SSLContext
    file: str


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    folder = tmp_path_factory.mktemp("tls")
    made = dict[str, ssl.SSLContext]()
    for name in ("known", "other"):
        arguments = (
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
            f"-keyout {name}.key -out {name}.pem -days 2 "
            "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
        )
        command = [find_program("openssl"), *arguments.split()]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        made[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made[name].load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return Contexts(made["known"], made["other"], str(folder / "known.pem"))


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    upstream: Upstream,
    contexts: Contexts,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The simulated API behind a gateway and a resolver; with TLS if the parameter says so."""
    tls = getattr(request, "param", None) == "tls"
    with world_around(upstream, contexts, tls=tls) as created:
        monkeypatch.setattr(socket, "getaddrinfo", created.resolver)
        yield created


@pytest.fixture
def world_in_real_time(upstream_in_real_time: Upstream, contexts: Contexts) -> Iterator[World]:
    """The same for a service in its own process."""
    with world_around(upstream_in_real_time, contexts) as created:
        yield created


@contextmanager
def world_around(upstream: Upstream, contexts: Contexts, *, tls: bool = False) -> Iterator[World]:
    upstream.reset()
    gateway = Gateway(upstream.url, contexts.known if tls else None)
    made = World(gateway, upstream.sandbox, Resolver(), contexts)

    def elsewhere(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        made.redirected.append(environ["PATH_INFO"])
        start("200 OK", [])
        return [b'{"Balance": 1}']

    with serving(elsewhere) as made.elsewhere:
        yield made
    made.restore()
    gateway.shut()


def api(world: World, deadline_seconds: float) -> dict[str, Any]:
    """The table ``[api]`` of a service."""
    scheme, more = (
        ("https", {"ca_file": world.contexts.file}) if world.gateway.tls else ("http", {})
    )
    return {
        "base_url": f"{scheme}://localhost:{world.gateway.port}",
        "deadline_seconds": deadline_seconds,
        **more,
    }


def misbehave(mishap: Callable[[Gateway, socket.socket, bytes], None]) -> Callable[[World], None]:
    def cause(world: World) -> None:
        world.gateway.mishap = mishap

    return cause


def simulate(fault: str, **more: Any) -> Callable[[World], None]:
    return lambda world: world.sandbox.faults.append(Fault(fault, **more))


def redirect(world: World) -> None:
    world.sandbox.faults.append(Fault("redirect", location=f"{world.elsewhere}/elsewhere"))


def lose_the_name(world: World) -> None:
    world.resolver.error = True


def hang_on_the_name(world: World) -> None:
    world.resolver.gate.clear()


def change_the_certificate(world: World) -> None:
    world.gateway.tls = world.contexts.other


LATE = "no complete response within the deadline of 0.6 s"
MAY: dict[str, tuple[Callable[[World], None], int, str]] = {
    "refuse_connections": (lambda world: world.gateway.shut(), 503, "ConnectionRefusedError"),
    "reset_connections": (misbehave(Gateway.reset), 503, "ConnectionResetError"),
    "never_respond": (misbehave(Gateway.hold), 503, LATE),
    "drip_its_headers": (misbehave(Gateway.drip_headers), 503, LATE),
    "drip_its_response": (misbehave(Gateway.drip_body), 503, LATE),
    "cut_its_response_short": (misbehave(Gateway.cut_short), 503, "IncompleteRead"),
    "send_many_megabytes": (simulate("huge"), 502, "more than 33554432 bytes"),
    "send_a_zip_bomb": (simulate("gzip_bomb"), 502, "more than 33554432 bytes"),
    "send_an_error_page_with_status_200": (
        simulate("html200"),
        502,
        "balance: not JSON but an HTML page",
    ),
    "send_garbage": (simulate("garbage"), 502, "balance: not JSON but"),
    "ask_to_wait": (simulate("too_many", seconds=42), 503, "HTTP 429"),
    "respond_with_500": (simulate("error500"), 503, "HTTP 500"),
    "redirect_to_another_host": (redirect, 502, "HTTP 302: a redirect, which is not followed"),
    "refuse_the_account": (simulate("refuse"), 502, "not at the open level: set its API password"),
    "rename_its_fields_overnight": (simulate("renamed"), 502, "balance.balance: missing"),
    "have_no_address": (lose_the_name, 503, "name of the API's host cannot be resolved"),
    "have_a_name_server_that_hangs": (hang_on_the_name, 503, "no result within 0.6 s"),
    "present_another_certificate": (change_the_certificate, 503, "TLS failed: .*ca_file"),
}


@pytest.mark.parametrize(
    ("world", "fault"), [("tls" if name == "present_another_certificate" else "",
    name) for name in MAY],
    indirect=["world"], ids=MAY,
)  # fmt: skip
def test_an_api_may(
    fault: str, world: World, serve: Serve, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cause, status, log = MAY[fault]
    # The first service has nothing cached. If the API responds with something unusable (502), it
    # may take as long as a busy machine needs.
    deadline = 0.6 if status == 503 else 20
    # The second has, and must not wait: its deadline is longer than the timeout of `Service.get`,
    # so the test would fail.
    cold, warm = (serve(api=api(world, seconds)) for seconds in (deadline, 60))
    before = warm.get(BALANCE).json()
    assert not before["stale"]
    cause(world)

    responses = [cold.get(path) for path in (BALANCE, "/w/main/balance")]
    assert {response.status_code for response in responses} == {status}
    assert "temporarily unavailable" in responses[1].text
    for response in responses:
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert response.headers["Cache-Control"] == "private, no-store"
    until(lambda: re.search(log, caplog.text))
    if fault == "ask_to_wait":
        assert 40 <= int(responses[1].headers["Retry-After"]) <= 47

    clock.now += 3600
    for _ in range(3):
        assert warm.get(BALANCE).json() == {**before, "stale": True}
    page = warm.get("/w/main/balance")
    assert page.status_code == 200
    assert "data-stale" in page.text

    world.restore()
    clock.now += 60
    for service in (cold, warm):
        until(lambda service=service: is_new(service, before["as_of"], clock))  # type: ignore[misc]
    assert world.redirected == []
    assert "1000001" not in caplog.text


def is_new(service: Service, before: str, clock: Clock) -> bool:
    """Whether there are newer figures that are not marked as stale."""
    clock.now += 2  # the response cache stores a response for at least a second
    response = service.get(BALANCE)
    return response.ok and response.json()["as_of"] > before and not response.json()["stale"]


def test_nobody_notices_a_token_that_expires_during_a_call(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(accounts={"main": {"login": 1000002, "password": "sandbox-password"}})
    before = service.get(BALANCE).json()["as_of"]
    upstream.sandbox.faults.append(Fault("expire_tokens", "RequestBalanceInformation"))
    clock.now += 3600
    until(lambda: is_new(service, before, clock))
    assert upstream.sandbox.calls["RequestClientApiToken"] == 2


@pytest.mark.parametrize("seconds", [-86400 * 400, -7200, -300, 300, 7200, 86400 * 400])
def test_a_clock_may_jump_and_jump_back(
    seconds: float, serve: Serve, upstream: Upstream, instant: float
) -> None:
    clock = Clock(instant)  # only the service's, not the API's
    service = serve(clock=clock)
    for jump in (0, seconds, -seconds):
        clock.now += jump
        calls = upstream.sandbox.calls.total()
        response = service.get(BALANCE)
        assert response.status_code == 200
        assert time_of_figures(response) <= clock.now
        before = response.json()["as_of"]
        clock.now += 20  # by then there has been a call, wherever the clock was in between
        until(lambda before=before: is_new(service, before, clock))  # type: ignore[misc]
        assert upstream.sandbox.calls.total() > calls


def time_of_figures(response: requests.Response) -> float:
    return datetime.fromisoformat(response.json()["as_of"]).timestamp()


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[bool], None]]:
    """A folder on a disk of its own; yields what fills the disk (True) or makes room again."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Not by the umask: Debian 13 lets the group of an ordinary user write too, which is refused.
    folder.mkdir(mode=0o700)
    name = str(folder).encode()
    if libc.mount(b"tmpfs", name, b"tmpfs", 0, b"size=256k,mode=700") != 0:
        # Only root may mount a disk. For others, a limit makes the same writes fail.
        yield limit_files
        return

    def fill(is_full: bool) -> None:
        if not is_full:
            (folder / "filler").unlink()
            return
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    try:
        yield fill
    finally:
        libc.umount2(name, 2)  # when the last file is closed


def limit_files(is_limited: bool) -> None:
    """Let this process write no more than 16 bytes into a file, or as many as it likes."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 16 if is_limited else hard_limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard_limit))


def files(folder: Path, **more: Any) -> dict[str, Any]:
    """The table ``[cache]`` of a service that caches results in files."""
    return {"type": "FileSystemCache", "dir": str(folder), **more}


def test_a_disk_may_be_full_and_then_not(
    tmp_path: Path, serve: Serve, upstream: Upstream, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk") as fill:
        service = serve(cache=files(tmp_path / "disk"))
        fill(True)
        for path in (BALANCE, "/w/main/open-trades.json", "/w/main/closed-trades.json?period=all"):
            assert service.get(path).status_code == 200
        before = service.get(BALANCE).json()["as_of"]
        clock.now += 20
        until(lambda: is_new(service, before, clock))
        assert "cache: writing fails, continuing without it: OSError" in caplog.text
        assert len([record for record in caplog.records if record.name == "widget.data.cache"]) <= 3
        fill(False)
        clock.now += 20
        before = service.get(BALANCE).json()["as_of"]
        until(lambda: is_new(service, before, clock))
        until(lambda: "cache: writing works again" in caplog.text)
        calls = upstream.sandbox.calls["RequestBalanceInformation"]
        other = serve(cache=files(tmp_path / "disk"))
        upstream.sandbox.calls.clear()
        assert other.get(BALANCE).status_code == 200
        assert (calls, upstream.sandbox.calls["RequestBalanceInformation"]) == (calls, 0), (
            "results are stored again"
        )


def test_cache_files_may_be_corrupt(tmp_path: Path, serve: Serve, upstream: Upstream) -> None:
    assert serve(cache=files(tmp_path)).get(BALANCE).status_code == 200
    for file in (tmp_path / "answers").iterdir():
        file.write_bytes(b"\0\0\0\0cno_such_module\nThing\n.")
    upstream.sandbox.calls.clear()
    for calls in (1, 1):  # the file that the first writes again is intact for the next
        assert serve(cache=files(tmp_path)).get(BALANCE).status_code == 200
        assert upstream.sandbox.calls["RequestBalanceInformation"] == calls


def test_the_folder_of_the_cache_may_be_gone(
    tmp_path: Path, serve: Serve, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    service = serve(cache=files(tmp_path / "cache"))
    before = service.get(BALANCE).json()["as_of"]
    subprocess.run(["rm", "-r", str(tmp_path / "cache")], check=True)
    (tmp_path / "cache").write_text("a file where the folder was")
    clock.now += 3600
    assert service.get(BALANCE).status_code == 200
    until(lambda: is_new(service, before, clock))
    assert service.get("/w/main/open-trades.json").status_code == 200
    assert "continuing without it" in caplog.text


# The service in separate processes, as in production.


@pytest.fixture
def port_of_redis(tmp_path: Path) -> Iterator[int]:
    port = processes.free_port()
    with processes.redis_server(tmp_path, port):
        yield port


def configuration(world: World, *, deadline: float, more: str = "") -> str:
    """A ``widgets.toml``."""
    return f"""
[api]
base_url = "http://127.0.0.1:{world.gateway.port}"
deadline_seconds = {deadline}
[accounts.main]
login = 1000001
widgets = ["balance", "open-trades"]
[accounts.main.ttl_seconds]
balance = 0.5
{more}
"""


def owner(port: int, pids: list[int]) -> int:
    """The process that has the connection from a loopback port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    inodes = {row[9] for row in rows if row[1] == f"0100007F:{port:04X}"}
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(link).removeprefix("socket:[").rstrip("]") in inodes:
                    return pid
    raise AssertionError(f"none of {pids} has it")


def test_a_worker_may_be_killed_in_the_middle_of_a_refresh(
    world_in_real_time: World, tmp_path: Path, port_of_redis: int
) -> None:
    world = world_in_real_time
    shared = f'[cache]\ntype = "RedisCache"\nredis_url = "redis://127.0.0.1:{port_of_redis}/0"'
    text = configuration(world, deadline=1, more=shared)
    with processes.service(tmp_path, "service", text, workers=2) as (url, program):
        before = requests.get(url + BALANCE, timeout=30).json()["as_of"]
        world.gateway.mishap = Gateway.hold

        def a_call_is_held() -> bool:
            assert requests.get(url + BALANCE, timeout=30).status_code == 200
            return bool(world.gateway.held)

        until(a_call_is_held)
        workers = program.children()
        killed = owner(world.gateway.held[0], workers)
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in program.children())
        world.restore()

        def is_renewed() -> bool:
            try:
                response = requests.get(url + BALANCE, timeout=30)
            except requests.ConnectionError:
                return False  # this connection belonged to the killed worker
            assert response.status_code == 200, "the other worker has figures"
            return bool(response.json()["as_of"] > before)

        until(is_renewed)
        until(lambda: len(set(program.children()) - {killed}) == 2)
        assert program.end() == 0


def send_request(url: str, path: str) -> bytes:
    """Everything that a server sends in response to a request on its own connection."""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return received(connection)


def received(connection: socket.socket) -> bytes:
    """Everything that a server sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def unread(connections: list[socket.socket]) -> list[str]:
    """The connections whose server has not read everything, as the system lists them."""
    ports = {f"0100007F:{connection.getsockname()[1]:04X}" for connection in connections}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return [row[2] for row in rows if row[2] in ports and not row[4].endswith(":00000000")]


def is_complete(response: bytes) -> bool:
    headers, _, body = response.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", headers)
    return (
        headers.startswith(b"HTTP/1.1 200") and length is not None and len(body) == int(length[1])
    )


def test_sigterm_under_load_cuts_off_no_request(world_in_real_time: World, tmp_path: Path) -> None:
    world = world_in_real_time
    outcomes: Counter[str] = Counter()

    def load() -> None:
        for _ in range(2000):
            try:
                response = send_request(url, "/embed.json")
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                response = b""
            # Without a single byte the request was not read: browsers and load balancers repeat it.
            outcomes[
                "complete" if is_complete(response) else "cut off" if response else "not read"
            ] += 1

    request = b"GET /w/main/balance.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with processes.service(tmp_path, "service", configuration(world, deadline=30)) as (
        url,
        program,
    ):
        world.gateway.mishap = Gateway.hold
        with ThreadPoolExecutor(4) as visitors, connections(url, 12, request) as waiting:
            until(lambda: world.gateway.held)
            loading = [visitors.submit(load) for _ in range(4)]
            until(lambda: outcomes["complete"] > 50)
            until(lambda: not unread(waiting))
            program.process.send_signal(signal.SIGTERM)
            for future in loading:
                future.result()
            world.restore()
            assert all(is_complete(received(connection)) for connection in waiting)
        assert program.process.wait(processes.PATIENCE) == 0
    assert outcomes["cut off"] == 0
    assert outcomes["not read"] <= 4 * 2
    assert "Traceback" not in program.text()


@pytest.fixture
def idle_service(
    world_in_real_time: World, tmp_path: Path
) -> Iterator[tuple[str, processes.Program]]:
    """A service with one worker, as in production."""
    closed = (
        '[accounts.closed]\nlogin = 1000001\naccess = "closed"\n'
        'viewer_password_hash_env = "VIEWER_HASH"'
    )
    text = configuration(world_in_real_time, deadline=30, more=closed)
    stored = generate_password_hash("open sesame")
    with processes.service(tmp_path, "service", text, VIEWER_HASH=stored) as started:
        yield started


@contextmanager
def connections(url: str, count: int, send: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that send a number of bytes and then nothing."""
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            made.append(
                socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=30)
            )
            made[-1].sendall(send)
        yield made
    finally:
        for connection in made:
            connection.close()


def has_response_or_is_closed(connection: socket.socket) -> bool:
    """Whether the server has sent anything or closed the connection."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


SLOW = {
    "send_nothing": (b"", 500),
    "stop_in_the_headers": (b"GET /w/main/balance HTTP/1.1\r\nHost: x\r\nX-Slow: ", 500),
    "stop_in_the_body": (
        b"POST /w/closed/balance/unlock HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\npassword=",
        10,  # the others are refused at once: more than ten passwords a minute
    ),
}
"""What a client sends, and for how many of 500 clients the server waits."""


@pytest.mark.parametrize(("send", "slow"), SLOW.values(), ids=SLOW)
def test_500_clients_may(
    send: bytes, slow: int, idle_service: tuple[str, processes.Program]
) -> None:
    url, _ = idle_service
    with connections(url, 500, send) as made:
        for n in range(20):
            assert is_complete(send_request(url, f"{BALANCE}?refresh={n + 10}"))
        waiting = [connection for connection in made if not has_response_or_is_closed(connection)]
        assert len(waiting) >= slow, "the service did not wait for them to leave"


def test_nobody_waits_for_a_cached_widget_while_others_wait_for_one_that_is_not_cached(
    world_in_real_time: World, idle_service: tuple[str, processes.Program]
) -> None:
    url, _ = idle_service
    world = world_in_real_time
    assert is_complete(send_request(url, BALANCE))
    world.gateway.mishap = Gateway.hold
    with ThreadPoolExecutor(100) as visitors:
        # As many as may wait for an API: see ``MAX_WAITING`` of ``call_threads``.
        waiting = [
            visitors.submit(send_request, url, f"/w/main/open-trades.json?refresh={n + 10}")
            for n in range(100)
        ]
        until(lambda: world.gateway.held)
        for n in range(10):
            assert is_complete(send_request(url, f"{BALANCE}?refresh={n + 10}"))
        assert not any(visitor.done() for visitor in waiting)
        world.restore()
        assert all(is_complete(visitor.result()) for visitor in waiting)


def test_clients_may_vanish_while_they_wait(
    world_in_real_time: World, idle_service: tuple[str, processes.Program]
) -> None:
    url, program = idle_service
    world = world_in_real_time
    world.gateway.mishap = Gateway.hold
    request = b"GET /w/main/balance.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with connections(url, 50, request) as waiting:
        until(lambda: world.gateway.held)
        for connection in waiting:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    world.restore()
    assert is_complete(send_request(url, "/w/main/open-trades.json"))
    assert is_complete(send_request(url, "/w/main/balance.json"))
    assert len(world.gateway.held) == 1
    assert "Traceback" not in program.text()
    assert '"level": "error"' not in program.text()
