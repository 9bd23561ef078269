"""Hostile input: malformed requests, and an upstream with hostile text in every field."""

import contextlib
import json
import random
import re
import socket
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import processes
import pytest
from accounts import SECRET, WIDGETS
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import NOW, InProcess, Script, at, running
from test_privacy import responses
from werkzeug.security import generate_password_hash

from widget.web import tokens

HASH = generate_password_hash("open sesame", "scrypt:1024:8:1")
BEHIND_A_PROXY = """
[server]
public_url = "https://widgets.example.com"
trusted_proxies = 1
[api]
base_url = "http://127.0.0.1:9"
[accounts.main]
login = 7654321
allowed_networks = ["203.0.113.0/24"]
"""
EXPECTED_STATUSES = {200, 204, 304, 400, 401, 403, 404, 405, 413, 429, 501}
MARK = "zq7"
"""A part of everything that is sent, to recognize it in responses."""

HOSTILE = [
    f"<script>{MARK}</script>", f"\"><img src=x onerror={MARK}()>", f"'-{MARK}-'",
    f"javascript:{MARK}()",
    f"{{{{7*7}}}}{MARK}", f"${{{MARK}}}", f"{MARK}%s%n%x", f"{MARK}\r\nSet-Cookie: {MARK}=1",
    f"{MARK}\0",
    f"../../{MARK}",
    f"{MARK}\u202e\u2066", f"{MARK}\ufeff\u200b", f"]]>{MARK}<![CDATA[", f"<!--{MARK}",
    f"--><svg onload={MARK}>",
    f"&lt;{MARK}&#x3c;", f"</title><style>{MARK}", f"{MARK}' OR 1=1--", f"{MARK}\x1b[31m",
    f"<bdi>{MARK}</bdi>",
    f"</script><b>{MARK}", f"{MARK}\" autofocus onfocus=\"{MARK}", f"{MARK}`", f"\\u003c{MARK}",
    f"🂡{MARK}🂡" * 20, f"{MARK}" * 90,
]  # fmt: skip


class Response(NamedTuple):
    """A response."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str:
        """A header, empty if it is missing."""
        return dict(self.headers).get(name, "")


def service(stack: ExitStack) -> InProcess:
    """Open, closed and restricted accounts, and a studio."""
    script = Script(responses())
    accounts = {
        "main": {"login": 7654321, "widgets": list(WIDGETS), "partner_password": "partner"},
        "closed": {
            "login": 7654321,
            "access": "closed",
            "viewer_password_hash": HASH,
            "embed_secret": SECRET,
        },
        "restricted": {"login": 7654321, "allowed_networks": ["203.0.113.0/24"]},
    }
    server = {"trusted_proxies": 1, "studio": True, "studio_password_hash": HASH}
    return running(stack, script, accounts=accounts, server=server)


def send_request(
    where: InProcess, method: str, path: str, query: str, body: bytes = b"", /, **headers: str
) -> Response:
    """Make a request without the checks of a client library; characters stand for bytes."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body), "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_LENGTH": str(len(body)),
        **headers,
    }  # fmt: skip

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None, /) -> Any:
        begun.append((status, headers))

    chunks = where.app.wsgi_app(environ, start)
    text = b"".join(chunks)
    (status, sent) = begun[-1]
    return Response(int(status[:3]), sent, text.decode("utf-8", "replace"))


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and the values of links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record it."""
        self.tags.append((tag, *sorted(name for name, _ in attrs)))
        self.links += [
            value or ""
            for name, value in attrs
            if name in ("href", "src", "action", "srcdoc", "content")
        ]

    def handle_comment(self, data: str) -> None:
        """Record it as a tag that pages must not contain."""
        self.tags.append(("comment",))


OEMBED = set(
    "version type provider_name provider_url title width height html cache_age "
    "thumbnail_url thumbnail_width thumbnail_height".split()
)
OUR_TAGS = set(
    "html head meta title link script body main form p label div input button header h1 dl dt dd "
    "bdi i span section b svg rect g line path text figure table caption thead tbody tfoot tr th "
    "td time footer details summary small style fieldset legend select option output textarea "
    "datalist pre code cabinet-widget a h2 h3 aside nav ul li strong em blockquote iframe br "
    "article circle img".split()
)


def check(response: Response, what: object) -> None:
    """Check what applies to every response."""
    assert response.status in EXPECTED_STATUSES, (what, response.status, response.text)
    for never in ("Traceback", 'File "', "werkzeug", "jinja", "Exception", f"<{MARK}"):
        assert never not in response.text, (what, never)
    assert "default-src 'none'" in response.header("Content-Security-Policy"), what
    assert "unsafe" not in response.header("Content-Security-Policy")
    assert response.header("X-Content-Type-Options") == "nosniff"
    # X-Request-Id repeats the one of the request if that is a plain word.
    sent = [(name, value) for name, value in response.headers if name != "X-Request-Id"]
    assert not [
        name for name, value in sent if name == "Set-Cookie" or MARK in value or "\n" in value
    ], what
    kind = response.header("Content-Type").partition(";")[0]
    assert kind in {
        "text/html", "text/plain", "application/json", "image/svg+xml", "image/png", "text/xml",
        "text/css",
        "text/javascript", "",
    }, (what, kind)  # fmt: skip
    if kind == "application/json" and response.text:
        message = (json.loads(response.text).get("error") or {}).get("message", "")
        assert not re.search(r"[<>&`\\{}$\x00-\x1f]", message), (what, message)
    elif kind == "text/html":
        structure = Structure(response.text)
        assert {tag for tag, *_ in structure.tags} <= OUR_TAGS, (
            what,
            {tag for tag, *_ in structure.tags} - OUR_TAGS,
        )
        assert not [
            name
            for _, *names in structure.tags
            for name in names
            if name.startswith("on") or MARK in name
        ], what
        assert not [
            link for link in structure.links if re.match(r"\s*(javascript|data:text|//)", link)
        ], what
    elif kind in ("image/svg+xml", "text/xml") and response.text:
        ET.fromstring(response.text)
    elif kind == "text/plain":
        assert MARK not in response.text, what


def random_requests(
    dice: random.Random, count: int
) -> Iterator[tuple[str, str, str, bytes, dict[str, str]]]:
    """Requests: valid ones, invalid ones, and valid ones with one error."""
    names = [
        *WIDGETS,
        *WIDGETS,
        "nothing",
        "",
        "__proto__",
        "constructor",
        "balance.json",
        "balance.JSON",
    ]
    values = {
        "theme": ["dark", "auto", "DARK"], "accent": ["ff0000", "zzzzzz", "fff"], "lang": ["fr",
        "x", "en-GB", "ar"],
        "tz": ["Europe/Paris", "../../etc/passwd", "/etc/localtime", "localtime"], "title": ["0",
        "1", "2"],
        "refresh": ["10", "9", "1e3", "٣٠"], "rows": ["1", "100", "101", "-1", "0x10", "১০"],
        "group": ["symbol", "side"],
        "period": ["today", "all", "7d", "8d"], "from": ["2026-11-01", "2026-02-30", "0001-01-01",
        "9999-12-31"],
        "to": ["2026-11-30", "1969-12-31", "2999-12-31"], "size": ["small", "large", "9"],
        "scale": ["1", "2", "1e9"],
        "url": ["http://127.0.0.1:8000/w/main/balance", "http://evil/w/main/balance",
        "http://127.0.0.1:8000/w/main/"],
        "format": ["json", "xml", "yaml"], "maxwidth": ["1", "0", "999999999"], "maxheight": ["1",
        "x"],
        "account": ["main", "closed"], "widget": ["balance"], "token": ["", "a.b.c", "eyJ.." * 9],
        "__class__": ["1"],
    }  # fmt: skip
    good = {name: tokens.sign([SECRET.encode()], f"closed/{name}", NOW + 600) for name in WIDGETS}

    def text() -> str:
        kind = dice.random()
        if kind < 0.5:
            return dice.choice(HOSTILE)
        letters = [
            chr(dice.choice((dice.randrange(1, 128), dice.randrange(128, 256))))
            for _ in range(dice.randrange(12))
        ]
        return MARK + "".join(letters) * (50 if kind > 0.97 else 1)

    def escaped(value: str) -> str:
        way = dice.random()
        raw = value.encode("utf-8", "surrogateescape")
        if way < 0.7:
            return quote(raw)
        if way < 0.8:
            return quote(quote(raw))
        if way < 0.9:
            return "".join(f"%{byte:02X}" for byte in raw)
        return raw.decode("latin-1").replace("#", "")

    def pairs() -> str:
        made = []
        for _ in range(dice.choice((0, 0, 1, 1, 2, 3, 50))):
            name = dice.choice([*values]) if dice.random() < 0.85 else text()
            value = dice.choice(values.get(name, [MARK])) if dice.random() < 0.6 else text()
            made.append(
                f"{escaped(name)}={escaped(value)}" if dice.random() < 0.97 else escaped(name)
            )
        return dice.choice("&&&;").join(made)

    def header() -> str:
        return escaped(text()) if dice.random() < 0.7 else text().encode().decode("latin-1")

    slugs = ["main"] * 12 + ["closed"] * 5 + ["restricted", "nobody", "MAIN", "", ".."]
    suffixes = [""] * 4 + [".json"] * 4 + [".svg"] * 2 + [".xml", ".json.json", f".{MARK}"]
    others = (
        "/oembed / /embed.json /embed.js /static/x/widget.js /metrics /healthz * "
        "//w//main/lots /w/main/lots/"
    ).split()
    methods = ["GET"] * 20 + [
        "HEAD",
        "HEAD",
        "POST",
        "PUT",
        "OPTIONS",
        "TRACE",
        "DELETE",
        "PATCH",
        MARK,
    ]
    common = (
        "ACCEPT_LANGUAGE IF_NONE_MATCH HOST ORIGIN REFERER X_FORWARDED_FOR ACCEPT_ENCODING".split()
    )
    rare = (
        "RANGE COOKIE AUTHORIZATION X_REQUEST_ID EXPECT FORWARDED IF_MODIFIED_SINCE "
        "X_FORWARDED_HOST"
    ).split()
    kinds = ["application/x-www-form-urlencoded"] * 2 + [
        "application/json",
        "multipart/form-data; boundary=a",
        MARK,
    ]
    for _ in range(count):
        slug = dice.choice(slugs) if dice.random() < 0.95 else text()
        name = dice.choice(names) if dice.random() < 0.95 else text()
        suffix = dice.choice(suffixes) if dice.random() < 0.98 else ".png"  # drawing takes long
        kind, query, method, body = dice.random(), pairs(), dice.choice(methods), b""
        path = f"/w/{slug}/{name}{suffix}"
        if kind < 0.1:
            path, method = f"/w/{slug}/{name}/unlock", dice.choice(["POST", "POST", "GET"])
            body = dice.choice(
                [
                    b"",
                    b"password=" + quote(text()).encode(),
                    text().encode() * dice.choice([1, 400]),
                ]
            )
        elif kind < 0.25:
            path = (
                dice.choice(others)
                if dice.random() < 0.8
                else dice.choice(["", f"/{text()}", f"/static/{text()}/x"])
            )
        if dice.random() < 0.1 and name in good:
            query += f"&token={good[name]}"
        headers = {"CONTENT_TYPE": dice.choice(kinds)}
        headers |= {
            "REMOTE_ADDR": dice.choice(["127.0.0.1"] * 3 + ["::1", "198.51.100.7", "", "unix:"])
        }
        headers |= {f"HTTP_{field}": header() for field in common if dice.random() < 0.1}
        headers |= {f"HTTP_{field}": header() for field in rare if dice.random() < 0.03}
        yield (
            method,
            path.encode("utf-8", "surrogateescape").decode("latin-1"),
            query,
            body,
            headers,
        )


def test_ten_thousand_hostile_requests_are_handled() -> None:
    count = 10_000
    seen: Counter[int] = Counter()
    with ExitStack() as stack:
        where = service(stack)
        for method, path, query, body, headers in random_requests(random.Random(20261123), count):
            response = send_request(where, method, path, query, body, **headers)
            check(response, (method, path, query, headers))
            seen[response.status] += 1
    assert sum(seen.values()) == count
    # The requests are hostile in different ways.
    assert {200, 400, 401, 403, 404, 405, 413, 429, 501} <= seen.keys()
    assert seen[200] > count / 10
    assert seen[400] > count / 10


@settings(max_examples=examples(200))
@given(
    path=st.text(max_size=30)
    | st.sampled_from([f"/w/main/{name}{kind}" for name in WIDGETS for kind in ("", ".json")]),
    query=st.lists(
        st.tuples(
            st.sampled_from(["rows", "from", "lang", "tz", "token", "x"]) | st.text(), st.text()
        ),
        max_size=4,
    ),
)
def test_any_url_gets_a_valid_response(path: str, query: list[tuple[str, str]]) -> None:
    pairs = "&".join(
        f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in query
    )
    latin = path.encode("utf-8", "replace").decode("latin-1")
    response = send_request(shared(), "GET", latin, pairs)
    check(response, (path, pairs))


STACK = ExitStack()


def shared() -> InProcess:
    """One service for all examples of a property."""
    if "it" not in _shared:
        _shared["it"] = service(STACK)
    return _shared["it"]


_shared: dict[str, InProcess] = {}


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    STACK.close()
    _shared.clear()


@pytest.mark.parametrize("fragment", [MARK, f"<b>{MARK}"])
def test_a_repeated_or_unknown_option_is_not_echoed(fragment: str) -> None:
    for query in (
        f"{quote(fragment)}=1",
        f"{quote(fragment)}=1&{quote(fragment)}=2",
        f"rows={quote(fragment)}",
    ):
        for suffix in (".json", ""):
            response = send_request(shared(), "GET", f"/w/main/open-trades{suffix}", query)
            assert response.status == 400
            assert "<b>" not in response.text
            assert fragment not in response.text or fragment == MARK


def test_the_host_of_a_request_is_not_trusted() -> None:
    for path in ("/w/main/balance", "//w//main/balance", "/w/main/balance/", "/oembed", "/"):
        response = send_request(
            shared(),
            "GET",
            path,
            "",
            HTTP_HOST="evil.example",
            HTTP_X_FORWARDED_HOST="evil.example",
        )
        assert "evil.example" not in response.text + str(response.headers)
        assert response.status not in (301, 302, 303, 307, 308)


def hostile_responses(text: str) -> dict[Any, Any]:
    """The results of an upstream with a text in every text field."""
    trade = {
        "ticket": 1, "symbol": text, "volume": 0.1, "openPrice": 1.1, "openTime": at(600),
        "profit": 1, "swaps": 0,
        "comment": text, "digits": 5, "type": 0, "magic": text,
    }  # fmt: skip
    everything = responses()
    information = {
        **everything["summary"],
        "type": text,
        "currency": text,
        "name": text,
        "city": text,
        text: text,
    }
    return {
        **everything,
        "balance": information,
        "summary": information,
        "open_trades": [{**trade, "currentPrice": 1.2}],
        "closed_trades": [{**trade, "closePrice": 1.2, "closeTime": at(60)}],
        "logins": [{"time": at(60), "ip": text, "application": text}],
        "referrals": [{"ReferalAccounts": [8101, 8102]}],
        "commissions": [
            {"time": at(60), "amount": 3, "symbol": text, "volume": 1, "currency": text}
        ],
    }


def forms_of(text: str) -> dict[str, Response]:
    """All forms of all widgets with a text in every field."""
    where, found = shared(), {}
    where.script.responses = hostile_responses(text)
    slug = where.add(widgets=list(WIDGETS))
    for name, widget in WIDGETS.items():
        for suffix in ("", ".json", *([".svg"] if widget.picture else [])):
            for query in (
                "",
                *(["group=symbol"] if "group" in widget.options and suffix != ".svg" else []),
            ):
                found[f"{name}{suffix}?{query}"] = send_request(
                    where, "GET", f"/w/{slug}/{name}{suffix}", query
                )
        for form in ("json", "xml"):
            url = quote(f"http://127.0.0.1:8000/w/{slug}/{name}", safe="")
            found[f"{name} {form}"] = send_request(
                where, "GET", "/oembed", f"format={form}&url={url}"
            )
    where.script.responses = responses()
    return found


@cache
def plain_forms(length: int) -> dict[str, Response]:
    """The same with a harmless text of the same length, which has the same layout."""
    return forms_of("P" * length)


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.isprintable() and len(text) <= 90]
)
def test_no_text_of_the_upstream_becomes_markup(text: str) -> None:
    harmless = plain_forms(len(text))
    for where, response in forms_of(text).items():
        assert response.status == 200, (where, response.text)
        assert shape(response) == shape(harmless[where]), where
        for never in ("comment", "city", "magic"):
            assert f'"{never}"' not in response.text


def shape(response: Response) -> list[tuple[str, ...]]:
    """The markup of a response without its text, parsed strictly."""
    kind = response.header("Content-Type").partition(";")[0]
    if kind == "application/json":
        return Structure(json.loads(response.text).get("html", "")).tags
    if kind == "text/html":
        return Structure(response.text).tags
    # The picture reduces the font size of text that does not fit.
    return [
        (node.tag, *sorted({*node.keys()} - {"font-size"}))
        for node in ET.fromstring(response.text).iter()
    ]


@settings(max_examples=examples(25))
@given(st.text(max_size=120))
def test_responses_are_well_formed_whatever_text_the_upstream_sends(text: str) -> None:
    for where, response in forms_of(text).items():
        assert response.status in (200, 502), (where, response.text)
        tags = {tag.rpartition("}")[2] for tag, *_ in shape(response)}
        assert tags <= OUR_TAGS | {"oembed"} | OEMBED, (where, tags - OUR_TAGS)


def test_extreme_numbers_break_no_form_of_any_widget() -> None:
    """Their sums and quotients have more than the 28 digits that Decimal rounds to."""
    dice = random.Random(1)

    def extreme(value: Any) -> Any:
        if isinstance(value, dict):
            unchanged = (
                "type",
                "ticket",
                "digits",
                "openTime",
                "closeTime",
                "time",
                "leverage",
                "verificationLevel",
                "ReferalAccounts",
            )
            return {
                name: inner if name in unchanged else extreme(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [extreme(inner) for inner in value]
        is_number = isinstance(value, int | float) or re.fullmatch(r"-?[\d.]+", str(value))
        return dice.choice(["1e17", "-1e17", "1e-30", "-1e-30", "0.01"]) if is_number else value

    with ExitStack() as stack:
        for _ in range(8):
            changed = {function: extreme(response) for function, response in responses().items()}
            for row in changed["closed_trades"] + changed["open_trades"]:
                del row["digits" if "digits" in row else "type"]
                row.setdefault("type", 6)
            for name in ("balance", "summary"):
                changed[name] |= {
                    "currentTradesCount": 4,
                    "totalTradesCount": 9,
                    "isSwapFree": False,
                }
            where = running(stack, Script(changed))
            for more in ({}, {"amounts": "percent"}, {"delay_minutes": 60}):
                slug = where.add(widgets=list(WIDGETS), lang="hi", **more)
                for name, widget in WIDGETS.items():
                    for suffix in ("", ".json", *([".svg"] if widget.picture else [])):
                        query = "?group=symbol" if "group" in widget.options else ""
                        response = where.client.get(f"/w/{slug}/{name}{suffix}{query}")
                        assert response.status_code == 200, (name, suffix, more)


def test_the_production_server_survives_malformed_requests(tmp_path: Path) -> None:
    """Below WSGI: how the HTTP server itself handles malformed requests."""
    line = b"GET /w/main/balance.json HTTP/1.1\r\nHost: a\r\n"
    dice = random.Random(3)
    noise = [
        b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /w/main/balance?rows=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /w/main/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"TRACE /w/main/balance HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        line + b"X: " + b"x" * 500_000 + b"\r\n\r\n",
        line + b"".join(b"X%d: 1\r\n" % n for n in range(400)) + b"\r\n",
        b"POST /w/main/balance/unlock HTTP/1.1\r\nHost: a\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /w/main/balance/unlock HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        line + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        *(bytes(dice.randrange(256) for _ in range(200)) + b"\r\n\r\n" for _ in range(20)),
    ]  # fmt: skip
    with processes.service(tmp_path, "noise", BEHIND_A_PROXY) as (url, program):
        # The server leaves some connections open without an answer, and each is waited for.
        with ThreadPoolExecutor(len(noise)) as pool:
            responses_to_noise = pool.map(partial(raw, url), noise)
        for request, response in zip(noise, responses_to_noise, strict=True):
            status = int(response[9:12]) if response.startswith(b"HTTP/1.1 ") else 400
            assert status < 500, (request[:80], response[:200])
            assert b"Traceback" not in response
            assert b"ranian" not in response.partition(b"\r\n\r\n")[0]
        # The last header line is that of the proxy, and it is the one that counts.
        spoofed = line + b"X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"
        spoofed = spoofed.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert raw(url, spoofed, quiet=processes.PATIENCE).startswith(b"HTTP/1.1 403")
        assert processes.is_up(f"{url}/healthz")
        assert "Traceback" not in program.text()


def raw(url: str, request: bytes, quiet: float = 1.0) -> bytes:
    """Everything that a server sends in response to some bytes.

    It ends when the server closes the connection or sends nothing for ``quiet`` seconds.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    response = b""
    with (
        socket.create_connection((host, int(port)), timeout=5) as connection,
        contextlib.suppress(OSError),
    ):
        connection.sendall(request)
        connection.settimeout(quiet)
        while chunk := connection.recv(65536):
            response += chunk
    return response
