"""A site owner, authors and visitors in Chromium, with the service on its sandbox."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from programs import CACHE, find_program
from wordpress_service import SECRET, service
from wordpress_site import HERE, Site

HOSTILE = (
    '" onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</noscript><img src=x onerror=alert(1)>",
    "&quot; onmouseover=&quot;alert(1)",
    "javascript:alert(1)",
    "1px;position:fixed",
)
CLEAN = '[cabinet_widget account="main" widget="growth" period="7d" label="My <b>curve</b>"]'
OTHER_ADDRESSES = ("https://evil.example/w/main/growth", "javascript:alert(1)")
CLOSED_FOR_EVERYONE = '[cabinet_widget account="vault" widget="balance" for="everyone"]'
SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups"

Seen = dict[str, Any]


@dataclass
class Stage:
    """A site with the plugin, one without it, and the service."""

    site: Site
    bare: Site
    newest: Site
    service: str
    shots: Path

    def play(self, *steps: str, **given: Any) -> list[Seen]:
        """Runs steps of harness/browser.mjs and returns what was seen; nothing may be logged."""
        script = {
            "modules": str(CACHE),
            "site": self.site.url,
            "service": self.service,
            "secret": SECRET,
            "shots": str(self.shots),
            "steps": steps,
            **given,
        }
        done = subprocess.run(
            [find_program("node"), HERE / "harness" / "browser.mjs"],
            input=json.dumps(script),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.site.log()
        *seen, last = [json.loads(line) for line in done.stdout.splitlines()]
        # WordPress 7.1 complains about one of its own style sheets.
        assert [
            line
            for line in last["complaints"]
            if "global-styles-css-custom-properties-inline-css" not in line
        ] == []
        assert self.site.log() == ""
        return seen

    def post(self, site: Site, content: str, author: str = "editor") -> str:
        """Publishes a post and returns its address; a contributor's post is left pending."""
        return site.eval(
            f"""
            wp_set_current_user( get_user_by( 'login', '{author}' )->ID );
            $id = wp_insert_post( wp_slash( array(
                'post_title' => 'Diary', 'post_content' => json_decode( {php(content)} ),
                'post_status' => 'contributor' === '{author}' ? 'pending' : 'publish' ) ) );
            echo 'contributor' === '{author}' ? home_url( "?p=$id&preview=true" ) : get_permalink( $id );
            """
        )

    def store(self, name: str, page: str) -> str:
        """Stores a page as a page cache does, served as a file without PHP. Returns its address."""
        path = self.site.root / "wp" / "cached" / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(page)
        return f"{self.site.url}/cached/{name}.html"


def php(text: str) -> str:
    """A text as a PHP literal that contains it as JSON."""
    return "'" + json.dumps(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def forged_box() -> str:
    """A box as the plugin writes it for a closed account, but with another attribute and an endless token."""
    options = {"onmouseover": "alert(1)", "service": "https://evil.example"}
    widget = {"account": "vault", "widget": "balance", "options": options}
    token = f"x.{encode({'exp': 1e11})}.x"
    return f'<div class="cabinet-widget-closed" data-grant="{encode(widget)}.x" data-token="{token}">A box</div>'


def encode(what: object) -> str:
    """JSON in the base64 of tokens."""
    return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")


def figures(url: str) -> Seen:
    with urllib.request.urlopen(f"{url}/w/main/balance.json", timeout=10) as response:
        data: Seen = json.load(response)["data"]
    return data


def digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:
        return str(response.read().decode())


@pytest.fixture(scope="module")
def stage(build: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    site, bare, newest = build("oldest"), build("oldest", None), build("newest")
    folder = tmp_path_factory.mktemp("service")
    shots = Path(os.environ.get("CABINET_TEST_SHOTS") or tmp_path_factory.mktemp("shots"))
    with service(folder, [site.url]) as url:
        # WordPress does not request an embed that it discovers from loopback addresses.
        (bare.content / "open-loopback").write_text(url.rpartition(":")[2])
        for one in (site, newest):
            # The welcome guide loads pictures from another machine.
            guide = "array( 'core/edit-post' => array( 'welcomeGuide' => false ), '_modified' => gmdate( 'c' ) )"
            one.eval(
                f"update_user_meta( 1, $wpdb->get_blog_prefix() . 'persisted_preferences', {guide} );"
            )
        for one in (site, bare, newest):
            one.serve()
        yield Stage(site, bare, newest, url, shots)


@pytest.fixture(scope="module")
def configured(stage: Stage) -> Seen:
    """What was seen while the owner pasted the address and a secret and tested the connection."""
    return stage.play("settings", paste=f"{stage.service}/w/main/balance")[0]


def test_the_owner_pastes_the_address_and_the_connection_test_explains_its_result(
    stage: Stage, configured: Seen
) -> None:
    assert "no requests are sent to any server" in configured["before"]
    assert configured["address"] == stage.service
    assert configured["html"] is False, "The secret is not in the page."
    first, *accounts = [notice.strip() for notice in configured["notices"]]
    assert "The service responds: version" in first
    assert accounts == ["vault: the secret is correct.", "main: the figures are available."]


@pytest.fixture(scope="module")
def editor(stage: Stage, configured: Seen) -> dict[str, Seen]:
    """What was seen in the editor, by step."""
    address = f"{stage.service}/w/main/growth"
    transforms = {
        "texts": [
            CLEAN,
            "[cabinet_widget account=“main”&nbsp;widget=“growth”]",
            *(f"[cabinet_widget account=main theme='{payload}']" for payload in HOSTILE),
        ],
        "addresses": [
            f"{address}?period=7d&token=x&for=everyone",
            *(f"{stage.service}/a/main", *OTHER_ADDRESSES),
            *(f"{address}?theme={payload}" for payload in HOSTILE),
        ],
        "labels": ["My curve", *HOSTILE, "] [cabinet_widget account=vault for=everyone"],
    }
    return {seen["step"]: seen for seen in stage.play("editor", transforms=transforms)}


def test_a_block_inserted_and_published_shows_the_figures(
    stage: Stage, editor: dict[str, Seen]
) -> None:
    inserted, block = editor["editor"], editor["block"]
    balance = digits(f"{figures(stage.service)['balance']:.2f}")
    assert balance in digits(inserted["preview"])
    assert inserted["first"]["account"] in ("main", "vault")
    assert inserted["last"]["options"] == {"theme": "light"}
    assert {"Balance", "Open trades", "Growth"} <= set(inserted["widgets"])
    assert {"main", "vault"} <= set(inserted["accounts"])
    assert balance in digits(block["text"])
    assert block["account"] == "main"
    assert block["sandbox"] == SANDBOX
    assert block["title"]
    assert block["height"] == block["reserved"] > 50
    assert block["loaders"] == 1


def test_in_the_newest_wordpress_an_owner_finds_widgets_and_sets_up_the_service_inside_a_post(
    stage: Stage,
) -> None:
    words = {
        "forex": "Balance",
        "trading": "Open trades",
        "MetaTrader": "Closed trades",
        "equity": "Balance",
        "profit": "Statistics",
        "bonus": "Bonus",
        "chart": "Growth",
        "drawdown": "Growth",
    }
    (owner,) = stage.play(
        "owner", site=stage.newest.url, words=words, paste=f"{stage.service}/w/main/growth"
    )
    assert owner["found"] == list(words)
    with urllib.request.urlopen(f"{stage.service}/embed.json", timeout=10) as response:
        assert set(owner["offered"]) == set(json.load(response)["widgets"])
    assert owner["hasPreview"]
    assert owner["icon"] == 1
    assert "Nothing accepts connections there" in owner["problem"]
    assert owner["widgets"] == ["growth", "balance", "open-trades"]
    assert owner["shown"]["height"] == owner["shown"]["reserved"]
    assert stage.newest.log() == ""


def test_controls_report_invalid_values_and_work_by_keyboard(editor: dict[str, Seen]) -> None:
    seen = editor["controls"]
    assert seen["problem"] == "A whole number from 1 to 100."
    assert seen["described"] == "true"
    assert "rows" not in seen["invalid"]["options"]
    assert seen["order"] == "The first day must not be after the last one."
    options = seen["last"]["options"]
    assert re.fullmatch("[0-9a-f]{6}", options.pop("accent"))
    assert options == {
        "rows": "5",
        "from": "2026-01-01",
        "to": "2026-06-30",
        "theme": "light",
        "lang": "fr",
        "tz": "Europe/Paris",
    }


def test_transforms_from_and_to_shortcodes_and_from_addresses(editor: dict[str, Seen]) -> None:
    seen = editor["transforms"]
    block = {"account": "main", "widget": "growth", "options": {"period": "7d"}}

    def is_block(blocks: list[Seen], expected: Seen) -> bool:
        [one] = blocks
        ours = one["name"] == "cabinet-widgets/widget"
        return ours and {**one["attributes"], **expected} == one["attributes"]

    first, second, *rest = seen["fromShortcode"]
    labelled = {**block, "label": "My <b>curve</b>"}
    assert is_block(first["blocks"], labelled)
    assert is_block(first["raw"], labelled)
    assert not second["offered"], "The server repairs it; as a block it would be wrong."
    assert [one["name"] for one in second["raw"]] == ["core/shortcode"]
    assert not any(one["offered"] for one in rest)
    embed, *other = seen["fromEmbed"]
    assert is_block(embed["blocks"], block)
    assert is_block(embed["pasted"], block)
    others = 1 + len(OTHER_ADDRESSES)
    assert not any(one["blocks"] for one in other[:others])
    for one in other[others:]:
        for converted in one["blocks"]:
            assert converted["attributes"]["options"] == {}
    written, *rest = seen["toShortcode"]
    assert written == (
        '[cabinet_widget account="main" widget="growth" label="My curve"'
        ' period="7d" tz="My curve" background="none"]'
    )
    for text in rest:
        assert text.count("[") == text.count("]") == 1
        assert "<" not in text


def test_a_page_of_another_site_cannot_read_a_token(stage: Stage, configured: Seen) -> None:
    page = fetch(stage.post(stage.site, CLOSED_FOR_EVERYONE))
    grant = re.search('data-grant="([^"]+)"', page)
    assert grant

    def ask(origin: str) -> tuple[int, dict[str, str], Any]:
        request = urllib.request.Request(
            f"{stage.site.url}/wp-json/cabinet-widgets/v1/token",
            json.dumps({"grants": [grant[1]]}).encode(),
            {"Content-Type": "application/json", "Origin": origin},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, dict(response.headers), json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), json.load(error)

    status, headers, body = ask(stage.site.url)
    assert status == 200
    assert body[0]["token"]
    assert "no-store" in headers["Cache-Control"]
    assert not [
        name
        for name in headers
        if name.startswith("Access-Control-Allow") and name.endswith(("Origin", "Credentials"))
    ]
    status, headers, body = ask("https://evil.example")
    assert status == 401
    assert "token" not in json.dumps(body)
    assert "Access-Control-Allow-Origin" not in headers


def test_a_shortcode_shows_the_figures(stage: Stage, configured: Seen) -> None:
    post = stage.post(
        stage.site, '[cabinet_widget account="main" widget="balance" label="My figures"]'
    )
    (seen,) = stage.play("pages", posts={"shortcode": post})
    assert digits(f"{figures(stage.service)['balance']:.2f}") in digits(seen["text"])
    assert seen["title"] == "My figures"
    assert seen["height"] == seen["reserved"]


def test_the_address_alone_shows_the_figures_on_a_site_with_the_plugin(
    stage: Stage, configured: Seen
) -> None:
    post = stage.post(stage.site, f"Before.\n\n{stage.service}/w/main/balance\n\nAfter.")
    (seen,) = stage.play("pages", posts={"address": post})
    assert digits(f"{figures(stage.service)['balance']:.2f}") in digits(seen["text"])
    assert seen["quotations"] == 0
    assert seen["sandbox"] == SANDBOX
    assert seen["title"]
    assert seen["height"] == seen["reserved"]
    assert seen["loaders"] == 1


def test_the_address_alone_shows_the_figures_on_a_site_without_the_plugin(stage: Stage) -> None:
    post = stage.post(stage.bare, f"Before.\n\n{stage.service}/w/main/balance\n\nAfter.")
    page = fetch(post)
    assert 'class="wp-embedded-content"' in page
    assert "token=" not in page
    (seen,) = stage.play("pages", posts={"url-without": post})
    assert digits(f"{figures(stage.service)['balance']:.2f}") in digits(seen["text"])
    assert seen["quote"] == 1, "Figures first, then the frame."
    assert seen["sandbox"] == "allow-scripts"
    assert stage.bare.log() == ""


def test_members_see_a_closed_account_on_a_cached_page(stage: Stage, configured: Seen) -> None:
    post = stage.post(
        stage.site,
        '[cabinet_widget account="vault" widget="balance"]\n\n'
        '[cabinet_widget account="vault" widget="summary" for="role:editor" lang="fr"]',
    )
    cached = fetch(post)
    assert "token=" not in cached
    assert "/w/vault/" not in cached
    box = re.search("<cabinet-widget-closed.*?</cabinet-widget-closed>", cached)
    assert box
    stranger, member, editor = stage.play(
        "members", cached=stage.store("members", cached), another=box[0]
    )
    assert (stranger["boxes"], stranger["shown"]) == (2, 0)
    assert stranger["back"] == stranger["url"], "Logging in returns to the page."
    assert "Please log in" in stranger["lines"][0]
    assert "Please log in" in stranger["added"]
    assert "not open to everyone" in stranger["lines"][1]
    balance = digits(f"{figures(stage.service)['balance']:.2f}")
    assert member["shown"] == 1
    assert balance in digits(member["texts"][0])
    assert balance in digits(member["added"])
    assert editor["shown"] == 2
    assert "Solde" in editor["texts"][1], "The locked language."


def test_an_expired_token_is_renewed_on_a_cached_page(stage: Stage, configured: Seen) -> None:
    post = stage.post(stage.site, CLOSED_FOR_EVERYONE)
    expired = stage.site.eval(
        "echo Cabinet_Widgets\\create_token( 'vault', 'balance', array(), -3600 );"
    )
    script = stage.site.root / "create_token.php"
    script.write_text(
        "<?php echo Cabinet_Widgets\\create_token( 'vault', 'balance', array(), 10 );"
    )
    page = fetch(post)
    assert page.count('data-token="') == 1
    old, none = (
        re.sub('data-token="[^"]*"', f'data-token="{token}"', page) for token in (expired, "")
    )
    renewals = {
        "stale": stage.store("stale", old),
        "slow": stage.store("slow", old),
        "running": stage.store("running", none),
    }
    create_token = ["php", str(HERE / "harness" / "site.php"), str(stage.site.root), str(script)]
    stale, slow, running = stage.play("renewal", renewals=renewals, create_token=create_token)
    balance = digits(f"{figures(stage.service)['balance']:.2f}")
    for seen in (stale, running):
        assert balance in digits(seen["text"])
        assert balance in digits(seen["after"])
        assert seen["loads"] == 1, "The frame is never loaded again for a token."
    assert stale["requests"] == slow["requests"] == 1
    assert balance in digits(slow["text"])
    assert expired not in (stale["token"], slow["token"])
    assert running["requests"] >= 2
    assert running["token"] != running["old"]


def test_a_browser_finds_no_event_handler_in_what_a_contributor_wrote(
    stage: Stage, configured: Seen
) -> None:
    names = (
        "account",
        "widget",
        "for",
        "height",
        "label",
        "theme",
        "tz",
        "title",
        "onload",
        "style",
        "srcdoc",
    )
    posts = []
    for payload in HOSTILE:
        quote = "'" if '"' in payload else '"'
        lines = [
            f"[cabinet_widget account=main widget=balance {name}={quote}{payload}{quote}]"
            for name in names
        ]
        attributes = [
            json.dumps({"account": "vault", name: payload, "options": {name: payload}})
            for name in names
        ]
        blocks = [f"<!-- wp:cabinet-widgets/widget {words} /-->" for words in attributes]
        posts.append(
            html.unescape(stage.post(stage.site, "\n\n".join(lines + blocks), "contributor"))
        )
    forged = stage.post(stage.site, forged_box() + CLOSED_FOR_EVERYONE, "author")
    *seen, by_an_author, last = stage.play("hostile", hostile=posts, forged=forged)
    assert last["ran"] == []
    assert by_an_author["handlers"] == []
    assert by_an_author["widgets"] == 2, "The real one: its box and the widget in it."
    assert len(seen) == len(HOSTILE)
    for page in seen:
        assert page["widgets"] > 7
        assert page["handlers"] == []
        assert page["scripts"] == []
