"""The host page of the demonstration leads to everything that can be put on another page."""

import re
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from conftest import Upstream

from widget.sandbox import demo
from widget.widgets import registry

FORMS = (
    "<cabinet-widget ",
    'switch="1"',
    "[cabinet_widget ",
    "/a/demo",
    "/a/demo.png",
    "size=strip",
    "[img]",
    ".csv",
    ".atom",
    "img.shields.io",
)
"""What identifies the code of each thing that can be pasted."""


def test_the_code_of_every_widget_is_one_link_away(upstream: Upstream) -> None:
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as service:
        page = requests.get(service + demo.HOST_PAGE, timeout=30).text
        links = [unescape(link) for link in re.findall(r'href="(/\?account=[^"]+)"', page)]
        queries = [parse_qs(urlsplit(link).query) for link in links]
        linked = {query["widget"][0] for query in queries}
        assert linked == set(registry.discover())
        for link, query in zip(links, queries, strict=True):
            studio = requests.get(service + link, timeout=30).text
            form = query.get("as", ["script"])[0]
            assert f'<code id="code-{form}">' in studio, link
            assert f'value="{query["widget"][0]}" checked' in studio, link


def test_the_demo_page_has_code_for_everything_else_and_its_addresses_work(
    upstream: Upstream,
) -> None:
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as service:
        page = requests.get(service + demo.HOST_PAGE, timeout=30).text
        found = re.findall("<pre><code>(.*?)</code></pre>", page, re.DOTALL)
        code = "\n".join(map(unescape, found))
        for form in FORMS:
            assert form in code, form
        # The badge contains an address as a parameter.
        decoded = unquote(code)
        addresses = set(re.findall(rf"{service}/[^\s\"<>\[\])]*", decoded))
        assert len(addresses) >= len(FORMS)
        for address in addresses:
            response = requests.get(unescape(address), timeout=30)
            assert response.status_code == 200, address
