"""The plugin inside real WordPress installations: PHPUnit, and the gate against stored XSS."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from wordpress_mutants import (
    Mutant,
    without_a_check_of_access,
    without_a_check_of_access_in_a_network,
    without_an_escape,
)
from wordpress_site import PLUGIN, Site

VERSIONS = ("oldest", "newest")
SECRET = "a secret for tests of more than 32 bytes"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_plugin_works_inside_a_real_wordpress(
    plain: Callable[[str], Site], version: str
) -> None:
    done = plain(version).phpunit("--testsuite", "site")
    print(done.stderr)
    assert done.returncode == 0, done.stdout
    assert plain(version).log() == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_that_a_contributor_writes_becomes_markup(
    plain: Callable[[str], Site], version: str
) -> None:
    done = plain(version).phpunit("--testsuite", "gate")
    assert done.returncode == 0, done.stdout
    assert plain(version).log() == ""


def survivors(site: Site, tried: Iterable[Mutant], folder: Path, suite: str) -> list[str]:
    """The mutants that no test detected."""

    def lives(mutant: Mutant) -> bool:
        plugin = folder / f"{mutant.file}-{mutant.line}-{abs(hash(mutant))}" / "cabinet-widgets"
        shutil.copytree(PLUGIN, plugin)
        (plugin / "includes" / mutant.file).write_text(mutant.text)
        tests = ("--testsuite", suite, "--filter", mutant.tests)
        done = site.phpunit(*tests, "--stop-on-failure", plugin=plugin)
        assert "Tests:" in done.stdout or "OK (" in done.stdout, done.stdout + done.stderr
        return done.returncode == 0

    mutants = list(tried)
    with ThreadPoolExecutor(2) as pool:
        return [
            mutant.name
            for mutant, alive in zip(mutants, pool.map(lives, mutants), strict=True)
            if alive
        ]


def test_with_any_one_escape_or_check_removed_the_gate_fails(
    plain: Callable[[str], Site], tmp_path: Path
) -> None:
    tried = list(without_an_escape(PLUGIN / "includes"))
    assert len(tried) > 20
    assert survivors(plain("oldest"), tried, tmp_path, "gate") == []


def test_with_any_one_check_of_access_removed_a_test_fails(
    plain: Callable[[str], Site], tmp_path: Path
) -> None:
    tried = without_a_check_of_access(PLUGIN / "includes")
    assert survivors(plain("oldest"), tried, tmp_path, "site") == []


def test_with_any_one_check_of_access_in_a_network_removed_a_test_fails(
    network: Site, tmp_path: Path
) -> None:
    tried = without_a_check_of_access_in_a_network(PLUGIN / "includes")
    assert survivors(network, tried, tmp_path, "network") == []


@pytest.fixture(scope="module")
def network(build: Callable[..., Site]) -> Site:
    site = build("oldest", None)
    site.make_network()
    (site.root / "debug.log").unlink(missing_ok=True)  # WordPress's own installer causes notices.
    return site


def test_in_a_network_the_sites_are_separate(network: Site) -> None:
    done = network.phpunit("--testsuite", "network")
    assert done.returncode == 0, done.stdout
    assert [
        line
        for line in network.log().splitlines()
        if "/wp/wp-includes/ms-functions.php" not in line
    ] == []


def test_other_programs_accept_the_plugins_tokens(build: Callable[..., Site]) -> None:
    site = build("oldest")
    new, old = "n" * 32, "o" * 32
    before = int(time.time())  # noqa: TID251  # WordPress uses the real clock
    site.eval(
        "update_option( 'cabinet_widgets_embed_secrets',"
        f" array( 'vault' => '{SECRET}', 'turned' => '{new}, {old}', 'accents' => 'é{'x' * 31}' ) );"
    )
    created = json.loads(
        site.eval(
            "echo json_encode( array("
            " 'vault' => Cabinet_Widgets\\create_token( 'vault', 'balance', array("
            " 'lang' => 'fr', 'title' => '0', 'tz' => 'Europe/Paris' ) ),"
            " 'turned' => Cabinet_Widgets\\create_token( 'turned', 'open-trades', array() ),"
            " 'accents' => Cabinet_Widgets\\create_token( 'accents', 'growth', array(), 60 ) ) );"
        )
    )
    after = int(time.time())  # noqa: TID251
    claims = jwt.decode(created["vault"], SECRET, ["HS256"], options={"require": ["exp", "sub"]})
    assert claims["sub"] == "vault/balance"
    assert claims["params"] == {"lang": "fr", "title": "0", "tz": "Europe/Paris"}
    assert before <= claims["exp"] - 600 <= after
    assert jwt.decode(created["turned"], new, ["HS256"])["params"] == {}
    accents = jwt.decode(created["accents"], f"é{'x' * 31}", ["HS256"])
    assert before <= accents["exp"] - 60 <= after
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(created["turned"], old, ["HS256"])
