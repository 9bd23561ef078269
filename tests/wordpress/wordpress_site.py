"""A WordPress site for tests, built from the cache in two seconds and served by php -S."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import free_port, is_up, until
from programs import CACHE, find_program

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "wordpress-shortcode" / "cabinet-widgets"
# PHP 8.4 deprecates code of WordPress 6.4 and of PHPUnit 9.
DEPRECATED_ELSEWHERE = re.compile(
    r"PHP Deprecated: .* in (\S+/wp-includes/|\S+/wp-admin/|/usr/share/php/)"
)

CONFIG = """<?php
define( 'DB_NAME', 'wp' ); define( 'DB_USER', 'wp' ); define( 'DB_PASSWORD', 'wp' ); define( 'DB_HOST', 'localhost' );
define( 'DB_CHARSET', 'utf8mb4' ); define( 'DB_COLLATE', '' ); define( 'DB_FILE', 'wp.sqlite' );
defined( 'DB_DIR' ) || define( 'DB_DIR', '{root}/sqlite/' );
foreach ( array( 'AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE' ) as $kind ) {{
	define( "{{$kind}}_KEY", "$kind key of a test site" ); define( "{{$kind}}_SALT", "$kind salt of a test site" );
}}
define( 'WP_HOME', '{url}' ); define( 'WP_SITEURL', '{url}' );
define( 'WP_DEBUG', true ); define( 'WP_DEBUG_DISPLAY', false ); define( 'WP_DEBUG_LOG', '{root}/debug.log' );
define( 'SCRIPT_DEBUG', true ); define( 'WP_ENVIRONMENT_TYPE', 'local' ); define( 'FS_METHOD', 'direct' );
define( 'DISABLE_WP_CRON', true ); define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true ); define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
{more}
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
"""


class Site:
    """An installed WordPress with the plugin; `serve` starts its web server.

    Installing takes long, so the database of the first site is stored for the others.

    Args:
        root: An empty directory on the cache's file system, since files are linked from there
            rather than copied.
        version: The WordPress: `oldest` or `newest`, see tests/install.sh.
        plugin: The plugin's directory, or None for a site without it.
        more: PHP for wp-config.php.
    """

    def __init__(
        self, root: Path, version: str, plugin: Path | None = PLUGIN, more: str = ""
    ) -> None:
        self.root = root
        self.url = f"http://127.0.0.1:{free_port()}"
        self.server: subprocess.Popen[bytes] | None = None
        self.content = root / "wp" / "wp-content"
        wordpress = (CACHE / "wordpress" / version).resolve()
        subprocess.run(["cp", "-al", wordpress, root / "wp"], check=True)
        for name in ("mu-plugins", "plugins", "uploads", "upgrade"):
            (self.content / name).mkdir(exist_ok=True)
        shutil.copy(HERE / "harness" / "quiet.php", self.content / "mu-plugins" / "quiet.php")
        drop_in = CACHE / "sqlite-database-integration"
        sqlite = self.content / "plugins" / "sqlite-database-integration"
        shutil.copytree(drop_in, sqlite, copy_function=os.link)
        (self.content / "db.php").write_text(
            (drop_in / "db.copy")
            .read_text()
            .replace("{SQLITE_IMPLEMENTATION_FOLDER_PATH}", str(sqlite))
            .replace("{SQLITE_PLUGIN}", "sqlite-database-integration/load.php")
        )
        (root / "compiled").mkdir()
        (root / "url").write_text(self.url)
        self.configure(more)
        self._install(wordpress)
        if plugin:
            (self.content / "plugins" / "cabinet-widgets").symlink_to(plugin)
            self.eval("activate_plugin( 'cabinet-widgets/cabinet-widgets.php' );")

    def _install(self, wordpress: Path) -> None:
        """Installs WordPress, or takes the database of a site that was installed in the same way."""
        how = (HERE / "harness" / "site.php", wordpress / "wp-includes" / "version.php")
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in how)).hexdigest()
        stored = CACHE / "sites" / f"installed-{digest[:16]}"
        database = self.root / "sqlite"
        if stored.exists():
            shutil.copytree(stored, database)
            return
        database.mkdir()
        self.php("install")
        copy = Path(tempfile.mkdtemp(dir=stored.parent))
        shutil.copytree(database, copy, dirs_exist_ok=True)
        try:
            copy.rename(stored)
        except OSError:  # Another process has stored one in the meantime.
            shutil.rmtree(copy)

    def configure(self, more: str = "") -> None:
        """Writes wp-config.php, with more PHP in it."""
        config = self.root / "wp" / "wp-config.php"
        config.write_text(CONFIG.format(root=self.root, url=self.url, more=more))

    def make_network(self) -> None:
        """Turns the site into a network (in folders) of which it is the first site."""
        self.configure("define( 'WP_ALLOW_MULTISITE', true );")
        self.eval("""
            require_once ABSPATH . 'wp-admin/includes/upgrade.php';
            require_once ABSPATH . 'wp-admin/includes/network.php';
            foreach ( $wpdb->tables( 'ms_global' ) as $table => $prefixed ) { $wpdb->$table = $prefixed; }
            install_network();
            $host = parse_url( home_url(), PHP_URL_HOST ) . ':' . parse_url( home_url(), PHP_URL_PORT );
            populate_network( 1, $host, 'administrator@example.org', 'Network', '/', false );
        """)
        self.configure("""
define( 'MULTISITE', true ); define( 'SUBDOMAIN_INSTALL', false ); define( 'PATH_CURRENT_SITE', '/' );
define( 'DOMAIN_CURRENT_SITE', parse_url( WP_HOME, PHP_URL_HOST ) . ':' . parse_url( WP_HOME, PHP_URL_PORT ) );
define( 'SITE_ID_CURRENT_SITE', 1 ); define( 'BLOG_ID_CURRENT_SITE', 1 );
""")

    def php(self, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
        """Runs harness/site.php and returns what it printed."""
        done = subprocess.run(
            [*self._command(), HERE / "harness" / "site.php", self.root, *arguments],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def eval(self, code: str) -> str:
        """Runs PHP inside WordPress as an administrator and returns what it printed."""
        script = self.root / "eval.php"
        script.write_text("<?php " + code)
        return self.php(script)

    def phpunit(
        self, *arguments: str, plugin: Path = PLUGIN, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs PHPUnit in this WordPress, on a copy of its database, with a directory's plugin.

        The environment variable CABINET_TEST_PHP chooses another PHP, 7.4 or 8.4.
        """
        chosen = os.environ.get("CABINET_TEST_PHP")
        return subprocess.run(
            [
                *(webassembly(chosen) if chosen else self._command()),
                find_program("phpunit"),
                *fail_on_deprecation(),
                "-c",
                HERE / "phpunit" / "phpunit.xml",
                *arguments,
            ],
            env={
                **os.environ,
                "CABINET_TEST_SITE": str(self.root),
                "CABINET_TEST_PLUGIN": str(plugin),
                **(env or {}),
            },
            capture_output=True,
            text=True,
        )

    def _command(self) -> tuple[str, ...]:
        """PHP, which compiles each file of the site once for all processes."""
        return (
            "php",
            *("-d", "opcache.enable_cli=1", "-d", "opcache.file_cache_only=1"),
            *("-d", f"opcache.file_cache={self.root / 'compiled'}"),
        )

    def serve(self) -> None:
        """Starts the web server and waits for its first response."""
        router = HERE / "harness" / "router.php"
        address = self.url.removeprefix("http://")
        # The tests would otherwise see another site. The port was chosen before the installation.
        assert not is_up(self.url), f"another program has taken {address} in the meantime"
        with (self.root / "php.log").open("wb") as log:
            self.server = subprocess.Popen(
                [
                    "php",
                    "-d",
                    "opcache.enable_cli=1",
                    "-S",
                    address,
                    "-t",
                    self.root / "wp",
                    router,
                ],
                env={**os.environ, "PHP_CLI_SERVER_WORKERS": "4"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: is_up(f"{self.url}/wp-login.php"))

    def stop(self) -> None:
        """Ends the web server and its workers, which would outlive their parent."""
        if self.server:
            os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait()
            self.server = None

    def log(self) -> str:
        """What WordPress wrote into debug.log, without deprecations that are not the plugin's."""
        path = self.root / "debug.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return "\n".join(line for line in lines if not DEPRECATED_ELSEWHERE.search(line))


def webassembly(version: str) -> tuple[str | Path, ...]:
    """PHP of a version that this machine does not have, with the folders that the tests use."""
    used = (find_program("phpunit"), HERE, CACHE, tempfile.gettempdir())
    folders = {f"/{Path(path).parts[1]}" for path in used}
    return (
        find_program("node"),
        HERE / "harness" / "php.mjs",
        CACHE,
        version,
        ":".join(sorted(folders)),
        *("-d", "include_path=/usr/share/php"),
        *("-d", "disable_functions=shell_exec,proc_open,popen"),
    )


@functools.cache
def fail_on_deprecation() -> tuple[str, ...]:
    """Lets PHPUnit fail on what PHP deprecates: an option from version 10, phpunit.xml before."""
    printed = run([find_program("phpunit"), "--version"]).stdout
    version = re.search(r"PHPUnit (\d+)", printed)
    assert version, printed
    return ("--fail-on-deprecation",) if int(version[1]) >= 10 else ()


def run(arguments: Sequence[str | Path], **more: object) -> subprocess.CompletedProcess[str]:
    """Runs a program and returns its result, even if it failed."""
    return subprocess.run(arguments, capture_output=True, text=True, **more)  # type: ignore[call-overload, no-any-return]
