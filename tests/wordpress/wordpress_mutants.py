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

# The tests that have to detect a missing escape in each file; all of them would take longer.
TESTS_OF_ESCAPES = {
    "connection.php": "settings_page",
    "editor.php": "editors_data",
    "health.php": "settings_page",
    "render.php": ".",
    "settings.php": "settings_page",
}

# The checks of what an author writes: (file, the check, its replacement, the tests that have to
# detect it).
CHECKS = (
    (
        "render.php",
        "! preg_match( SLUG, $account ) ||",
        "",
        ".",
    ),
    (
        "render.php",
        "! preg_match( SLUG, $widget ) || ( $known && ! isset( $known[ $widget ] ) )",
        "false",
        ".",
    ),
    (
        "render.php",
        "! preg_match( '/^(everyone|members|role:[a-z0-9_-]+(,role:[a-z0-9_-]+)*)\\z/', $audience )",
        "false",
        ".",
    ),
    (
        "render.php",
        "preg_match( VALUE, $value )",
        "'' !== $value",
        ".",
    ),
    (
        "render.php",
        "foreach ( options_of( $widget ) as $name )",
        "foreach ( array_keys( $given ) as $name )",
        ".",
    ),
    (
        "render.php",
        "in_array( $given['loading'] ?? '', array( 'eager', 'lazy' ), true )",
        "isset( $given['loading'] )",
        ".",
    ),
    (
        "render.php",
        "$height ? max( 40, min( 2000, $height ) ) : height_of( $widget, $options )",
        "( $given['height'] ?? '' ) ?: height_of( $widget, $options )",
        ".",
    ),
    (
        "editor.php",
        "JSON_HEX_TAG | JSON_HEX_AMP",
        "0",
        "editors_data",
    ),
)

# The checks of who may get a token, covered by the tests of closed accounts.
ACCESS = (
    (
        "token.php",
        "! hash_equals( seal( $body ), $seal )",
        "false",
        "test_a_modified_grant_is_invalid",
    ),
    (
        "token.php",
        "$what['until'] > time() ? $what : null",
        "$what",
        "test_a_grant_expires_after_a_week",
    ),
    (
        "token.php",
        "! $user->exists() || ! $user->roles",
        "false",
        "test_only_the_visitors_named_in_the_shortcode_get_a_token",
    ),
    (
        "token.php",
        "array() !== array_intersect(",
        "array() === array_intersect(",
        "test_only_the_visitors_named_in_the_shortcode_get_a_token",
    ),
    (
        "rest.php",
        "! is_for( $what['for'], $user )",
        "false",
        "test_only_the_visitors_named_in_the_shortcode_get_a_token",
    ),
    (
        "rest.php",
        "! is_readable_post( $what, $user ) ||",
        "",
        "test_the_widgets_of_a_withdrawn_post_get_no_tokens",
    ),
    (
        "rest.php",
        "! is_closed( $what['account'] )",
        "false",
        "test_without_the_secret_there_are_no_more_tokens",
    ),
    (
        "rest.php",
        "|| post_password_required( $post )",
        "",
        "test_the_widgets_of_a_withdrawn_post_get_no_tokens",
    ),
    (
        "rest.php",
        "user_can( $user, 'publish_posts' ) && ",
        "",
        "test_a_preview_shows_a_widget_that_is_not_stored_yet_to_those_who_may_publish_it",
    ),
    (
        "rest.php",
        " && user_can( $user, 'edit_post', $post->ID )",
        "",
        "test_a_preview_shows_a_widget_that_is_not_stored_yet_to_those_who_may_publish_it",
    ),
    (
        "rest.php",
        "|| ! still_contains( $what, $post )",
        "",
        "test_a_widget_that_was_removed_from_its_post_gets_no_tokens",
    ),
    (
        "rest.php",
        "! $user->exists()",
        "true",
        "test_only_a_visitor_who_is_not_logged_in_gets_a_link_to_log_in",
    ),
    (
        "token.php",
        "$what[ $name ] !== $resolved[ $name ]",
        "false",
        "test_a_widget_that_was_removed_from_its_post_gets_no_tokens",
    ),
    (
        "token.php",
        '"\\n" . whole_content( $pattern, $depth - 1 )',
        "''",
        "test_a_widget_that_was_removed_from_a_synced_pattern_gets_no_tokens",
    ),
    (
        "embed.php",
        "is_closed( $resolved['account'] )",
        "false",
        "test_the_editors_preview_of_an_address_is_cached_without_a_token",
    ),
    (
        "embed.php",
        "array_diff_key( $options, ",
        "( $options + ",
        "test_the_address_of_a_widget_alone_on_a_line_becomes_the_same_element_as_a_shortcode",
    ),
    (
        "rest.php",
        "'permission_callback' => __NAMESPACE__ . '\\is_from_here'",
        "'permission_callback' => '__return_true'",
        "test_a_page_of_another_site_gets_nothing",
    ),
    (
        "rest.php",
        "$request->is_json_content_type() && (",
        "(",
        "test_a_script_element_of_another_site_gets_nothing",
    ),
    (
        "rest.php",
        "'private, no-store'",
        "'public'",
        "test_responses_with_tokens_are_not_stored",
    ),
    (
        "render.php",
        "is_closed( $resolved['account'] ) && ! may_show_closed()",
        "false",
        "test_a_contributor_cannot_see_a_closed_account_in_a_draft",
    ),
    (
        "render.php",
        "is_admin() ||",
        "",
        "test_nor_inside_a_block_that_makes_a_published_post_the_current_one",
    ),
    (
        "render.php",
        "is_preview() ||",
        "",
        "test_nor_inside_a_block_that_makes_a_published_post_the_current_one",
    ),
    (
        "render.php",
        "&& ! is_publishers_preview()",
        "",
        "test_a_preview_shows_a_widget_that_is_not_stored_yet_to_those_who_may_publish_it",
    ),
    (
        "render.php",
        "is_preview() && current_user_can( 'publish_posts' )",
        "is_preview()",
        "test_a_visitor_who_adds_preview_to_the_address_sees_the_page_as_it_is",
    ),
    (
        "render.php",
        "|| is_rest_request() )",
        ")",
        "test_nor_inside_a_block_that_makes_a_published_post_the_current_one",
    ),
    (
        "rest.php",
        "proxy)#i'",
        "proxy)#'",
        "test_nor_by_a_route_in_capital_letters",
    ),
    (
        "rest.php",
        "__NAMESPACE__ . '\\may_choose_service'",
        "'__return_true'",
        "test_only_an_administrator_may_set_up_the_service",
    ),
    (
        "rest.php",
        "current_user_can( 'view_site_health_checks' )",
        "true",
        "test_only_those_who_see_site_health_may_run_the_test",
    ),
    (
        "connection.php",
        "null === $service",
        "false",
        "test_an_address_that_does_not_work_is_not_stored",
    ),
    (
        "render.php",
        "! $post || in_array( get_post_status( $post ), array( 'publish', 'private' ), true )",
        "true",
        "test_nor_as_a_reader_who_is_shown_a_draft",
    ),
    (
        "render.php",
        "'everyone' !== $audience && ! $closed",
        "false",
        "test_a_mistake_is_shown_only_to_those_who_can_fix_it",
    ),
    (
        "render.php",
        "$everyone ? create_token(",
        "true ? create_token(",
        "test_a_page_that_is_not_for_everyone_contains_no_token_for_any_visitor",
    ),
    (
        "render.php",
        "! is_for( $resolved['for'], wp_get_current_user() )",
        "false",
        "test_the_editors_preview_respects_for",
    ),
    (
        "settings.php",
        "SECRETS_OPTION === $name ? array_map",
        "false ? array_map",
        "test_over_rest_secrets_are_written_and_never_read",
    ),
    (
        "settings.php",
        "! is_secret( $secret )",
        "false",
        "test_a_secret_that_is_too_short_is_refused_and_the_old_one_remains",
    ),
    (
        "settings.php",
        "&& check_admin_referer( 'cabinet-widgets-test' )",
        "",
        "test_the_connection_is_tested_with_a_nonce_only",
    ),
)

# The checks that only concern a network of sites.
ACCESS_IN_NETWORK = (
    (
        "settings.php",
        "is_multisite() ? 'manage_network_options' : 'manage_options'",
        "'manage_options'",
        "test_only_an_administrator_of_the_network_chooses_the_service_since_pages_load_its_script",
    ),
    (
        "settings.php",
        "is_user_logged_in() && ! may_choose_service()",
        "false",
        "test_only_an_administrator_of_the_network_chooses_the_service_since_pages_load_its_script",
    ),
    (
        "service.php",
        "! is_multisite() && '' !== service_url()",
        "'' !== service_url()",
        "test_the_administrator_of_a_site_cannot_request_private_addresses",
    ),
    (
        "service.php",
        "is_multisite() ? 'wp_safe_remote_get' : 'wp_remote_get'",
        "'wp_remote_get'",
        "test_the_administrator_of_a_site_cannot_request_private_addresses",
    ),
)


@dataclass(frozen=True)
class Mutant:
    """A file of the plugin with one check removed.

    Attributes:
        tests: a pattern for the names of the tests that have to detect it.
    """

    file: str
    line: int
    removed: str
    text: str
    tests: str

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
            tests = TESTS_OF_ESCAPES[path.name]
            yield Mutant(path.name, _line(text, found.start()), found[1], bare, tests)
    yield from _without(CHECKS, includes)


def without_a_check_of_access(includes: Path) -> Iterator[Mutant]:
    """The plugin's files, each time with one check of who may see or do something removed."""
    return _without(ACCESS, includes)


def without_a_check_of_access_in_a_network(includes: Path) -> Iterator[Mutant]:
    """The same for the checks that only concern a network of sites."""
    return _without(ACCESS_IN_NETWORK, includes)


def _without(checks: Iterable[tuple[str, str, str, str]], includes: Path) -> Iterator[Mutant]:
    for name, check, without, tests in checks:
        text = (includes / name).read_text()
        assert text.count(check) == 1, f"{name} has {text.count(check)} times {check}"
        line = _line(text, text.index(check))
        yield Mutant(name, line, check, text.replace(check, without), tests)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
