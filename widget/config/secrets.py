"""Reads secrets from the environment and from files, so that ``widgets.toml`` contains none."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

SECRET_KEYS = (
    "password",
    "partner_password",
    "viewer_password_hash",
    "embed_secret",
    "studio_password_hash",
    "redis_url",
)
"""Keys whose values may come from the environment (``KEY_env``) or from a file (``KEY_file``)."""

KEYS_ALLOWED_IN_THE_FILE = ("redis_url",)  # a URL of Redis often contains no password

Toml = dict[str, Any]
"""A table as it is in the file. Nothing is known about its values yet."""

VARIABLE_NAME = re.compile("[A-Z][A-Z0-9_]*")


def must_be_outside(key: str) -> bool:
    """Whether the value of a key is a secret that the file itself must not contain."""
    return key in SECRET_KEYS and key not in KEYS_ALLOWED_IN_THE_FILE


def variants(name: str) -> tuple[str, str, str]:
    """The keys in which a secret can be given."""
    return name, f"{name}_env", f"{name}_file"


def can_be_read_by_others(path: Path) -> bool:
    """Whether users other than the owner may read a file."""
    mode = path.stat().st_mode
    read_bits_of_others = stat.S_IRGRP | stat.S_IROTH
    return bool(mode & read_bits_of_others)


class SecretReader:
    """Replaces ``KEY_env`` and ``KEY_file`` by the secrets that they refer to.

    Args:
        env: the environment.
        folder: the folder that relative paths start from.
        allow_plain: whether secrets in the file itself are accepted, as in the demonstration.
        require_variables: whether a variable that is not set is a mistake.

    Attributes:
        mistakes: what is wrong with the tables that were resolved, one line each.
        warnings: what the operator should know about them.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        folder: Path,
        *,
        allow_plain: bool,
        require_variables: bool = True,
    ) -> None:
        self.mistakes: list[str] = []
        self.warnings: list[str] = []
        self._env = env
        self._folder = folder
        self._allow_plain = allow_plain
        self._require_variables = require_variables

    def resolve(self, table: Toml, where: str) -> Toml:
        """A copy of a table with its secrets; ``where`` is the name of the table."""
        resolved = dict(table)
        for name in SECRET_KEYS:
            keys = [key for key in variants(name) if key in table]
            if len(keys) > 1:
                listed = ", ".join(keys)
                self._add_mistake(
                    f"{where}.{name}",
                    f"given more than once ({listed}); remove all but one",
                )
            for key in keys:
                # Removed in any case: a variant that is left would be reported as unknown as well.
                value = resolved.pop(key)
                secret = self._read(name, key, value, f"{where}.{key}")
                if secret is not None:
                    # In a type that prints as stars, wherever the settings end up.
                    resolved[name] = SecretStr(secret)
        return resolved

    def _add_mistake(self, where: str, problem: str) -> None:
        self.mistakes.append(f"{where}: {problem}")

    def _read(
        self,
        name: str,
        key: str,
        value: object,
        where: str,
    ) -> str | None:
        """The secret that a key refers to; None if there is a mistake.

        Args:
            name: the name of the secret.
            key: the variant of the name that the table has.
            value: its value in the table.
            where: the table and the key, for the mistake.
        """
        _, env_key, file_key = variants(name)
        if not isinstance(value, str):
            self._add_mistake(where, "must be text")
            return None
        if key == env_key:
            return self._read_variable(value, where)
        if key == file_key:
            # An absolute path replaces the folder.
            path = self._folder / value
            return self._read_file(path, where)
        if not must_be_outside(name):
            return value
        if self._allow_plain:
            self.warnings.append(
                f"{where}: a secret in the file itself; outside the demo, use {env_key}"
            )
            return value
        self._add_mistake(
            where,
            f"the file must not contain secrets; use {env_key} or {file_key}",
        )
        return None

    def _read_variable(self, name: str, where: str) -> str | None:
        secret = self._env.get(name)
        # An empty variable is treated as missing: nobody means an empty password.
        if secret:
            return secret
        is_name = VARIABLE_NAME.fullmatch(name)
        if is_name and not self._require_variables:
            return None
        variable = name
        # A value that does not look like a variable's name may be the secret itself.
        if not is_name:
            variable = "with this name"
        self._add_mistake(
            where,
            f"the environment variable {variable} is not set; set it, or add it to secrets.env",
        )
        return None

    def _read_file(self, path: Path, where: str) -> str | None:
        try:
            secret = path.read_text(encoding="utf-8").strip()
            is_exposed = can_be_read_by_others(path)
        except UnicodeDecodeError:
            self._add_mistake(where, f"{path} cannot be read (it is not UTF-8)")
            return None
        except OSError as error:
            self._add_mistake(where, f"{path} cannot be read ({error.strerror})")
            return None
        if is_exposed:
            self.warnings.append(f"{where}: other users can read {path}; run: chmod 600 {path}")
        if not secret:
            self._add_mistake(where, f"{path} is empty")
            return None
        return secret
