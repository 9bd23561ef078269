"""Describes mistakes in ``widgets.toml``, in one line each, with the key as it is in the file."""

import re
from collections.abc import Callable, Collection, Mapping

from pydantic import ValidationError

from widget.config.secrets import SECRET_KEYS, Toml, variants
from widget.config.values import did_you_mean

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
URL_WITH_PASSWORD = re.compile("//[^/@]*:[^/@]+@")


def subtable(parent: Toml, key: str) -> Toml:
    """A table in a table; empty if there is none, or another value, which is reported elsewhere."""
    value = parent.get(key)
    if not isinstance(value, dict):
        return {}
    return value


def account_tables(document: Toml) -> dict[str, Toml]:
    """The tables of all accounts by slug. An account that is no table is empty here."""
    accounts = subtable(document, "accounts")
    return {slug: subtable(accounts, slug) for slug in accounts}


def malformed_slugs(document: Toml) -> list[str]:
    """Names of accounts that cannot be part of a URL."""
    return [
        f"accounts.{slug}: an account's name consists of a-z, 0-9 and -, at most 32 characters"
        for slug in account_tables(document)
        if not SLUG.fullmatch(slug)
    ]


def written_slugs(document: Toml) -> list[str]:
    """Slugs that are written as a key. Pydantic cannot find them: all accounts have that field."""
    return [
        f"accounts.{slug}.slug: unknown key; an account's slug is the name of its table"
        for slug, account in account_tables(document).items()
        if "slug" in account
    ]


def unknown_widgets(document: Toml, widgets: Collection[str]) -> list[str]:
    """Widgets that an account lists and that do not exist."""
    mistakes = []
    for slug, account in account_tables(document).items():
        listed = account.get("widgets")
        if not isinstance(listed, list):
            continue  # pydantic reports it
        for name in listed:
            if name in widgets:
                continue
            # Anything may be in a list of TOML, so this is text only usually.
            hint = did_you_mean(str(name), widgets)
            mistakes.append(f"accounts.{slug}.widgets: there is no widget {name!r}{hint}")
    return mistakes


def missing_dependencies(document: Toml, *, is_demo: bool) -> list[str]:
    """Keys that are missing although other keys require them.

    Checked in the document itself rather than in the finished settings, so that they are reported
    together with all other mistakes.
    """
    mistakes = []
    server = subtable(document, "server")
    cache = subtable(document, "cache")
    has_studio = server.get("studio") is True
    # The studio of the demonstration has no password: it knows simulated accounts only.
    needs_studio_password = has_studio and not is_demo
    if needs_studio_password and not has_secret(server, "studio_password_hash"):
        mistakes.append(
            "server.studio: needs studio_password_hash_env; create a hash with"
            " `cabinet-widgets password`"
        )
    needs_redis = cache.get("type") == "RedisCache"
    if needs_redis and not has_secret(cache, "redis_url"):
        mistakes.append(
            'cache.redis_url: missing; RedisCache needs a URL such as "redis://127.0.0.1:6379/0"'
        )
    for slug, account in account_tables(document).items():
        is_closed = account.get("access") == "closed"
        # With neither of the two, nobody could ever see a widget of the account.
        if is_closed and not can_be_opened(account):
            mistakes.append(
                f"accounts.{slug}: a closed account needs viewer_password_hash_env or"
                " embed_secret_env, or both"
            )
    return mistakes


def has_secret(table: Toml, name: str) -> bool:
    """Whether a table has a secret in any of the forms in which it can be given."""
    return any(key in table for key in variants(name))


def can_be_opened(account: Toml) -> bool:
    """Whether a closed account has a password or a key for tokens."""
    return has_secret(account, "viewer_password_hash") or has_secret(account, "embed_secret")


def keys_with_passwords(document: Toml) -> list[str]:
    """The keys of URLs in the document itself that contain a password."""
    tables = {
        "cache": subtable(document, "cache"),
        "api": subtable(document, "api"),
    }
    for slug, account in account_tables(document).items():
        tables[f"accounts.{slug}.api"] = subtable(account, "api")
    keys = []
    for where, table in tables.items():
        # Only these two may be in the file itself with a password.
        for key in ("redis_url", "proxy"):
            url = str(table.get(key))
            if URL_WITH_PASSWORD.search(url):
                keys.append(f"{where}.{key}")
    return keys


# What the errors of tomllib mean. The first pattern that matches counts.
TOML_ERRORS = {
    r"Illegal character '\\n'|Unterminated string|Expected \"": (
        "the closing quotation mark is missing"
    ),
    "Unclosed array|Invalid value .at end": "the last value is not complete",
    "Unclosed inline table": "the closing brace } is missing",
    "Invalid value": 'put text in straight quotation marks: "…"',
    "Cannot overwrite a value|Duplicate inline": "this key is there twice; remove one",
    "Cannot declare|Cannot mutate": "this table is there twice; join the two",
    "Expected newline": "something follows the value; write one key per line",
    r"Expected '\]": "the closing bracket ] of the table's name is missing",
    "Expected '='": "write KEY = VALUE",
    "Unescaped|Invalid hex value": "between double quotation marks, write a backslash twice",
    "Invalid (statement|initial character)": (
        "a line contains KEY = VALUE, the name of a [table], or a comment that begins with #"
    ),
}
TOML_PLACE = re.compile(r".* \((at [^()]*)\)", re.DOTALL)


def describe_toml_error(text: str) -> str:
    """What is wrong with a file that is not TOML, and where.

    Args:
        text: the error of tomllib.
    """
    place = ""
    match = TOML_PLACE.fullmatch(text)
    if match:
        place = f" {match[1]}"
    for pattern, meaning in TOML_ERRORS.items():
        if re.match(pattern, text):
            return f"is not valid TOML{place}: {meaning}"
    return f"is not valid TOML: {text}"


# What pydantic's types of errors mean, in words for people who have never heard of pydantic.
WHOLE_NUMBER = "must be a whole number"
NUMBER = "must be a number"
SWITCH = "must be true or false"
LIST = 'must be a list, such as ["…", "…"]'
TABLE = "must be a table"
ACCOUNT = "must be a table; put the keys of an account below a line such as [accounts.main]"
MESSAGES = {
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "bool_type": SWITCH,
    "bool_parsing": SWITCH,
    "tuple_type": LIST,
    "frozen_set_type": LIST,
    "dict_type": TABLE,
    "model_type": TABLE,
    "too_short": "must contain at least one entry",
    "string_type": "must be text, in quotation marks",
    # Currency is the only key with a pattern.
    "string_pattern_mismatch": "must be three capital letters, such as USD",
}

PYDANTIC_BEGINNING = re.compile("^(?:Input|String) should (be|have)")


def describe_mistakes(
    error: ValidationError, document: Toml, known_keys: Callable[[list[str]], list[str]]
) -> list[str]:
    """The mistakes that pydantic found.

    Args:
        error: pydantic's error.
        document: the parsed file.
        known_keys: gives the keys of a section, which is named by its path in the document.
    """
    lines = []
    for mistake in error.errors(include_input=False, include_url=False):
        # For a wrong key of a dictionary, pydantic adds a "[key]" that is not in the file.
        path = [str(part) for part in mistake["loc"] if part != "[key]"]
        if is_inherited(path, document):
            continue
        key = ".".join(path)
        *section, name = path
        kind = mistake["type"]
        problem = message(kind, mistake["msg"])
        if kind == "extra_forbidden":
            hint = right_place(name, known_keys) or did_you_mean(name, known_keys(section))
            problem = f"unknown key{hint}"
        elif kind == "model_type" and section == ["accounts"]:
            problem = ACCOUNT
        elif kind == "missing":
            problem = "missing"
            if key == "accounts":
                problem = "missing; add at least one account"
        lines.append(f"{key}: {problem}")
    return lines


def right_place(name: str, known_keys: Callable[[list[str]], list[str]]) -> str:
    """A hint for a key that another table has; empty if none has it."""
    places = [
        f"[{section}]"
        for section in ("server", "cache", "api", "accounts.NAME")
        if name in known_keys(section.split("."))
    ]
    if not places:
        return ""
    return f"; it belongs to {' or '.join(places)}"


def is_inherited(path: list[str], document: Toml) -> bool:
    """Whether a mistake in an account's API comes from the shared ``[api]``.

    The shared table is merged into each account, but its mistakes are reported only once.
    """
    match path:
        case ["accounts", slug, "api", *_]:
            return "api" not in account_tables(document)[slug]
    return False


def secret_keys(document: Toml) -> dict[str, str]:
    """How a document names its secrets: its keys by those that errors and advice contain.

    A secret is in a variable (``password_env``) or in a file (``password_file``).
    """
    tables = {
        "server": subtable(document, "server"),
        "cache": subtable(document, "cache"),
    }
    for slug, account in account_tables(document).items():
        tables[f"accounts.{slug}"] = account
    names = {}
    for where, table in tables.items():
        for name in SECRET_KEYS:
            for variant in variants(name):
                if variant in table:
                    names[f"{where}.{name}"] = f"{where}.{variant}"
                    names[f"{where}.{name}_env"] = f"{where}.{variant}"
    return names


def replace_keys(text: str, names: Mapping[str, str]) -> str:
    """A text in which some keys have other names."""
    for key, name in names.items():
        # Only as a whole: api.timezone is also the end of accounts.main.api.timezone.
        text = re.sub(rf"(?<![\w.]){re.escape(key)}(?![\w.]*\w)", name, text)
    return text


def message(kind: str, text: str) -> str:
    """What is wrong, for people: pydantic's own text unless there is a better one."""
    own = MESSAGES.get(kind)
    if own:
        return own
    # Pydantic writes this before the text of a ValueError, such as those in values.py.
    text = text.removeprefix("Value error, ")
    text = PYDANTIC_BEGINNING.sub(r"must \1", text)
    first_letter = text[:1].lower()
    return first_letter + text[1:]
