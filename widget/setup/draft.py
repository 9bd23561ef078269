"""A configuration before it is written: values and secrets by their keys."""

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from widget import config, paths
from widget.config import secrets_file
from widget.config.mistakes import SLUG, account_tables, subtable
from widget.config.secrets import must_be_outside
from widget.config.values import did_you_mean, proxies_before
from widget.config.writing import TomlValue, fill_in, from_text, name_of, section_of, tables
from widget.errors import OperatorError
from widget.widgets import registry

KEY = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)

DEFAULT_SLUG = "main"
"""The account of the template."""

VARIABLES = {
    "password": "{prefix}_API_PASSWORD",
    "partner_password": "{prefix}_PARTNER_PASSWORD",
    "viewer_password_hash": "{prefix}_VIEWER_HASH",
    "embed_secret": "{prefix}_EMBED_SECRET",
    "studio_password_hash": "STUDIO_HASH",
}
"""The environment variables that contain the secrets, by their keys."""


@dataclass
class Draft:
    """The values to write.

    Attributes:
        path: the file to write.
        slug: the name of the new account.
        existing: the file to which the account is added; empty for a new file.
        values: by key, such as ``accounts.main.login``.
        secrets: passwords, secrets and hashes, by the names of their variables.
    """

    path: Path
    slug: str
    existing: str = ""
    values: dict[str, TomlValue] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets_path(self) -> Path:
        """The file for the secrets."""
        return self.path.parent / secrets_file.SECRETS_FILE

    def key(self, name: str) -> str:
        """The full key of a setting of the account."""
        return f"accounts.{self.slug}.{name}"

    def api_key(self, name: str) -> str:
        """The full key of a setting of the API: the shared one, unless an account is added."""
        if self.existing:
            return self.key(f"api.{name}")
        return f"api.{name}"

    def shared_api(self) -> str:
        """The address of the API that all accounts of the existing file share; empty if none."""
        if not self.existing:
            return ""
        document = tomllib.loads(self.existing)
        api = subtable(document, "api")
        return str(api.get("base_url", ""))

    def set_text(self, key: str, text: str) -> None:
        """Set a value that was written as text. Secrets are stored outside of the file."""
        if must_be_outside(name_of(key)):
            self.add_secret(key, text)
        else:
            self.values[key] = from_text(text)

    def with_values(self, values: Mapping[str, TomlValue]) -> "Draft":
        """A copy with more values, to try them."""
        return replace(self, values={**self.values, **values})

    def add_secret(self, key: str, secret: str) -> None:
        """Store a secret in a variable, and the name of the variable under its key.

        Raises:
            OperatorError: the file of secrets cannot contain it.
        """
        # Not printable are line breaks, control characters and what is not UTF-8.
        if not secret or not secret.isprintable():
            raise OperatorError(f"{key}: a secret is a text in one line, which must not be empty")
        prefix = variable_prefix(section_of(key))
        variable = VARIABLES[name_of(key)].format(prefix=prefix)
        # The file of secrets is never overwritten, and the environment would win.
        present = secrets_file.read(self.secrets_path)
        taken = {*present.values, *os.environ}
        free = variable
        number = 2
        while free in taken:
            free = f"{variable}_{number}"
            number += 1
        self.values[f"{key}_env"] = free
        self.secrets[free] = secret

    def discard(self, key: str) -> None:
        """Remove a value, or a secret."""
        self.values.pop(key, None)
        variable = self.values.pop(f"{key}_env", "")
        self.secrets.pop(str(variable), None)

    def new_text(self) -> str:
        """What will be written: the whole file, or the table to add."""
        values = dict(self.values)
        proxies = proxies_before(str(values.get("server.public_url")))
        if proxies:
            values.setdefault("server.trusted_proxies", proxies)
        if not self.existing:
            return fill_in(template(self.slug), values)
        separator = "\n"
        if not self.existing.endswith("\n"):
            separator = "\n\n"
        return f"{separator}{tables(values)}"

    def check(self) -> config.Settings:
        """What the file will mean.

        Raises:
            ConfigError: it has mistakes.
        """
        present = secrets_file.read(self.secrets_path)
        variables = {**present.values, **os.environ, **self.secrets}
        text = self.existing + self.new_text()
        return config.parse(
            tomllib.loads(text),
            variables,
            registry.discover(),
            folder=self.path.parent,
            demo=False,
            # They may be set later, where the service runs.
            require_variables=False,
        )

    def write(self) -> None:
        """Write both files. Nothing that exists is overwritten.

        Raises:
            FileExistsError: there is such a file.
            OSError: they cannot be written.
            OperatorError: the file of secrets is not for the user alone.
        """
        # Secrets that nothing refers to are harmless. A file whose secrets are missing is not.
        if self.secrets:
            secrets_file.add(self.secrets_path, self.secrets)
        # Mode x fails if the file exists.
        mode = "x"
        if self.existing:
            mode = "a"
        with self.path.open(mode, encoding="utf-8") as file:
            file.write(self.new_text())


def variable_prefix(section: str) -> str:
    """The beginning of the names of variables for the secrets of a table."""
    name = name_of(section)
    prefix = name.upper().replace("-", "_")
    # Names of variables begin with a letter.
    if prefix[:1].isdigit():
        return f"ACCOUNT_{prefix}"
    return prefix


def template(slug: str) -> str:
    """The commented configuration file, for an account of this name."""
    path = paths.templates() / "widgets.toml"
    text = path.read_text(encoding="utf-8")
    if slug == DEFAULT_SLUG:
        return text
    # Its tables, its name in a comment, and the names of its variables.
    text = text.replace(f"accounts.{DEFAULT_SLUG}", f"accounts.{slug}")
    text = text.replace(f'"{DEFAULT_SLUG}" is', f'"{slug}" is')
    old_prefix = variable_prefix(DEFAULT_SLUG)
    new_prefix = variable_prefix(slug)
    return text.replace(f'"{old_prefix}_', f'"{new_prefix}_')


def create(path: Path, assignments: Iterable[str]) -> Draft:
    """The draft of a new file.

    Args:
        path: the file.
        assignments: ``KEY=VALUE``, as given on the command line.

    Raises:
        OperatorError: the file exists or cannot exist, or an assignment is malformed.
    """
    check_new_path(path)
    pairs = parse_assignments(assignments)
    slug = slug_in(pairs) or DEFAULT_SLUG
    draft = Draft(path, slug)
    assign(draft, pairs)
    return draft


def file_path(text: str) -> Path:
    """The path of a file that the command line names.

    Raises:
        OperatorError: it is the path of a folder. ``Path`` would forget the slash at its end.
    """
    if text.endswith("/"):
        raise OperatorError(f"{text} is a folder; name a file in it, such as {text}widgets.toml")
    return Path(text)


def check_new_path(path: Path) -> None:
    """Make sure that a file can be created.

    Raises:
        OperatorError: it exists, or its folder does not.
    """
    if path.is_dir():
        example = path / "widgets.toml"
        raise OperatorError(f"{path} is a folder; name a file in it, such as {example}")
    if path.exists():
        raise OperatorError(
            f"{path} already exists; remove it first, choose another name, or add an account to it"
            " with --add"
        )
    if not path.parent.exists():
        raise OperatorError(f"there is no folder {path.parent}; run: mkdir -p {path.parent}")


def extend(path: Path, assignments: Iterable[str]) -> Draft:
    """The draft of a file with another account.

    Args:
        path: the file, which exists.
        assignments: ``KEY=VALUE``, as given on the command line.

    Raises:
        OperatorError: the file cannot be read, or an assignment is malformed.
    """
    document = config.read_toml(path)
    existing = path.read_text(encoding="utf-8-sig")
    pairs = parse_assignments(assignments)
    slug = slug_in(pairs) or free_slug(account_tables(document))
    check_slug(slug, existing)
    draft = Draft(path, slug, existing)
    assign(draft, pairs)
    outside = [key for key in draft.values if not key.startswith(f"accounts.{slug}.")]
    if outside:
        raise OperatorError(
            f"--set {outside[0]}: --add only adds an account; change this key in {path}"
        )
    return draft


def free_slug(present: Collection[str]) -> str:
    """A name that no account has."""
    number = len(present) + 1
    while f"account-{number}" in present:
        number += 1
    return f"account-{number}"


def check_slug(slug: str, existing: str) -> None:
    """Make sure that an account can have a name.

    Args:
        slug: the name.
        existing: the file to which it is added; empty for a new one.

    Raises:
        OperatorError: it is malformed, or another account has it.
    """
    if not SLUG.fullmatch(slug):
        raise OperatorError(
            f"accounts.{slug}: an account's name consists of a-z, 0-9 and -, at most 32 characters"
        )
    if slug in account_tables(tomllib.loads(existing)):
        raise OperatorError(f"there is an account {slug} already; choose another name")


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """Texts by key from ``KEY=VALUE``."""
    pairs = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not KEY.fullmatch(key):
            # The value may be a secret.
            raise OperatorError(f"--set {key}: write KEY=VALUE, such as login=1234567")
        pairs[key] = text
    return pairs


def slug_in(pairs: Mapping[str, str]) -> str:
    """The account that assignments are about; empty if they name none."""
    slugs = set()
    for key in pairs:
        match key.split("."):
            case ["accounts", slug, _, *_]:
                slugs.add(slug)
    if len(slugs) > 1:
        listed = ", ".join(sorted(slugs))
        raise OperatorError(f"--set: one account at a time, not {listed}; add others with --add")
    slug = "".join(slugs)
    if slug:
        check_slug(slug, existing="")
    return slug


def assign(draft: Draft, pairs: Mapping[str, str]) -> None:
    """Set the values of assignments."""
    for key, text in pairs.items():
        draft.set_text(full_key(key, draft.slug), text)


def full_key(key: str, slug: str) -> str:
    """A key with its table: ``login`` means ``accounts.main.login``.

    Raises:
        OperatorError: no table has it, or several have.
    """
    if "." in key:
        return key
    found = []
    known = []
    # A secret may also be in a file.
    name = key.removesuffix("_file")
    for section in (f"accounts.{slug}", "api", "server", "cache"):
        names = config.known_keys(section.split("."))
        # Secrets are listed under the names of their variables.
        names += [each.removesuffix("_env") for each in names]
        known += names
        if key in names or name in names:
            found.append(f"{section}.{key}")
    if not found:
        raise OperatorError(f"--set {key}: unknown key{did_you_mean(key, known)}")
    if len(found) > 1:
        raise OperatorError(f"--set {key}: write {' or '.join(found)}")
    return found[0]
