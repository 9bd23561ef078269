"""Variants of the plugin, each with one check removed; the tests have to detect every one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# What replaces a call of an escaping function.
ESCAPES = {
    "esc_html": "",
    "esc_attr": "",
    "esc_url": "",
    "esc_html__": "__",
    "esc_attr__": "__",
    "esc_html_e": "_e",
}

# Escapes without an effect, for the rule that everything printed is escaped: of what is written in
# the plugin itself, and of what wp_nonce_url() has escaped.
WITHOUT_EFFECT = ("esc_attr( $theme )", "esc_attr( $field )", "esc_url( $address )")

# The checks of what an author writes: (file, the check, its replacement).
CHECKS = (
    ("render.php", "! preg_match( SLUG, $account ) ||", ""),
    (
        "render.php",
        "! preg_match( SLUG, $widget ) || ( $known && ! isset( $known[ $widget ] ) )",
        "false",
    ),
    (
        "render.php",
        "! preg_match( '/^(everyone|members|role:[a-z0-9_-]+(,role:[a-z0-9_-]+)*)\\z/', $audience )",
        "false",
    ),
    ("render.php", "preg_match( VALUE, $value )", "'' !== $value"),
    (
        "render.php",
        "foreach ( options_of( $widget ) as $name )",
        "foreach ( array_keys( $given ) as $name )",
    ),
    (
        "render.php",
        "in_array( $given['loading'] ?? '', array( 'eager', 'lazy' ), true )",
        "isset( $given['loading'] )",
    ),
    (
        "render.php",
        "$height ? max( 40, min( 2000, $height ) ) : height_of( $widget, $options )",
        "( $given['height'] ?? '' ) ?: height_of( $widget, $options )",
    ),
    ("editor.php", "JSON_HEX_TAG | JSON_HEX_AMP", "0"),
)

# The checks of who may get a token, covered by the tests of closed accounts.
ACCESS = (
    ("token.php", "! hash_equals( seal( $body ), $seal )", "false"),
    ("token.php", "$what['until'] > time() ? $what : null", "$what"),
    ("token.php", "! $user->exists() || ! $user->roles", "false"),
    ("token.php", "array() !== array_intersect(", "array() === array_intersect("),
    ("rest.php", "! is_for( $what['for'], $user )", "false"),
    ("rest.php", "! is_readable_post( $what, $user ) ||", ""),
    ("rest.php", "! is_closed( $what['account'] )", "false"),
    ("rest.php", "|| post_password_required( $post )", ""),
    ("rest.php", "user_can( $user, 'publish_posts' ) && ", ""),
    ("rest.php", " && user_can( $user, 'edit_post', $post->ID )", ""),
    ("rest.php", "|| ! still_contains( $what, $post )", ""),
    ("rest.php", "! $user->exists()", "true"),
    ("token.php", "$what[ $name ] !== $resolved[ $name ]", "false"),
    ("token.php", '"\\n" . whole_content( $pattern, $depth - 1 )', "''"),
    ("embed.php", "is_closed( $resolved['account'] )", "false"),
    ("embed.php", "array_diff_key( $options, ", "( $options + "),
    (
        "rest.php",
        "'permission_callback' => __NAMESPACE__ . '\\is_from_here'",
        "'permission_callback' => '__return_true'",
    ),
    ("rest.php", "$request->is_json_content_type() && (", "("),
    ("rest.php", "'private, no-store'", "'public'"),
    ("render.php", "is_closed( $resolved['account'] ) && ! may_show_closed()", "false"),
    ("render.php", "is_admin() ||", ""),
    ("render.php", "is_preview() ||", ""),
    ("render.php", "&& ! is_publishers_preview()", ""),
    ("render.php", "is_preview() && current_user_can( 'publish_posts' )", "is_preview()"),
    ("render.php", "|| is_rest_request() )", ")"),
    ("rest.php", "proxy)#i'", "proxy)#'"),
    ("rest.php", "__NAMESPACE__ . '\\may_choose_service'", "'__return_true'"),
    ("rest.php", "current_user_can( 'view_site_health_checks' )", "true"),
    ("connection.php", "null === $service", "false"),
    (
        "render.php",
        "! $post || in_array( get_post_status( $post ), array( 'publish', 'private' ), true )",
        "true",
    ),
    ("render.php", "'everyone' !== $audience && ! $closed", "false"),
    ("render.php", "$everyone ? create_token(", "true ? create_token("),
    ("render.php", "! is_for( $resolved['for'], wp_get_current_user() )", "false"),
    ("settings.php", "SECRETS_OPTION === $name ? array_map", "false ? array_map"),
    ("settings.php", "! is_secret( $secret )", "false"),
    ("settings.php", "&& check_admin_referer( 'cabinet-widgets-test' )", ""),
)

# The checks that only concern a network of sites.
ACCESS_IN_NETWORK = (
    (
        "settings.php",
        "is_multisite() ? 'manage_network_options' : 'manage_options'",
        "'manage_options'",
    ),
    ("settings.php", "is_user_logged_in() && ! may_choose_service()", "false"),
    ("service.php", "! is_multisite() && '' !== service_url()", "'' !== service_url()"),
    ("service.php", "is_multisite() ? 'wp_safe_remote_get' : 'wp_remote_get'", "'wp_remote_get'"),
)


@dataclass(frozen=True)
class Mutant:
    """A file of the plugin with one check removed."""

    file: str
    line: int
    removed: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}: {self.removed}"


def without_an_escape(includes: Path) -> Iterator[Mutant]:
    """The plugin's files, each time with one escape or check of its output removed."""
    for path in sorted(includes.glob("*.php")):
        text = path.read_text()
        for found in re.finditer(rf"\b({'|'.join(ESCAPES)})\(", text):
            if text.startswith(WITHOUT_EFFECT, found.start()):
                continue
            bare = text[: found.start()] + ESCAPES[found[1]] + text[found.end() - 1 :]
            yield Mutant(path.name, _line(text, found.start()), found[1], bare)
    yield from _without(CHECKS, includes)


def without_a_check_of_access(includes: Path) -> Iterator[Mutant]:
    """The plugin's files, each time with one check of who may see or do something removed."""
    return _without(ACCESS, includes)


def without_a_check_of_access_in_a_network(includes: Path) -> Iterator[Mutant]:
    """The same for the checks that only concern a network of sites."""
    return _without(ACCESS_IN_NETWORK, includes)


def _without(checks: Iterable[tuple[str, str, str]], includes: Path) -> Iterator[Mutant]:
    for name, check, without in checks:
        text = (includes / name).read_text()
        assert text.count(check) == 1, f"{name} has {text.count(check)} times {check}"
        yield Mutant(name, _line(text, text.index(check)), check, text.replace(check, without))


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
