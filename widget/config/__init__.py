"""The settings: reads ``widgets.toml`` and reports all mistakes at once, each with its key."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from widget.config import secrets_file, variables
from widget.config.mistakes import (
    describe_mistakes,
    describe_toml_error,
    keys_with_passwords,
    malformed_slugs,
    missing_dependencies,
    replace_keys,
    secret_keys,
    subtable,
    unknown_widgets,
    written_slugs,
)
from widget.config.secrets import (
    SECRET_KEYS,
    SecretReader,
    Toml,
    can_be_read_by_others,
    must_be_outside,
)
from widget.config.secrets_file import SECRETS_FILE
from widget.config.values import (
    FOLDER,
    BaseUrl,
    CaFile,
    Clock,
    EmbedSecret,
    FigureName,
    FilePath,
    Language,
    Link,
    Method,
    Name,
    Network,
    NetworkValue,
    Origin,
    PasswordHash,
    PublicUrl,
    RedisUrl,
    Seconds,
    Zone,
    split_keys,
    zones,
)
from widget.errors import ConfigError, OperatorError
from widget.names import Function

__all__ = [
    "SECRET_KEYS",
    "Account",
    "Api",
    "Cache",
    "Network",
    "Server",
    "Settings",
    "load",
    "load_from_variables",
    "parse",
    "zones",
]


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(
        frozen=True,  # settings are shared by all threads
        extra="forbid",  # a misspelled key must not be ignored
        hide_input_in_errors=True,  # a value may be a secret
        arbitrary_types_allowed=True,  # time zones and networks
    )


class Server(Section):
    """The service itself."""

    public_url: PublicUrl = "http://127.0.0.1:8000"
    # TOML has types, so a value of another type is a mistake. Hence strict, here and below:
    # pydantic would turn true into 1.
    trusted_proxies: int = Field(0, ge=0, le=16, strict=True)
    studio: bool = Field(False, strict=True)
    studio_password_hash: PasswordHash | None = None
    patience_seconds: float = Field(0.5, gt=0, le=60, strict=True)
    """How long a request waits at most for figures that are newer than cached ones."""

    @property
    def path(self) -> str:
        """The path of ``public_url``, which the proxy in front removes; usually empty."""
        return urlsplit(self.public_url).path


class Cache(Section):
    """Where responses of the API are cached; ``type`` is passed to Flask-Caching."""

    # Only what has been tested: Flask-Caching knows more.
    type: Literal["SimpleCache", "FileSystemCache", "RedisCache"] = "SimpleCache"
    redis_url: RedisUrl | None = None
    dir: FilePath = Path("/var/cache/cabinet-widgets")
    keep_seconds: Seconds = 86400
    """The maximum age, in seconds, of a cached response that is served while the API fails."""


class Api(Section):
    """One Client Cabinet API: its address, its dialect and its limits."""

    dialect: Literal["client-api", "cabinet-basic"] = "client-api"
    base_url: BaseUrl = "https://client-api.instaforex.com"
    # The zone of times that the API sends without one, unlike an account's time zone.
    timezone: Clock = ZoneInfo("UTC")
    # Numbers should count the seconds of UTC. Some servers count those of their own clock.
    unix_times: Literal["utc", "local"] = "utc"
    deadline_seconds: float = Field(8.0, gt=0, le=120, strict=True)
    # 32 MiB, enough for 100,000 trades.
    max_response_bytes: int = Field(33554432, ge=1024, strict=True)
    ca_file: CaFile = ""
    proxy: str = Field("", repr=False)  # its URL may contain a password
    methods: dict[Function, Method] = {}


TTL_SECONDS: dict[Function, float] = {
    "balance": 15,
    "open_trades": 15,
    "closed_trades": 60,
    "lots": 60,
}
"""How long a result is fresh, by function, unless ``ttl_seconds`` of the account says otherwise."""

DEFAULT_TTL_SECONDS = 300.0
"""The same for all other functions."""


class Account(Section):
    """One trading account: how its figures are fetched, and who may see which of them."""

    slug: str
    login: int = Field(gt=0, repr=False)  # never in a log
    password: SecretStr | None = None
    partner_password: SecretStr | None = None
    # Who the account belongs to, for visitors.
    name: Name | None = None
    link: Link | None = None
    kind: Literal["real", "demo"] | None = None
    # What its page contains in addition to the widgets.
    about: str = Field("", max_length=2000)
    notice: str = Field("", max_length=500)
    page: bool = Field(True, strict=True)
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    timezone: Zone = ZoneInfo("UTC")
    """The account's days begin at midnight in this zone."""
    lang: Language = "en"
    # None leaves the choice to the registry, whose default depends on the widgets that exist.
    widgets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    access: Literal["open", "closed"] = "open"
    viewer_password_hash: PasswordHash | None = None
    allowed_networks: tuple[NetworkValue, ...] = ()
    # None depends on access: anyone may frame an open account, nobody a closed one.
    allowed_origins: tuple[Origin, ...] | None = None
    embed_secret: EmbedSecret | None = None
    hide: frozenset[FigureName] = frozenset()
    amounts: Literal["money", "percent"] = "money"
    delay_minutes: int = Field(0, ge=0, le=1440, strict=True)
    ttl_seconds: dict[Function, Seconds] = {}
    api: Api = Api()

    @property
    def embed_keys(self) -> tuple[bytes, ...]:
        """The secrets that sign tokens, newest first."""
        if self.embed_secret is None:
            return ()
        return split_keys(self.embed_secret)

    @property
    def is_private(self) -> bool:
        """Whether responses are for one visitor only and must not be stored by shared caches."""
        return self.access == "closed" or bool(self.allowed_networks)

    @property
    def delay_seconds(self) -> int:
        """How long ago the account is displayed as it was; 0 without a delay."""
        return self.delay_minutes * 60

    def ttl(self, function: Function) -> float:
        """The time to live, in seconds, of a function's cached response."""
        default = TTL_SECONDS.get(function, DEFAULT_TTL_SECONDS)
        return self.ttl_seconds.get(function, default)


class File(Section):
    """The tables that ``widgets.toml`` may contain."""

    server: Server = Server()
    cache: Cache = Cache()
    api: Api = Api()
    accounts: dict[str, Account] = Field(min_length=1)


class Settings(File):
    """The contents of ``widgets.toml``. The shared ``api`` table is merged into each account's own.

    Attributes:
        demo: whether this is the demonstration, which needs no secrets.
        warnings: what the operator should know, one line each.
        written_keys: how the operator wrote keys that have another name elsewhere.
    """

    demo: bool = False
    warnings: tuple[str, ...] = ()
    written_keys: dict[str, str] = {}

    def as_written(self, text: str) -> str:
        """A text in which each key has the name that the operator wrote."""
        return replace_keys(text, self.written_keys)


SECTIONS: dict[str, type[Section]] = {
    "server": Server,
    "cache": Cache,
    "api": Api,
}
"""The tables by their names; all others are those of accounts."""


def known_keys(section: list[str]) -> list[str]:
    """The keys of a section of the file, to suggest one for a misspelled key.

    Args:
        section: its path: nothing for the file itself, ``["accounts", "main", "api"]`` for a table.
    """
    model: type[Section] = File
    if section:
        # Tables that are not named after their kind are accounts.
        model = SECTIONS.get(section[-1], Account)
    keys = []
    for field in model.model_fields:
        # An account's slug is the name of its table, not a key.
        if field == "slug":
            continue
        # The file must not contain the secret itself, so its variable is suggested.
        if must_be_outside(field):
            keys.append(f"{field}_env")
        else:
            keys.append(field)
    return keys


def load(path: Path, env: Mapping[str, str], widgets: Collection[str]) -> Settings:
    """Read and check a configuration file, and the ``secrets.env`` next to it.

    Args:
        path: the file.
        env: the environment, in which ``*_env`` secrets are looked for first.
        widgets: the names of all widgets.

    Raises:
        OperatorError: a file cannot be read, or is malformed.
        ConfigError: the file has mistakes; all of them are listed.
    """
    document = read_toml(path)
    secrets = secrets_file.read(path.parent / SECRETS_FILE)
    # An empty variable counts as missing, here too.
    present = {name: value for name, value in env.items() if value}
    merged = {**secrets.values, **present}
    try:
        settings = parse(document, merged, widgets, folder=path.parent, demo=False)
    except ConfigError as error:
        # A file that cannot be read may be why secrets are missing.
        if not secrets.problem:
            raise
        raise ConfigError([*error.problems, secrets.problem]) from None
    found = [secrets.warning, warning_about_passwords(document, path)]
    warnings = [*settings.warnings, *filter(None, found)]
    return settings.model_copy(update={"warnings": tuple(warnings)})


def load_from_variables(env: Mapping[str, str], widgets: Collection[str]) -> Settings:
    """Read the settings of one account from environment variables, see ``config.variables``.

    Args:
        env: the environment.
        widgets: the names of all widgets.

    Raises:
        ConfigError: the settings have mistakes; each names its variable.
    """
    names = {key: name for name, key in variables.VARIABLES.items()}
    document = variables.document(env)
    try:
        settings = parse(document, env, widgets, folder=Path(), demo=False)
    except ConfigError as error:
        problems = [replace_keys(problem, names) for problem in error.problems]
        raise ConfigError(problems) from None
    return settings.model_copy(update={"written_keys": names})


def warning_about_passwords(document: Toml, path: Path) -> str:
    """That others can read a file that contains passwords; empty if they cannot."""
    keys = keys_with_passwords(document)
    if not keys:
        return ""
    if not can_be_read_by_others(path):
        return ""
    listed = ", ".join(keys)
    return f"{listed}: contains a password, and other users can read {path}; run: chmod 600 {path}"


def read_toml(path: Path) -> Toml:
    """Parse a file; OperatorError says why it cannot be read or is not TOML."""
    try:
        # Editors on Windows write a byte order mark first, which utf-8-sig skips.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = "no such file; create it with `cabinet-widgets init`"
    except PermissionError as error:
        problem = f"cannot be read ({error.strerror}); fix its permissions"
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); give the path of the file itself"
    except UnicodeDecodeError:
        problem = "is not UTF-8; save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        problem = describe_toml_error(str(error))
    raise OperatorError(f"{path}: {problem}")


def parse(
    document: Toml,
    env: Mapping[str, str],
    widgets: Collection[str],
    *,
    folder: Path,
    demo: bool,
    require_variables: bool = True,
) -> Settings:
    """Check a parsed file and turn it into settings.

    Args:
        document: the parsed file.
        env: the environment that ``*_env`` secrets are read from.
        widgets: the names of all widgets.
        folder: the folder that relative paths start from.
        demo: whether secrets in the file itself are accepted.
        require_variables: whether a variable that is not set is a mistake.

    Raises:
        ConfigError: the settings have mistakes; all of them are listed.
    """
    secrets = SecretReader(env, folder, allow_plain=demo, require_variables=require_variables)
    resolved = resolve(document, secrets)
    # A set, because the shared API's mistakes would be found once for each account.
    mistakes = {
        *secrets.mistakes,
        *malformed_slugs(document),
        *written_slugs(document),
        *unknown_widgets(document, widgets),
        *missing_dependencies(document, is_demo=demo),
    }
    names = secret_keys(document)
    try:
        file = File.model_validate(resolved, context={FOLDER: folder})
    except ValidationError as error:
        for mistake in describe_mistakes(error, document, known_keys):
            mistakes.add(replace_keys(mistake, names))
        # Without its cause: pydantic's error contains the values.
        raise ConfigError(sorted(mistakes)) from None
    if mistakes:
        raise ConfigError(sorted(mistakes))
    warnings = (*secrets.warnings, *unused_passwords(file))
    return Settings(**dict(file), demo=demo, warnings=warnings, written_keys=names)


def resolve(document: Toml, secrets: SecretReader) -> Toml:
    """The document with secrets in their places and the shared API in each account."""
    resolved = dict(document)
    for name in ("server", "cache"):
        table = document.get(name)
        # Pydantic reports other values.
        if isinstance(table, dict):
            resolved[name] = secrets.resolve(table, name)
    # If there are none, pydantic reports that too.
    if "accounts" in document:
        resolved["accounts"] = resolve_accounts(document, secrets)
    return resolved


def resolve_accounts(document: Toml, secrets: SecretReader) -> Toml:
    """The accounts with their secrets, with the shared API and with their slugs."""
    shared_api = subtable(document, "api")
    accounts: Toml = {}
    for slug, table in subtable(document, "accounts").items():
        if not isinstance(table, dict):
            accounts[slug] = table
            continue  # pydantic reports it
        account = secrets.resolve(table, f"accounts.{slug}")
        account = with_shared_api(account, shared_api)
        accounts[slug] = {**account, "slug": slug}
    return accounts


def with_shared_api(account: Toml, shared: Toml) -> Toml:
    """An account whose ``api`` has the shared keys that it does not set itself."""
    own = account.get("api", {})
    if not isinstance(own, dict):
        return account  # pydantic reports it
    # Merged one level deeper than the rest, so that an account can change a single path.
    methods = {**subtable(shared, "methods"), **subtable(own, "methods")}
    api = {**shared, **own, "methods": methods}
    return {**account, "api": api}


def unused_passwords(file: File) -> list[str]:
    """Warnings about viewer passwords of open accounts, which are never asked for."""
    warnings = []
    for slug, account in file.accounts.items():
        is_open = account.access == "open"
        if is_open and account.viewer_password_hash:
            warnings.append(
                f'accounts.{slug}: has a viewer password but is open; set access = "closed"'
            )
    return warnings
