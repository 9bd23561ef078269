"""The documentation against the code: it contains everything that exists, and invents nothing."""

import ast
import json
import re
from pathlib import Path

import click
import pytest
import test_faults
from accounts import WIDGETS
from babel import Locale
from documents import (
    ALL,
    CONTRIBUTING,
    DOCS,
    FOR_USERS,
    README,
    ROOT,
    anchors,
    code,
    links,
    read,
    section,
    table,
    without_code_blocks,
)
from pydantic import BaseModel
from werkzeug.http import HTTP_STATUS_CODES

from widget import cli, config, errors, names, paths
from widget.config import DEFAULT_TTL_SECONDS, TTL_SECONDS, variables
from widget.names import FUNCTIONS
from widget.render import i18n
from widget.widgets.base import Widget
from widget.widgets.options import (
    BACKGROUNDS,
    COMMON_OPTIONS,
    PERIODS,
    PICTURE_OPTIONS,
    THEMES,
)

# -- The documents themselves ---------------------------------------------------------------------


def test_the_readme_is_neither_too_short_nor_too_long() -> None:
    assert 150 <= len(read(README).splitlines()) <= 200


@pytest.mark.parametrize("document", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match("https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "# The `[api]` table, and more\n"
        "[a](gone.md) ![b](#the-api-table-and-more)\n"
        "    [c](code.md)\n"
    )
    assert list(links(document)) == ["gone.md", "#the-api-table-and-more"]
    assert anchors(document) == {"the-api-table-and-more"}


def test_links_and_headings_are_not_looked_for_in_code() -> None:
    assert without_code_blocks("a\n```sh\n# no heading\n```\n    [no](link)\nb\n").split() == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("document", FOR_USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_users_read_names_no_test(document: Path) -> None:
    assert not re.search(r"\btest_\w|tests/", read(document))


def test_the_readme_leads_to_every_document() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}
    assert {*FOR_USERS, CONTRIBUTING} - {README} <= linked


@pytest.mark.parametrize(
    ("document", "folder"), [("deployment.md", "deploy"), ("operations.md", "monitoring")]
)
def test_every_file_to_copy_is_explained(document: str, folder: str) -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / document)}
    assert set((DOCS / folder).iterdir()) <= linked


def test_the_gallery_has_every_widget_light_and_dark_and_nothing_else() -> None:
    gallery = DOCS / "gallery"
    expected = {f"{name}-{theme}.png" for name in WIDGETS for theme in ("light", "dark")} | {
        "studio.png"
    }
    assert set(links(gallery / "README.md")) == expected
    assert {path.name for path in gallery.glob("*.png")} == expected


# -- Commands and configuration -------------------------------------------------------------------

CONFIGURATION = DOCS / "configuration.md"


def test_every_command_is_documented_with_its_options() -> None:
    documented = {}
    for usage, _ in table(CONFIGURATION, "Commands", "command", "what it does"):
        [text] = code(usage)
        documented[text.split()[1]] = set(re.findall(r"--[\w-]+", text))
    expected = {
        name: {option.opts[0] for option in command.params if isinstance(option, click.Option)}
        for name, command in cli.main.commands.items()
    }
    assert documented == expected


def test_every_form_of_the_snippet_is_documented() -> None:
    [form] = [option for option in cli.main.commands["snippet"].params if option.name == "form"]
    assert isinstance(form.type, click.Choice)
    assert set(form.type.choices) <= set(code(section(CONFIGURATION, "Commands")))


def documented_key(name: str) -> str:
    """How a field of the settings is written in the file."""
    return f"{name}_env" if name in config.SECRET_KEYS and name != "redis_url" else name


@pytest.mark.parametrize(
    ("heading", "settings"),
    [
        ("`[server]`", config.Server),
        ("`[cache]`", config.Cache),
        ("`[api]`", config.Api),
        ("`[accounts.NAME]`", config.Account),
    ],
)
def test_every_key_is_documented_with_its_default(heading: str, settings: type[BaseModel]) -> None:
    rows = table(CONFIGURATION, heading, "key", "default", "meaning")
    documented = {key.strip("`"): default.strip("`") for key, default, _ in rows}
    fields = {
        documented_key(name): field
        for name, field in settings.model_fields.items()
        if name != "slug"
    }
    assert documented.keys() == fields.keys()
    for key, default in documented.items():
        actual = fields[key].get_default()
        is_plain = isinstance(actual, bool | int | float | str) or key in ("dir", "timezone")
        text = str(actual).lower() if isinstance(actual, bool) else str(actual)
        assert default == (text if is_plain else ""), key


def test_every_variable_that_replaces_a_file_is_documented() -> None:
    rows = table(CONFIGURATION, "Without a file", "variable", "key that it stands for")
    documented = {name.strip("`"): meaning for name, meaning in rows}
    assert documented.keys() == variables.VARIABLES.keys()
    for name, key in variables.VARIABLES.items():
        # The password is in the variable itself, unlike in the file.
        assert key.endswith("password_env") or documented[name].startswith(f"`{key}`")


def test_every_function_is_documented_and_how_long_its_figures_count_as_fresh() -> None:
    api = set(code(section(CONFIGURATION, "`[api]`")))
    assert set(FUNCTIONS) <= api
    text = " ".join(section(CONFIGURATION, "`[accounts.NAME]`").split())
    for function, seconds in TTL_SECONDS.items():
        assert re.search(rf"{seconds:g}( seconds)? for [^.]*?`{function}`", text), function
    assert f"{DEFAULT_TTL_SECONDS:g} for all other functions" in text


def test_every_key_of_the_file_that_init_writes_exists() -> None:
    text = (paths.templates() / "widgets.toml").read_text(encoding="utf-8")
    keys = set(re.findall(r"(?m)^(?:# )?(\w+) = ", text))
    assert keys <= set(code(read(CONFIGURATION))) | set(FUNCTIONS)


# -- Widgets, options, languages ------------------------------------------------------------------

EMBEDDING = DOCS / "embedding.md"


def test_the_readme_shows_every_widget() -> None:
    rows = table(README, "Widgets", "widget", "what it shows")
    assert {name.strip("`") for name, _ in rows} == set(WIDGETS)


def test_what_is_not_enabled_by_default_says_so() -> None:
    for name, text in table(README, "Widgets", "widget", "what it shows"):
        assert ("not enabled by default" in text) == (not WIDGETS[name.strip("`")].by_default), name


def options_of(widget: Widget) -> set[str]:
    """The options that a widget has besides the common ones."""
    return set(widget.all_options) - set(COMMON_OPTIONS)


def test_every_option_is_documented_for_the_widgets_that_have_it() -> None:
    common = table(EMBEDDING, "Options", "option", "values", "without it")
    assert [option.strip("`") for option, _, _ in common] == list(COMMON_OPTIONS)
    documented: dict[str, set[str]] = {}
    for options, _, _, widgets in table(
        EMBEDDING, "Options", "option", "values", "without it", "widgets"
    ):
        for option in code(options):
            documented[option] = (
                documented["period"] if widgets.startswith("the same") else set(code(widgets))
            )
    for name, widget in WIDGETS.items():
        assert {option for option, widgets in documented.items() if name in widgets} == options_of(
            widget
        ), name
    assert set().union(*documented.values()) <= set(WIDGETS)


def test_every_option_of_pictures_and_every_widget_with_a_picture_is_documented() -> None:
    rows = table(EMBEDDING, "Pictures", "option", "values", "without it")
    assert {option.strip("`") for option, _, _ in rows} == set(PICTURE_OPTIONS)
    first_paragraph = section(EMBEDDING, "Pictures").strip().partition("\n\n")[0]
    assert {name for name in code(first_paragraph) if "/" not in name} == {
        name for name, widget in WIDGETS.items() if widget.picture
    }


def test_every_attribute_of_the_tag_is_documented() -> None:
    loader = (paths.static() / "embed.js").read_text(encoding="utf-8")
    names = set(re.findall(r'get\("(\w+)"\)', loader))
    assert {"account", "service"} <= names
    assert names <= set(code(section(EMBEDDING, "The script tag") + section(EMBEDDING, "Options")))


def test_the_types_for_typescript_and_editors_have_every_widget_attribute_and_event() -> None:
    types = read(paths.static() / "embed.d.ts")
    [module] = json.loads(read(paths.static() / "custom-elements.json"))["modules"]
    [element] = module["declarations"]
    attributes = {entry["name"]: entry["type"]["text"] for entry in element["attributes"]}
    read_by_loader = set(re.findall(r'get\("(\w+)"\)', read(paths.static() / "embed.js")))
    options = {option for widget in WIDGETS.values() for option in widget.all_options}
    assert set(attributes) >= read_by_loader | options
    interface = types.partition("interface CabinetWidgetAttributes {")[2].partition("\n}")[0]
    declared = dict(re.findall(r"^  (\w+)\??: (.+);$", interface, re.MULTILINE))
    choices = {"theme": THEMES, "background": BACKGROUNDS, "period": PERIODS}
    for name, values in choices.items():
        assert attributes[name] == " | ".join(f'"{value}"' for value in values), name
    widgets = re.findall(r'^  \| "([\w-]+)"', types, re.MULTILINE)
    assert set(widgets) >= set(WIDGETS)
    assert attributes.pop("widget") == " | ".join(f'"{name}"' for name in widgets)
    assert declared.pop("widget") == "CabinetWidgetName"
    assert declared == attributes
    events = [event.strip("`") for event, _ in table(EMBEDDING, "Events", "event", "when")]
    assert [event["name"] for event in element["events"]] == events
    assert re.findall(r'"(cabinet-widget:\w+)"', types) == events


@pytest.mark.parametrize("document", [README, EMBEDDING], ids=lambda path: path.name)
def test_every_language_is_listed(document: Path) -> None:
    for language in i18n.load_catalogues(paths.locales()).languages:
        assert str(Locale(language).get_language_name("en")) in read(document), language


# -- JSON and errors ------------------------------------------------------------------------------

HTTP = DOCS / "http.md"


def test_every_figure_is_documented() -> None:
    assert set(code(section(HTTP, "JSON"))) >= names.FIGURES


def test_every_error_code_is_documented_with_its_status() -> None:
    rows = table(HTTP, "Errors", "status", "code", "meaning")
    documented = {name.strip("`"): int(status) for status, name, _ in rows}
    expected = {}
    pending = [errors.CabinetError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind is not errors.UpstreamError:  # never raised itself
            expected[kind.code] = kind.status
    for status in (405, 413, 501):
        error = errors.RequestError(status, HTTP_STATUS_CODES[status])
        expected[error.code] = status
    assert documented == expected


# -- Faults and threats: what the documentation promises, and the tests of it ---------------------

TESTS_OF_FAULTS = {
    "the API refuses connections": [
        "test_an_api_may[refuse_connections]",
    ],
    "the API resets connections": [
        "test_an_api_may[reset_connections]",
    ],
    "the API accepts connections and never responds": [
        "test_an_api_may[never_respond]",
    ],
    "the API sends its headers very slowly": [
        "test_an_api_may[drip_its_headers]",
    ],
    "the API sends its response very slowly": [
        "test_an_api_may[drip_its_response]",
    ],
    "the response is cut short": [
        "test_an_api_may[cut_its_response_short]",
    ],
    "the response is many megabytes long": [
        "test_an_api_may[send_many_megabytes]",
    ],
    "the response is compressed, and far too long when unpacked": [
        "test_an_api_may[send_a_zip_bomb]",
    ],
    "an HTML error page with status 200": [
        "test_an_api_may[send_an_error_page_with_status_200]",
    ],
    "a response that is not JSON": [
        "test_an_api_may[send_garbage]",
    ],
    "the API asks to wait (429 with `Retry-After`)": [
        "test_an_api_may[ask_to_wait]",
    ],
    "the API responds with 500 to 599": [
        "test_an_api_may[respond_with_500]",
    ],
    "the API redirects to another host": [
        "test_an_api_may[redirect_to_another_host]",
    ],
    "the API's token expires between two calls": [
        "test_nobody_notices_a_token_that_expires_during_a_call",
    ],
    "the API refuses the account": [
        "test_an_api_may[refuse_the_account]",
    ],
    "the API renames its fields": [
        "test_an_api_may[rename_its_fields_overnight]",
    ],
    "the API's name cannot be resolved": [
        "test_an_api_may[have_no_address]",
    ],
    "the name server does not respond": [
        "test_an_api_may[have_a_name_server_that_hangs]",
    ],
    "the API's certificate is not trusted": [
        "test_an_api_may[present_another_certificate]",
    ],
    "one function hangs, the figures of another are cached": [
        "test_nobody_waits_for_a_cached_widget_while_others_wait_for_one_that_is_not_cached",
    ],
    "the clock jumps forward or back": [
        "test_a_clock_may_jump_and_jump_back",
    ],
    "Redis fails": [
        "test_machines_and_redis_may_go_and_come_back_under_load",
        "test_nobody_waits_for_a_redis_that_hangs_if_a_value_is_cached",
    ],
    "the disk is full": [
        "test_a_disk_may_be_full_and_then_not",
    ],
    "cached files are damaged": [
        "test_cache_files_may_be_corrupt",
    ],
    "the folder of the cache is missing": [
        "test_the_folder_of_the_cache_may_be_gone",
    ],
    "a worker is killed during a refresh": [
        "test_a_worker_may_be_killed_in_the_middle_of_a_refresh",
    ],
    "too many pictures are requested at the same time": [
        "test_too_many_pictures_get_503_with_retry_after_and_a_picture_of_the_message",
        "test_a_picture_waits_a_limited_time_for_those_before_it",
    ],
    "the process that draws pictures is killed": [
        "test_if_the_process_dies_the_next_picture_gets_another_one",
    ],
    "a worker dies again and again": [
        "test_workers_that_die_again_and_again_are_started_again",
    ],
    "the main process is killed": [
        "test_if_the_main_process_is_killed_its_workers_end_and_free_the_port",
    ],
    "SIGHUP while `widgets.toml` has mistakes": [
        "test_sighup_with_an_invalid_file_is_one_line_in_the_log_and_changes_nothing",
    ],
    "SIGTERM under load": [
        "test_sigterm_under_load_cuts_off_no_request",
    ],
    "a machine behind a load balancer is stopped or killed": [
        "test_machines_and_redis_may_go_and_come_back_under_load",
    ],
    "visitors disconnect while they wait": [
        "test_clients_may_vanish_while_they_wait",
    ],
    "500 idle connections": [
        "test_500_clients_may[send_nothing]",
    ],
    "500 clients that stop within the headers": [
        "test_500_clients_may[stop_in_the_headers]",
    ],
    "500 clients that stop within the body": [
        "test_500_clients_may[stop_in_the_body]",
    ],
}
"""Each fault of docs/operations.md, and the tests of it."""

TESTS_OF_THREATS = {
    "A closed account is seen without a password or token": [
        "test_a_closed_account_reveals_nothing_without_a_credential",
    ],
    "Accounts and widgets are discovered by trying names": [
        "test_the_three_kinds_of_not_found_cannot_be_told_apart",
    ],
    "A token is forged or changed": [
        "test_the_algorithm_is_fixed",
        "test_no_flipped_byte_goes_unnoticed",
        "test_each_of_several_secrets_must_be_long_enough",
    ],
    "A token is used for another widget, or forever": [
        "test_a_token_for_something_else_or_without_its_claims_is_refused",
        "test_a_token_may_expire_a_day_from_now_and_no_later",
    ],
    "The locked options of a token are changed": [
        "test_options_that_a_token_locks_cannot_be_changed_by_the_url",
        "test_what_a_token_for_the_account_locks_applies_to_the_widgets_that_have_the_option",
        "test_a_token_of_a_site_is_not_renewed_by_the_service",
    ],
    "The token of a password form is read by the host page": [
        "test_the_password_in_one_widget_opens_all_widgets_of_its_account_on_the_page",
        "test_the_password_entered_on_one_site_opens_nothing_on_another",
    ],
    "A viewer password is guessed": [
        "test_ten_wrong_passwords_a_minute_then_not_even_the_right_one",
        "test_parallel_attempts_are_no_more_than_ten",
        "test_ipv6_addresses_are_counted_by_network",
        "test_attempts_are_counted_while_redis_fails",
        "test_ten_attempts_a_minute_are_allowed_however_many_workers_there_are_and_die",
        "test_sixty_wrong_passwords_a_minute_for_an_account_whatever_their_addresses",
    ],
    "Password checks use up memory or threads": [
        "test_two_passwords_are_checked_at_once_and_few_requests_wait",
    ],
    "Many addresses push the popular pages out of the response cache": [
        "test_urls_that_are_requested_once_do_not_displace_one_that_is_requested_often",
        "test_urls_with_the_same_response_share_an_entry",
    ],
    "Control characters or floods of messages get into the log": [
        "test_a_line_has_no_character_that_a_terminal_could_obey",
        "test_equal_messages_are_counted_instead_of_repeated",
    ],
    "The studio's password is guessed": [
        "test_outside_of_the_demo_the_studio_requires_its_password_and_allows_ten_attempts",
    ],
    "Access outlives a changed password": [
        "test_a_new_viewer_password_invalidates_tokens_of_the_old_one",
        "test_an_unlocked_page_has_a_token_for_an_hour_and_renews_it_for_half_a_day",
    ],
    "An address is forged to get into an allowed network, or past the limit": [
        "test_headers_do_not_bypass_networks",
        "test_nothing_that_a_visitor_sends_changes_the_visitors_address",
        "test_behind_a_proxy_headers_with_an_underscore_do_not_set_the_address",
    ],
    "A hidden figure appears in another form": [
        "test_what_is_hidden_is_in_no_form_of_any_widget",
    ],
    "A hidden figure is calculated from others": [
        "test_figures_have_their_published_decimals",
        "test_no_two_figures_that_are_published_add_up_to_one_that_is_hidden",
        "test_a_gain_is_not_published_with_only_one_of_profit_and_balance",
    ],
    "Trades are copied as they happen": [
        "test_whatever_changes_at_any_time_is_displayed_as_it_was_and_not_before_the_delay",
        "test_a_position_that_was_just_closed_is_still_open_for_visitors",
    ],
    "Names, postal addresses or the login number leak": [
        "test_names_and_addresses_of_people_and_the_login_are_in_no_form",
    ],
    "A cache hands private responses to others": [
        "test_public_responses_may_be_stored_and_read_by_anybody_and_private_ones_by_nobody",
        "test_the_response_cache_serves_nobody_a_response_made_for_another",
    ],
    "A site embeds a widget that it should not": [
        "test_frame_ancestors_are_set_for_each_account",
    ],
    "Another page or frame controls a widget": [
        "test_messages_from_other_frames_change_nothing",
    ],
    "The broker's data contain a script": [
        "test_no_text_of_the_upstream_becomes_markup",
        "test_every_response_has_the_security_headers_for_every_method",
    ],
    "A request breaks the service, or is reflected": [
        "test_a_tag_of_a_great_many_subtags_costs_no_more_than_a_short_one",
        "test_ten_thousand_hostile_requests_are_handled",
        "test_a_repeated_or_unknown_option_is_not_echoed",
    ],
    "Invented dates flood the API": [
        "test_dates_that_visitors_choose_cost_few_calls_and_named_periods_still_work",
    ],
    "Links lead to a host that the request invented": [
        "test_the_host_of_a_request_is_not_trusted",
    ],
    "The API's responses are huge, or lead elsewhere": [
        "test_a_redirect_is_never_followed",
        "test_a_body_of_many_megabytes_is_not_read_to_its_end",
    ],
    "Passwords are intercepted": [
        "test_other_base_urls_are_refused",
    ],
    "Secrets appear in logs, errors or caches": [
        "test_no_secret_is_in_any_output",
        "test_check_prints_no_secret",
        "test_the_commands_that_call_no_api_print_no_secret",
    ],
    "Files with secrets are read": [
        "test_a_world_readable_file_with_a_password_causes_a_warning",
        "test_a_secret_file_that_other_users_can_read_causes_a_warning",
    ],
    "The cache's folder is written to, to run code": [
        "test_a_cache_folder_that_is_writable_by_others_is_refused",
    ],
}
"""Each threat of docs/security.md, and the tests of what prevents it."""

FAULT_COLUMNS = (
    "what fails",
    "visitors see, if nothing is cached",
    "they wait",
    "the log says",
    "it recovers",
)
CASES = {"test_an_api_may": set(test_faults.MAY), "test_500_clients_may": set(test_faults.SLOW)}


def defined_tests() -> set[str]:
    """The names of all test functions there are."""
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def faults() -> dict[str, list[str]]:
    """The rows of the fault table, by what fails."""
    return {
        row[0]: row[1:]
        for row in table(DOCS / "operations.md", "When something fails", *FAULT_COLUMNS)
    }


def test_every_fault_that_is_documented_has_a_test_and_the_other_way_round() -> None:
    assert list(faults()) == list(TESTS_OF_FAULTS)
    named = [test for tests in TESTS_OF_FAULTS.values() for test in tests]
    names = {test.partition("[")[0] for test in named}
    assert names <= defined_tests()
    assert {name for name in vars(test_faults) if name.startswith("test_")} <= names
    for name, cases in CASES.items():
        assert {test for test in named if test.startswith(f"{name}[")} == {
            f"{name}[{case}]" for case in cases
        }


def faults_of_the_api() -> list[tuple[str, str]]:
    """The faults that test_an_api_may covers, each with the name of its case."""
    return [
        (fault, test.partition("[")[2].rstrip("]"))
        for fault, tests in TESTS_OF_FAULTS.items()
        for test in tests
        if test.startswith("test_an_api_may[")
    ]


@pytest.mark.parametrize(("fault", "case"), faults_of_the_api())
def test_the_documented_status_and_log_of_a_fault_are_those_that_its_test_expects(
    fault: str, case: str
) -> None:
    _, status, log = test_faults.MAY[case]
    visitors_see, _, log_says, _ = faults()[fault]
    assert visitors_see == f"card, {status}"
    for message in code(log_says):
        pattern = ".*".join(map(re.escape, message.strip("… ").split("…")))
        assert re.search(pattern, log), message


MESSAGES_OF_OTHER_PROGRAMS = {
    "Unexpected exit from worker-…",
    "Shutting down",
    "connect() failed",
}


def test_the_documented_log_of_every_other_fault_is_one_of_the_code() -> None:
    known = [log for _, _, log in test_faults.MAY.values()]
    modules = ("data/cache", "render/painter", "supervisor")
    known += [(PACKAGE / f"{module}.py").read_text(encoding="utf-8") for module in modules]
    quoted = {message for _, _, log_says, _ in faults().values() for message in code(log_says)}
    for message in quoted - MESSAGES_OF_OTHER_PROGRAMS:
        text = re.sub(r"^cache: \S+", "cache: %s", message).strip("… ")
        pattern = ".*".join(map(re.escape, text.split("…")))
        assert any(re.search(pattern, log) for log in known), message


def test_every_threat_that_is_documented_has_a_test() -> None:
    rows = table(DOCS / "security.md", "Threats", "threat", "from whom", "what prevents it")
    assert [threat for threat, _, _ in rows] == list(TESTS_OF_THREATS)
    named = {test for tests in TESTS_OF_THREATS.values() for test in tests}
    assert named <= defined_tests()


# -- For those who change the code

PACKAGE = ROOT / "widget"


def test_every_make_command_is_explained() -> None:
    rows = table(CONTRIBUTING, "Running the tests", "command", "what it does")
    documented = {command.strip("`").removeprefix("make ") for command, _ in rows}
    commands = set(re.findall(r"(?m)^([a-z-]+):.*## ", read(ROOT / "Makefile")))
    assert documented == commands


def test_the_map_of_the_code_is_complete() -> None:
    heading = "How the code is organized"
    documented = {
        "".join(code(folder)) + module
        for folder, _, modules in table(
            CONTRIBUTING, heading, "in `widget/`", "what it does", "modules"
        )
        for module in code(modules)
    }
    widgets = {f"widgets/{name.replace('-', '_')}" for name in WIDGETS}
    actual = {
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.stem not in ("__init__", "__main__")
    }
    assert documented == actual - widgets


def test_every_question_about_the_code_leads_to_a_module_a_name_in_one_or_a_file() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for _, cell in table(CONTRIBUTING, "How the code is organized", "question", "module"):
        for name in code(cell):
            is_module = (PACKAGE / f"{name}.py").exists()
            is_file = (ROOT / name).is_file()
            is_name = name.isidentifier() and f" {name}" in sources
            assert is_module or is_file or is_name, name
