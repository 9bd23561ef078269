"""``widgets.toml``: mistakes are reported at once, each with its key; secrets come from outside."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from accounts import SECRET
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from werkzeug.security import generate_password_hash

from widget import config
from widget.config import Settings
from widget.errors import ConfigError, OperatorError

WIDGETS = ("balance", "open-trades", "logins")
HASH = generate_password_hash("viewer", "scrypt:4096:8:1")


def write(folder: Path, text: str) -> Path:
    """A configuration file."""
    path = folder / "widgets.toml"
    path.write_text(text)
    return path


def load(folder: Path, text: str, **env: str) -> Settings:
    """The settings of a configuration file."""
    return config.load(write(folder, text), env, WIDGETS)


def problems(folder: Path, text: str, **env: str) -> list[str]:
    """The mistakes in a configuration file."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **env)
    return caught.value.problems


def account(more: str = "") -> str:
    """A file with one account."""
    return f"[accounts.main]\nlogin = 1234567\n{more}\n"


def test_one_account_is_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, account())
    assert settings.accounts["main"].slug == "main"
    assert settings.accounts["main"].ttl("open_trades") == 15
    assert settings.accounts["main"].ttl("bonus") == 300


def test_the_example_file_is_valid(tmp_path: Path) -> None:
    from widget import paths

    text = (paths.templates() / "widgets.toml").read_text()
    assert load(tmp_path, text).accounts["main"].login == 1234567


def test_the_example_file_names_every_key() -> None:
    from widget import paths

    text = (paths.templates() / "widgets.toml").read_text()
    sections = (config.Server, config.Cache, config.Api, config.Account)
    keys = {key for section in sections for key in section.model_fields}
    assert {
        key for key in keys - {"slug"} if not re.search(rf"\b{key}(_env)?\b( =|\])", text)
    } == set()


def test_the_example_file_is_valid_with_every_line_uncommented(tmp_path: Path) -> None:
    from widget import paths

    lines = (paths.templates() / "widgets.toml").read_text().splitlines()
    text = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in lines[3:]
    )
    text = text.replace("/etc/ssl/private-ca.pem", DEFAULT_CA_BUNDLE_PATH)
    env = {
        "STUDIO_HASH": HASH,
        "MAIN_API_PASSWORD": "a",
        "MAIN_PARTNER_PASSWORD": "b",
        "MAIN_VIEWER_HASH": HASH,
        "MAIN_EMBED_SECRET": SECRET,
    }
    settings = load(tmp_path, text, **env)
    assert settings.accounts["main"].delay_minutes == 60
    assert settings.accounts["main"].ttl("open_trades") == 15
    assert settings.cache.type == "RedisCache"


def test_all_mistakes_are_reported_at_once_with_their_keys(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [server]
        public_url = "http://widgets.example.com"
        [cache]
        type = "Memory"
        [api]
        dialect = "soap"
        deadline_seconds = -1
        [accounts.main]
        login = "none"
        widgts = ["balance"]
        timezone = "Europe/Pariss"
        lang = "no such tongue"
        hide = ["tickets"]
        allowed_networks = ["203.0.113.0/33"]
        allowed_origins = ["https://blog.example.com/path"]
        password_env = "NOT_SET"
        [accounts.Second]
        login = 5
        widgets = ["balanse"]
        """,
    )
    expected = {
        "server.public_url": "https://",
        "cache.type": "SimpleCache",
        "api.dialect": "cabinet-basic",
        "api.deadline_seconds": "greater than 0",
        "accounts.main.login": "whole number",
        "accounts.main.widgts": "did you mean widgets?",
        "accounts.main.timezone": "time zone",
        "accounts.main.lang": "language",
        "accounts.main.hide.0": "did you mean ticket?",
        "accounts.main.allowed_networks.0": "IP/mask",
        "accounts.main.allowed_origins.0": "without a path",
        "accounts.main.password_env": "NOT_SET",
        "accounts.Second": "a-z",
        "accounts.Second.widgets": "did you mean balance?",
    }
    for key, part in expected.items():
        assert any(line.startswith(f"{key}: ") and part in line for line in found), (key, found)
    assert len(found) == len(expected), found


def test_an_account_shows_at_least_one_widget(tmp_path: Path) -> None:
    assert problems(tmp_path, account("widgets = []")) == [
        "accounts.main.widgets: must contain at least one entry"
    ]


def test_a_slug_that_is_written_as_a_key_is_an_unknown_key(tmp_path: Path) -> None:
    assert problems(tmp_path, account('slug = "other"')) == [
        "accounts.main.slug: unknown key; an account's slug is the name of its table"
    ]


def test_a_mistake_in_the_shared_api_table_is_reported_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "[api]\ndialekt = 'x'\n" + account() + "[accounts.other]\nlogin = 2\n"
    )
    assert found == ["api.dialekt: unknown key; did you mean dialect?"]


def test_an_account_may_have_its_own_api(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[api]\nbase_url = "https://one.example"\n[api.methods]\nlots = "a/{login}"\n'
        + account()
        + '[accounts.main.api]\ndialect = "cabinet-basic"\n'
        + '[accounts.main.api.methods]\nbonus = "GetBonus"\n'
        + "[accounts.other]\nlogin = 2\n",
    )
    main, other = settings.accounts["main"].api, settings.accounts["other"].api
    assert (main.dialect, main.base_url) == ("cabinet-basic", "https://one.example")
    assert main.methods == {"lots": "a/{login}", "bonus": "GetBonus"}
    assert (other.dialect, other.methods) == ("client-api", {"lots": "a/{login}"})


def test_an_accounts_own_api_must_be_a_table(tmp_path: Path) -> None:
    assert problems(tmp_path, account("api = 5")) == ["accounts.main.api: must be a table"]


def test_the_path_of_a_method_has_known_placeholders_and_no_host(tmp_path: Path) -> None:
    placeholders = "may contain the placeholders {login}, {from} and {to}, no others"
    for path, problem in (
        ("lots/{logn}", placeholders),
        (
            "https://elsewhere.example/lots/{login}",
            "must be a path below base_url, without a host",
        ),
    ):
        found = problems(tmp_path, f"[api.methods]\nlots = '{path}'\n{account()}")
        assert found == [f"api.methods.lots: {problem}"]


def test_no_account_is_a_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["accounts: missing; add at least one account"]
    assert problems(tmp_path, "[accounts]\n") == ["accounts: must contain at least one entry"]


def test_a_missing_file_and_invalid_toml_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cabinet-widgets init"):
        config.load(tmp_path / "none.toml", {}, WIDGETS)
    with pytest.raises(OperatorError, match="give the path of the file itself"):
        config.load(tmp_path, {}, WIDGETS)
    with pytest.raises(OperatorError, match="line 1"):
        load(tmp_path, "[accounts.main\n")
    for value in ("fr", "“fr”"):
        with pytest.raises(OperatorError, match=r"line 3.*straight quotation marks"):
            load(tmp_path, account(f"lang = {value}"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('lang = "fr\n', "at line 1, column 11: the closing quotation mark is missing"),
        ('lang = "fr', "at end of document: the closing quotation mark is missing"),
        ('lang = """fr', "the closing quotation mark is missing"),
        ("lang = '''fr", "the closing quotation mark is missing"),
        ("lang = fr", 'put text in straight quotation marks: "…"'),
        ("lang = [1,\n", "the last value is not complete"),
        ("lang = {a = 1", "the closing brace } is missing"),
        ("lang = 1\nlang = 2", "this key is there twice; remove one"),
        ("[server]\n[server]\n", "this table is there twice; join the two"),
        ('lang = "a" "b"', "something follows the value; write one key per line"),
        ("[server\n", "the closing bracket ] of the table's name is missing"),
        ("lang", "write KEY = VALUE"),
        ('ca_file = "C:\\Users"', "write a backslash twice"),
        ('ca_file = "C:\\x"', "write a backslash twice"),
        ("= 1", "a line contains KEY = VALUE, the name of a [table], or a comment"),
    ],
)
def test_what_is_not_toml_is_explained_in_words(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        load(tmp_path, text)
    assert "is not valid TOML at " in str(caught.value)
    assert problem in str(caught.value)


def test_a_hash_that_a_shell_has_changed_is_recognized(tmp_path: Path) -> None:
    text = account('access = "closed"\nviewer_password_hash_env = "HASH"')
    # What a shell makes of it in double quotes.
    for changed in (HASH.partition("$")[0], HASH.replace("$", "", 1)):
        [problem] = problems(tmp_path, text, HASH=changed)
        assert problem.startswith(
            "accounts.main.viewer_password_hash_env: has too few dollar signs"
        )
        assert "single quotes" in problem
        assert changed not in problem


def test_the_key_of_a_secret_is_named_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "short").chmod(0o600)
    from_variable = problems(tmp_path, account('embed_secret_env = "SECRET"'), SECRET="short")
    from_file = problems(tmp_path, account('embed_secret_file = "short"'))
    assert [from_variable[0].partition(":")[0], from_file[0].partition(":")[0]] == [
        "accounts.main.embed_secret_env",
        "accounts.main.embed_secret_file",
    ]


def test_a_file_may_come_from_windows_and_must_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "widgets.toml"
    path.write_bytes(account().replace("\n", "\r\n").encode("utf-8-sig"))
    assert config.load(path, {}, WIDGETS).accounts["main"].login == 1234567
    path.write_bytes("# à vous\n".encode("latin-1"))
    with pytest.raises(OperatorError, match="UTF-8"):
        config.load(path, {}, WIDGETS)


@pytest.mark.parametrize(
    "text", ["accounts = 5", "accounts = []", "api = 'x'\n[accounts.main]\nlogin=1", "server = [1]"]
)
def test_values_instead_of_tables_are_mistakes_and_no_crash(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


ANYTHING = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
    st.sampled_from(
        [
            "tlh",
            "en-XX",
            "../x",
            "Europe",
            "https://[",
            "https://x:99999999",
            "redis://[",
            "10.0.0.0/99",
            "::/200",
            "$",
            "\0",
        ]
    ),
)


SECTIONS: dict[str, type[BaseModel]] = {
    "server": config.Server,
    "cache": config.Cache,
    "api": config.Api,
    "accounts.main": config.Account,
}


@pytest.mark.parametrize(
    ("section", "key"),
    [(name, key) for name, kind in SECTIONS.items() for key in kind.model_fields],
)
@given(value=ANYTHING, env=st.text())
def test_any_value_of_any_key_is_accepted_or_a_mistake_and_no_crash(
    section: str, key: str, value: object, env: str
) -> None:
    for named, given_value in (
        (key, value),
        (key, [value]),
        (key, {"balance": value}),
        (f"{key}_env", "NAME"),
    ):
        raw: dict[str, Any] = {
            "accounts": {"main": {"login": 1}},
            "server": {},
            "cache": {},
            "api": {},
        }
        table = raw["accounts"]["main"] if section == "accounts.main" else raw[section]
        table[named] = given_value
        try:
            config.parse(raw, {"NAME": env}, WIDGETS, folder=Path(), demo=True)
        except ConfigError as error:
            assert all(problem.isprintable() for problem in error.problems)


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    settings = load(
        tmp_path, account('password_env = "P"\nembed_secret_file = "secret"'), P="api password"
    )
    main = settings.accounts["main"]
    assert main.password is not None
    assert main.password.get_secret_value() == "api password"
    assert main.embed_keys == (SECRET.encode(),)
    assert settings.warnings == ()


def test_a_secret_file_that_other_users_can_read_causes_a_warning(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    [warning] = load(tmp_path, account('embed_secret_file = "secret"')).warnings
    assert "chmod 600" in warning


def test_a_secret_in_the_file_itself_is_refused_outside_the_demo(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, account('password = "hunter2"'))
    assert "password_env" in problem
    assert "hunter2" not in problem
    raw = {"accounts": {"main": {"login": 1, "password": "hunter2"}}}
    settings = config.parse(raw, {}, WIDGETS, folder=tmp_path, demo=True)
    assert any("password" in warning for warning in settings.warnings)


def test_missing_empty_and_duplicate_secrets_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    found = problems(
        tmp_path,
        account(
            'password_env = "P"\npassword_file = "none"\nembed_secret_file = "empty"\nlang = "xx-"'
        ),
        P="x",
    )
    assert [line.split(":")[0] for line in found] == [
        "accounts.main.embed_secret_file",
        "accounts.main.lang",
        "accounts.main.password",
        "accounts.main.password_file",
    ]


def test_a_closed_account_needs_a_password_or_an_embed_secret(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, account('access = "closed"'))
    assert "viewer_password_hash_env or embed_secret_env" in problem
    assert load(tmp_path, account('access = "closed"\nembed_secret_env = "S"'), S=SECRET)
    assert load(tmp_path, account('access = "closed"\nviewer_password_hash_env = "H"'), H=HASH)


def test_each_of_several_secrets_must_be_long_enough(tmp_path: Path) -> None:
    for secret in ("short", f"{SECRET},short", f"{SECRET},"):
        [problem] = problems(tmp_path, account('embed_secret_env = "S"'), S=secret)
        assert "32 bytes" in problem
        assert SECRET not in problem


def test_secrets_rotate(tmp_path: Path) -> None:
    settings = load(tmp_path, account('embed_secret_env = "S"'), S=f"{SECRET}, old{SECRET}")
    assert settings.accounts["main"].embed_keys == (SECRET.encode(), f"old{SECRET}".encode())


def test_a_password_instead_of_its_hash_is_refused_and_not_repeated(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, account('viewer_password_hash_env = "H"'), H="hunter2")
    assert "cabinet-widgets password" in problem
    assert "hunter2" not in problem


def test_the_studio_needs_a_password(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "[server]\nstudio = true\n" + account())
    assert problem.startswith("server.studio: needs studio_password_hash_env")


def test_redis_needs_a_url(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, '[cache]\ntype = "RedisCache"\n' + account())
    assert problem.startswith("cache")
    assert "redis_url" in problem


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:9", "https://example.com/base/"],
)
def test_base_urls_are_https_or_loopback(tmp_path: Path, url: str) -> None:
    assert load(
        tmp_path, f'[server]\npublic_url = "{url}"\n' + account()
    ).server.public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1",
        "ftp://example.com",
        "example.com",
        "https://u:p@example.com",
        "https://example.com/?q=1",
        "",
        "https://example.com:99999",
        "https://example.com:port",
        "https://[example.com",
        "https://exam ple.com",
        "https://example.com/a b",
        r"https://exam\"ple.com",
        r"https://example.com/\nserver_name",
        "https://example.com;",
        "https://bücher.example",
    ],
)
def test_other_base_urls_are_refused(tmp_path: Path, url: str) -> None:
    assert problems(tmp_path, f'[api]\nbase_url = "{url}"\n' + account())[0].startswith(
        "api.base_url: "
    )


def test_the_public_url_has_a_path_that_web_servers_understand(tmp_path: Path) -> None:
    text = '[server]\npublic_url = "https://example.com/{}"\n' + account()
    assert load(tmp_path, text.format("my/widgets-1.0_~")).server.path == "/my/widgets-1.0_~"
    for path in ("a;b", "{a}", "$uri", "%20", "a'b", "a#"):
        (problem,) = problems(tmp_path, text.replace("{}", path))
        assert problem.startswith("server.public_url: ")


def test_a_host_that_is_not_ascii_is_suggested_as_web_servers_write_it(tmp_path: Path) -> None:
    text = '[server]\npublic_url = "https://bücher.example"\n' + account()
    assert problems(tmp_path, text) == [
        "server.public_url: must have its host in the form xn--bcher-kva.example"
    ]


def test_a_ca_file_is_relative_to_the_configuration_and_contains_certificates(
    tmp_path: Path,
) -> None:
    text = '[api]\nca_file = "{}"\n' + account() + "[accounts.other]\nlogin = 2\n"
    (tmp_path / "ca.pem").write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes())
    settings = load(tmp_path, text.format("ca.pem"))
    assert settings.accounts["main"].api.ca_file == str(tmp_path / "ca.pem")
    (tmp_path / "empty.pem").touch()
    assert problems(tmp_path, text.format("empty.pem")) == [
        "api.ca_file: contains no certificate; name a file with a certificate in PEM format"
    ]
    (problem,) = problems(tmp_path, text.format("none.pem"))
    assert problem.startswith("api.ca_file: cannot be read (No such file or directory); name a")


def test_the_folder_of_the_cache_is_relative_to_the_configuration(tmp_path: Path) -> None:
    text = '[cache]\ntype = "FileSystemCache"\ndir = "{}"\n' + account()
    assert load(tmp_path, text.format("cached")).cache.dir == tmp_path / "cached"
    assert load(tmp_path, text.format("/var/cached")).cache.dir == Path("/var/cached")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("login = 5", "login: unknown key; it belongs to [accounts.NAME]"),
        (
            "[server]\ntimezone = 'UTC'",
            "server.timezone: unknown key; it belongs to [api] or [accounts.NAME]",
        ),
        ("[cache]\nstudio = true", "cache.studio: unknown key; it belongs to [server]"),
        (
            "[accounts]\nlogin = 5",
            "accounts.login: must be a table; put the keys of an account below a line such as"
            " [accounts.main]",
        ),
    ],
)
def test_a_key_in_the_wrong_table_is_told_where_it_belongs(
    text: str, mistake: str, tmp_path: Path
) -> None:
    assert mistake in problems(tmp_path, f"{text}\n{account()}")


def test_no_secret_and_no_login_is_in_the_representation_of_the_settings(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        account('password_env = "P"\nembed_secret_env = "S"\nviewer_password_hash_env = "H"'),
        P="api password",
        S=SECRET,
        H=HASH,
    )
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert not [secret for secret in ("api password", SECRET, HASH) if secret in text]
    assert "1234567" not in repr(settings)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
)
KEYS = st.sampled_from(
    sorted({*config.Account.model_fields, *config.Server.model_fields, "password_env", "api_file"})
)


@given(
    st.dictionaries(st.sampled_from(["server", "cache", "api", "accounts", "x"]), VALUES),
    st.dictionaries(KEYS, VALUES),
)
def test_any_file_results_in_settings_or_a_list_of_mistakes(
    raw: dict[str, Any], main: dict[str, Any]
) -> None:
    for document in (raw, {**raw, "accounts": {"main": main}}):
        try:
            assert isinstance(
                config.parse(document, {}, WIDGETS, folder=Path(os.devnull), demo=False), Settings
            )
        except ConfigError as error:
            assert error.problems


def test_a_secret_that_cannot_be_read_is_one_mistake_and_not_two(tmp_path: Path) -> None:
    text = (
        account('access = "closed"\nviewer_password_hash_env = "NONE"')
        + "[server]\nstudio = true\n"
    )
    assert problems(tmp_path, text + 'studio_password_hash_env = "NONE"\n') == [
        "accounts.main.viewer_password_hash_env: the environment variable NONE is not set; set it,"
        " or add it to secrets.env",
        "server.studio_password_hash_env: the environment variable NONE is not set; set it, or"
        " add it to secrets.env",
    ]
    assert any(
        "needs viewer_password_hash_env" in line
        for line in problems(tmp_path, account('access = "closed"'))
    )


def test_a_viewer_password_of_an_open_account_causes_a_warning(tmp_path: Path) -> None:
    [warning] = load(tmp_path, account('viewer_password_hash_env = "H"'), H=HASH).warnings
    assert 'set access = "closed"' in warning


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('allowed_networks = "10.0.0.0/8"', 'must be a list, such as ["…", "…"]'),
        ('currency = "dollars"', "must be three capital letters, such as USD"),
        ("lang = 5", "must be text, in quotation marks"),
        ('delay_minutes = "soon"', "must be a whole number"),
        ("delay_minutes = -1", "must be greater than or equal to 0"),
        ('access = "Closed"', "must be 'open' or 'closed'"),
        (f'name = "{61 * "x"}"', "must have at most 60 characters"),
        (f'about = "{2001 * "x"}"', "must have at most 2000 characters"),
    ],
)
def test_a_value_of_the_wrong_type_is_reported_in_words_for_people(
    line: str, message: str, tmp_path: Path
) -> None:
    key = line.partition(" ")[0]
    assert problems(tmp_path, account(line)) == [f"accounts.main.{key}: {message}"]


def test_the_zones_are_listed_once_for_all_accounts(tmp_path: Path) -> None:
    config.zones.cache_clear()
    load(
        tmp_path,
        account('timezone = "Europe/Paris"')
        + '[accounts.other]\nlogin = 2\ntimezone = "Asia/Tokyo"\n',
    )
    assert config.zones.cache_info().misses == 1  # listing them takes about 10 ms


def test_values_of_one_type_are_not_converted_to_another(tmp_path: Path) -> None:
    """TOML has its own types for numbers, booleans and text, so another type is a mistake."""
    toml = """
        [server]
        studio = "no"
        trusted_proxies = true
        [api]
        deadline_seconds = true
        [accounts.main]
        login = 1
        delay_minutes = "5"
        [accounts.main.ttl_seconds]
        balance = true
        lots = 60
        """
    assert problems(tmp_path, toml) == [
        "accounts.main.delay_minutes: must be a whole number",
        "accounts.main.ttl_seconds.balance: must be a number",
        "api.deadline_seconds: must be a number",
        "server.studio: must be true or false",
        "server.trusted_proxies: must be a whole number",
    ]


@pytest.mark.parametrize(
    ("toml", "keys"),
    [
        (
            '[accounts.main]\nlogin = "x"\naccess = "closed"\n',
            {"accounts.main", "accounts.main.login"},
        ),
        (
            '[accounts.main]\nlogin = "x"\nembed_secret_env = "SHORT"\n',
            {"accounts.main.embed_secret_env", "accounts.main.login"},
        ),
        (
            "[server]\nfoo = 1\nstudio = true\n[accounts.main]\nlogin = 1\n",
            {"server.foo", "server.studio"},
        ),
        (
            '[cache]\nfoo = 1\ntype = "RedisCache"\n[accounts.main]\nlogin = 1\n',
            {"cache.foo", "cache.redis_url"},
        ),
        (
            '[accounts.main]\nlogin = 1\npassword_env = "NOPE"\naccess = "closed"\n',
            {"accounts.main", "accounts.main.password_env"},
        ),
    ],
)
def test_keys_that_other_keys_require_are_reported_together_with_other_mistakes(
    toml: str, keys: set[str], tmp_path: Path
) -> None:
    assert {line.partition(": ")[0] for line in problems(tmp_path, toml, SHORT="short")} == keys


@pytest.mark.parametrize(
    ("written", "hours"),
    [("+03:00", 3), ("-05:30", -5.5), ("+14:00", 14), ("Asia/Kolkata", 5.5), ("UTC", 0)],
)
def test_the_clock_of_an_api_is_a_zone_or_an_offset(
    tmp_path: Path, written: str, hours: float
) -> None:
    settings = load(tmp_path, f'[api]\ntimezone = "{written}"\n{account()}')
    zone = settings.accounts["main"].api.timezone
    moment = datetime(2026, 11, 23, tzinfo=zone)
    assert moment.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("written", ['"+3"', '"+14:30"', '"+03:60"', '"Europe/Pariss"', "3"])
def test_any_other_clock_of_an_api_is_a_mistake(tmp_path: Path, written: str) -> None:
    (problem,) = problems(tmp_path, f"[api]\ntimezone = {written}\n{account()}")
    assert problem.startswith("api.timezone: is ") or problem.startswith(
        "accounts.main.api.timezone: is "
    )


def test_unix_times_are_utc_unless_they_are_local(tmp_path: Path) -> None:
    for text, expected in (("", "utc"), ('unix_times = "local"', "local")):
        settings = load(tmp_path, f"[api]\n{text}\n{account()}")
        assert settings.accounts["main"].api.unix_times == expected
    (problem,) = problems(tmp_path, f'[api]\nunix_times = "gmt"\n{account()}')
    assert "unix_times" in problem


def test_a_response_may_have_32_mib(tmp_path: Path) -> None:
    settings = load(tmp_path, account())
    assert settings.accounts["main"].api.max_response_bytes == 32 * 2**20
