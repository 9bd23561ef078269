"""Reads ``widgets.toml`` into frozen settings. All mistakes are reported at once, each with its key."""

import difflib
import ipaddress
import re
import stat
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from werkzeug.security import check_password_hash

from widget.errors import ConfigError, OperatorError
from widget.names import DEFAULT_TTL_SECONDS, FIGURES, TTL_SECONDS, Function

SECRET_KEYS = (
    "password",
    "partner_password",
    "viewer_password_hash",
    "embed_secret",
    "studio_password_hash",
    "redis_url",
)
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SCRYPT = "scrypt:32768:8:1"  # what werkzeug creates by default
ORIGIN = re.compile(
    r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?"
)
MIN_SECRET_BYTES = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL such as https://example.com")
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(
            "must begin with https:// (http:// is accepted for loopback addresses only)"
        )
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


zones = cache(available_timezones)  # cached because it reads the zones from disk


def _zone(value: object) -> ZoneInfo:
    if not isinstance(value, str) or value not in zones():
        raise ValueError("is not an IANA time zone such as Europe/Paris")
    return ZoneInfo(value)


def _language(value: str) -> str:
    try:
        Locale.parse(value, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise ValueError("is not a language tag such as en or pt-BR") from error
    return value


def _network(value: object) -> Network:
    text = str(value)
    address, slash, mask = text.rpartition("/")
    try:
        if ":" in mask and slash:  # Python reads IPv4 masks only
            ones = f"{int(ipaddress.IPv6Address(mask)):0128b}".rstrip("0")
            if "0" in ones:
                raise ValueError
            text = f"{address}/{len(ones)}"
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            "is not a network: write IP/mask or CIDR, such as 203.0.113.0/255.255.255.0"
        ) from error
    if slash and "." in mask and mask != str(network.netmask):
        # Python accepts 0.0.0.255 as a host mask. If it was meant as a network mask, the wrong visitors would get in.
        raise ValueError(f"is not a network mask; did you mean /{network.netmask}?")
    if (
        isinstance(network, ipaddress.IPv6Network)
        and network.prefixlen >= 96
        and network.network_address.ipv4_mapped
    ):
        return ipaddress.IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _origin(value: str) -> str:
    if not ORIGIN.fullmatch(value):
        raise ValueError(
            "is not an origin: write scheme and host without a path, such as https://blog.example.com"
        )
    return value


def _figure(value: str) -> str:
    if value not in FIGURES:
        raise ValueError(f"is not the JSON name of a figure{did_you_mean(value, FIGURES)}")
    return value


def _password_hash(value: SecretStr) -> SecretStr:
    try:
        method, _, digest = value.get_secret_value().split("$")
        if not re.fullmatch("([0-9a-f]{64}){1,2}", digest):
            raise ValueError
        if method != _SCRYPT:
            check_password_hash(
                value.get_secret_value(), ""
            )  # raises ValueError for an unknown method
    except (ValueError, TypeError):
        raise ValueError(
            "is not a password hash: create one with `cabinet-widgets password`"
        ) from None
    return value


def _embed_secret(value: SecretStr) -> SecretStr:
    if any(len(key) < MIN_SECRET_BYTES for key in _keys(value)):
        raise ValueError(f"each secret must have at least {MIN_SECRET_BYTES} bytes")
    return value


def _keys(secrets: SecretStr) -> tuple[bytes, ...]:
    return tuple(part.strip().encode() for part in secrets.get_secret_value().split(","))


def _redis_url(value: SecretStr) -> SecretStr:
    # Checked here because the libraries that receive it repeat it in their errors, with the password.
    try:
        parts = urlsplit(value.get_secret_value())
        is_address = (
            parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError(
            "must be a URL such as redis://:password@127.0.0.1:6379/0 (in the password, write @ as %40)"
        )
    return value


def _method(value: str) -> str:
    if "://" in value:
        raise ValueError("must be a path below base_url, without a host")
    if set(re.findall(r"\{(\w+)\}", value)) - {"login", "from", "to"}:
        raise ValueError("may contain the placeholders {login}, {from} and {to}, no others")
    return value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Language = Annotated[str, AfterValidator(_language)]
PasswordHash = Annotated[SecretStr, AfterValidator(_password_hash)]
EmbedSecret = Annotated[SecretStr, AfterValidator(_embed_secret)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Method = Annotated[str, AfterValidator(_method)]
Seconds = Annotated[float, Field(gt=0, le=86400 * 7, strict=True)]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )


class Server(_Section):
    """The service itself."""

    public_url: BaseUrl = "http://127.0.0.1:8000"
    trusted_proxies: int = Field(0, ge=0, le=16, strict=True)
    studio: bool = Field(False, strict=True)
    studio_password_hash: PasswordHash | None = None

    @property
    def path(self) -> str:
        """The path of ``public_url``, which the proxy in front removes; usually empty."""
        return urlsplit(self.public_url).path


class Cache(_Section):
    """Where responses of the API are cached; ``type`` is passed to Flask-Caching."""

    type: Literal["SimpleCache", "FileSystemCache", "RedisCache"] = "SimpleCache"
    redis_url: RedisUrl | None = None
    dir: Path = Path("/var/cache/cabinet-widgets")
    keep_seconds: Seconds = 86400
    """The maximum age, in seconds, of a cached response that is served while the API fails."""


class Api(_Section):
    """One Client Cabinet API: its address, its dialect and its limits."""

    dialect: Literal["client-api", "cabinet-basic"] = "client-api"
    base_url: BaseUrl = "https://client-api.instaforex.com"
    timezone: Zone = ZoneInfo("UTC")
    deadline_seconds: float = Field(8.0, gt=0, le=120, strict=True)
    max_response_bytes: int = Field(4194304, ge=1024, strict=True)
    ca_file: str = ""
    proxy: str = Field("", repr=False)
    methods: dict[Function, Method] = {}


class Account(_Section):
    """One trading account: how its figures are fetched, and who may see which of them."""

    slug: str
    login: int = Field(gt=0, repr=False)
    password: SecretStr | None = None
    partner_password: SecretStr | None = None
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    timezone: Zone = ZoneInfo("UTC")
    """The account's days begin at midnight in this zone."""
    lang: Language = "en"
    widgets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    access: Literal["open", "closed"] = "open"
    viewer_password_hash: PasswordHash | None = None
    allowed_networks: tuple[Annotated[Network, BeforeValidator(_network)], ...] = ()
    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] | None = None
    embed_secret: EmbedSecret | None = None
    hide: frozenset[Annotated[str, AfterValidator(_figure)]] = frozenset()
    amounts: Literal["money", "percent"] = "money"
    delay_minutes: int = Field(0, ge=0, le=525600, strict=True)
    ttl_seconds: dict[Function, Seconds] = {}
    api: Api = Api()

    @property
    def embed_keys(self) -> tuple[bytes, ...]:
        """The secrets that sign tokens, newest first."""
        return _keys(self.embed_secret) if self.embed_secret else ()

    @property
    def is_private(self) -> bool:
        """Whether responses are for one visitor only and must not be stored by shared caches."""
        return self.access == "closed" or bool(self.allowed_networks)

    def ttl(self, function: Function) -> float:
        """The time to live, in seconds, of a function's cached response."""
        return self.ttl_seconds.get(function, TTL_SECONDS.get(function, DEFAULT_TTL_SECONDS))


class _File(_Section):
    """The tables that ``widgets.toml`` may contain."""

    server: Server = Server()
    cache: Cache = Cache()
    api: Api = Api()
    accounts: dict[str, Account] = Field(min_length=1)


class Settings(_File):
    """The contents of ``widgets.toml``. The shared ``api`` table is merged into each account's own.

    Attributes:
        demo: whether this is the demonstration, which needs no secrets.
        warnings: what the operator should know, one line each.
    """

    demo: bool = False
    warnings: tuple[str, ...] = ()


def load(path: Path, env: Mapping[str, str], widgets: Collection[str]) -> Settings:
    """Read and check a configuration file.

    Args:
        path: the file.
        env: the environment that ``*_env`` secrets are read from.
        widgets: the names of all widgets.

    Raises:
        OperatorError: the file cannot be read or is not TOML.
        ConfigError: the file has mistakes; all of them are listed.
    """
    try:
        raw = tomllib.loads(
            path.read_text(encoding="utf-8-sig")
        )  # editors on Windows write a byte order mark first
    except FileNotFoundError:
        raise OperatorError(
            f"{path}: no such file; create it with `cabinet-widgets init`"
        ) from None
    except PermissionError as error:
        raise OperatorError(
            f"{path}: cannot be read ({error.strerror}); fix its permissions"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be read ({error.strerror}); give the path of the file itself"
        ) from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        hint = (
            '; put text in straight quotation marks: "…"' if "Invalid value" in str(error) else ""
        )
        raise OperatorError(f"{path}: is not valid TOML: {error}{hint}") from None
    settings = parse(raw, env, widgets, folder=path.parent, demo=False)
    if _can_be_read_by_others(path) and (where := ", ".join(_written_passwords(raw))):
        warning = (
            f"{where}: contains a password, and other users can read {path}; run: chmod 600 {path}"
        )
        settings = settings.model_copy(update={"warnings": (*settings.warnings, warning)})
    return settings


def _can_be_read_by_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _written_passwords(raw: dict[str, Any]) -> list[str]:
    """The keys of URLs in the file itself that contain a password."""
    tables = {"cache": raw.get("cache"), "api": raw.get("api")}
    tables |= {
        f"accounts.{slug}.api": _table(table).get("api")
        for slug, table in _table(raw.get("accounts")).items()
    }
    return [
        f"{where}.{key}"
        for where, table in tables.items()
        for key in ("redis_url", "proxy")
        if re.search("//[^/@]*:[^/@]+@", str(_table(table).get(key)))
    ]


def parse(
    raw: dict[str, Any],
    env: Mapping[str, str],
    widgets: Collection[str],
    *,
    folder: Path,
    demo: bool,
) -> Settings:
    """Check parsed TOML and turn it into settings.

    Args:
        raw: the parsed file.
        env: the environment that ``*_env`` secrets are read from.
        widgets: the names of all widgets.
        folder: the folder that relative ``*_file`` paths start from.
        demo: whether secrets in the file itself are accepted.

    Raises:
        ConfigError: the settings have mistakes; all of them are listed.
    """
    reader = _Secrets(env, folder, demo)
    accounts = _table(raw.get("accounts"))
    resolved: dict[str, Any] = {key: value for key, value in raw.items() if key != "accounts"}
    for name in ("server", "cache"):
        if isinstance(raw.get(name), dict):
            resolved[name] = reader.resolve(raw[name], name)
    if "accounts" in raw:
        resolved["accounts"] = {
            slug: _with_api(
                reader.resolve(_table(table), f"accounts.{slug}"), _table(raw.get("api")), slug
            )
            for slug, table in accounts.items()
        }
    problems = list(reader.problems)
    try:
        file = _File.model_validate(resolved)
    except ValidationError as error:
        problems += describe_mistakes(error, raw)
        file = None
    problems += [
        f"accounts.{slug}: an account's name consists of a-z, 0-9 and -, at most 32 characters"
        for slug in accounts
        if not SLUG.fullmatch(slug)
    ]
    for slug, table in accounts.items():
        for name in (
            (_table(table).get("widgets") or ())
            if isinstance(_table(table).get("widgets"), list)
            else ()
        ):
            if name not in widgets:
                problems.append(
                    f"accounts.{slug}.widgets: there is no widget {name!r}{did_you_mean(str(name), widgets)}"
                )
    problems += missing_dependencies(raw, demo)
    for account in file.accounts.values() if file else ():
        if account.access == "open" and account.viewer_password_hash:
            reader.warnings.append(
                f'accounts.{account.slug}: has a viewer password but is open; set access = "closed"'
            )
    if problems or file is None:
        raise ConfigError(sorted(set(problems)))
    return Settings(**dict(file), demo=demo, warnings=tuple(reader.warnings))


def missing_dependencies(raw: dict[str, Any], demo: bool) -> list[str]:
    """Keys that other keys require. Checked in the file itself, so that other mistakes do not hide these."""

    def names(table: dict[str, Any], *secrets: str) -> bool:
        return any(
            f"{secret}{ending}" in table for secret in secrets for ending in ("", "_env", "_file")
        )

    lines = []
    server, cache = _table(raw.get("server")), _table(raw.get("cache"))
    if server.get("studio") is True and not demo and not names(server, "studio_password_hash"):
        lines.append(
            "server.studio: needs studio_password_hash_env; create a hash with `cabinet-widgets password`"
        )
    if cache.get("type") == "RedisCache" and not names(cache, "redis_url"):
        lines.append(
            'cache.redis_url: missing; RedisCache needs a URL such as "redis://127.0.0.1:6379/0"'
        )
    for slug, table in _table(raw.get("accounts")).items():
        account = _table(table)
        if account.get("access") == "closed" and not names(
            account, "viewer_password_hash", "embed_secret"
        ):
            needed = "a closed account needs viewer_password_hash_env or embed_secret_env, or both"
            lines.append(f"accounts.{slug}: {needed}")
    return lines


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_api(account: dict[str, Any], shared: dict[str, Any], slug: str) -> dict[str, Any]:
    if not isinstance(account.get("api", {}), dict):
        return {**account, "slug": slug}
    own = _table(account.get("api"))
    methods = {**_table(shared.get("methods")), **_table(own.get("methods"))}
    return {**account, "slug": slug, "api": {**shared, **own, "methods": methods}}


class _Secrets:
    """Replaces ``*_env`` and ``*_file`` keys by the secrets that they refer to."""

    def __init__(self, env: Mapping[str, str], folder: Path, demo: bool) -> None:
        self.env, self.folder, self.demo = env, folder, demo
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def resolve(self, table: dict[str, Any], where: str) -> dict[str, Any]:
        result = dict(table)
        for name in SECRET_KEYS:
            given = [key for key in (name, f"{name}_env", f"{name}_file") if key in result]
            if len(given) > 1:
                self.problems.append(
                    f"{where}.{name}: given more than once ({', '.join(given)}); remove all but one"
                )
            for key in given:
                value = result.pop(key)
                secret = self._read(key, value, f"{where}.{key}", plain=key == name)
                if secret is not None:
                    result[name] = SecretStr(secret)
        return result

    def _read(self, key: str, value: object, where: str, *, plain: bool) -> str | None:
        if not isinstance(value, str):
            self.problems.append(f"{where}: must be text")
        elif plain and key != "redis_url":
            if self.demo:
                self.warnings.append(
                    f"{where}: a secret in the file itself; outside the demo, use {key}_env"
                )
                return value
            self.problems.append(
                f"{where}: the file must not contain secrets; use {key}_env or {key}_file"
            )
        elif plain:
            return value
        elif key.endswith("_env"):
            if self.env.get(value):
                return self.env[value]
            # A value that does not look like a variable's name may be the secret itself.
            name = value if re.fullmatch("[A-Z][A-Z0-9_]*", value) else "with this name"
            self.problems.append(f"{where}: the environment variable {name} is not set; set it")
        else:
            return self._read_file(self.folder / value, where)
        return None

    def _read_file(self, path: Path, where: str) -> str | None:
        try:
            secret = path.read_text(encoding="utf-8").strip()
            if _can_be_read_by_others(path):
                self.warnings.append(f"{where}: other users can read {path}; run: chmod 600 {path}")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self.problems.append(f"{where}: {path} cannot be read ({why})")
            return None
        if not secret:
            self.problems.append(f"{where}: {path} is empty")
        return secret or None


_MESSAGES = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("tuple_type", "frozen_set_type"), 'must be a list, such as ["…", "…"]'),
    **dict.fromkeys(("dict_type", "model_type"), "must be a table"),
    "too_short": "must contain at least one entry",
    "string_type": "must be text, in quotation marks",
    "string_pattern_mismatch": "must be three capital letters, such as USD",  # only currency has a pattern
}


def describe_mistakes(error: ValidationError, raw: dict[str, Any]) -> list[str]:
    """One line for each mistake that pydantic found, with the key as it is written in the file."""
    lines = []
    for mistake in error.errors(include_input=False, include_url=False):
        loc = [part for part in mistake["loc"] if part != "[key]"]
        if loc[2:3] == ["api"] and "api" not in _table(
            _table(raw.get("accounts")).get(str(loc[1]))
        ):
            continue  # in the shared [api] table, which is merged into each account and reported once
        key = ".".join(str(part) for part in loc)
        if mistake["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key{did_you_mean(str(loc[-1]), _known_keys(loc[:-1]))}")
        elif mistake["type"] == "missing":
            lines.append(
                f"{key}: missing" + ("; add at least one account" if key == "accounts" else "")
            )
        else:
            message = _MESSAGES.get(mistake["type"], mistake["msg"].removeprefix("Value error, "))
            lines.append(f"{key}: {message[:1].lower()}{message[1:]}")
    return lines


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint for a misspelled word, empty if no known word is similar."""
    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _known_keys(loc: list[int | str]) -> list[str]:
    sections: dict[str, type[_Section]] = {"server": Server, "cache": Cache, "api": Api}
    name = str(loc[-1]) if loc else ""
    section = sections.get(name, Account if loc else _File)
    fields = [field for field in section.model_fields if field != "slug"]
    return [f"{field}_env" if field in SECRET_KEYS[:5] else field for field in fields]
