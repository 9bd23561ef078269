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

VARIABLE_NAME = re.compile("[A-Z][A-Z0-9_]*")


def must_be_outside(key: str) -> bool:
    """Whether the value of a key is a secret that the file itself must not contain."""
    return key in SECRET_KEYS and key not in KEYS_ALLOWED_IN_THE_FILE


def variants(name: str) -> tuple[str, str, str]:
    """The keys in which a secret can be given."""
    return name, f"{name}_env", f"{name}_file"


def can_be_read_by_others(path: Path) -> bool:
    """Whether users other than the owner may read a file."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


class SecretReader:
    """Replaces ``KEY_env`` and ``KEY_file`` by the secrets that they refer to.

    Args:
        env: the environment.
        folder: the folder that relative paths start from.
        allow_plain: whether secrets in the file itself are accepted, as in the demonstration.

    Attributes:
        mistakes: what is wrong with the tables that were resolved, one line each.
        warnings: what the operator should know about them.
    """

    def __init__(self, env: Mapping[str, str], folder: Path, *, allow_plain: bool) -> None:
        self.mistakes: list[str] = []
        self.warnings: list[str] = []
        self._env = env
        self._folder = folder
        self._allow_plain = allow_plain

    def resolve(self, table: dict[str, Any], where: str) -> dict[str, Any]:
        """A copy of a table with its secrets; ``where`` is the name of the table."""
        resolved = dict(table)
        for name in SECRET_KEYS:
            keys = [key for key in variants(name) if key in table]
            if len(keys) > 1:
                listed = ", ".join(keys)
                self.mistakes.append(
                    f"{where}.{name}: given more than once ({listed}); remove all but one"
                )
            for key in keys:
                # Removed in any case: a variant that is left would be reported as unknown as well.
                value = resolved.pop(key)
                secret = self._read(name, key, value, f"{where}.{key}")
                if secret is not None:
                    resolved[name] = SecretStr(secret)
        return resolved

    def _read(self, name: str, key: str, value: object, where: str) -> str | None:
        _, env_key, file_key = variants(name)
        if not isinstance(value, str):
            self.mistakes.append(f"{where}: must be text")
            return None
        if key == env_key:
            return self._read_variable(value, where)
        if key == file_key:
            return self._read_file(self._folder / value, where)
        if not must_be_outside(name):
            return value
        if self._allow_plain:
            self.warnings.append(
                f"{where}: a secret in the file itself; outside the demo, use {env_key}"
            )
            return value
        self.mistakes.append(
            f"{where}: the file must not contain secrets; use {env_key} or {file_key}"
        )
        return None

    def _read_variable(self, name: str, where: str) -> str | None:
        secret = self._env.get(name)
        # An empty variable is treated as missing: nobody means an empty password.
        if secret:
            return secret
        # A value that does not look like a variable's name may be the secret itself.
        shown = name if VARIABLE_NAME.fullmatch(name) else "with this name"
        self.mistakes.append(f"{where}: the environment variable {shown} is not set; set it")
        return None

    def _read_file(self, path: Path, where: str) -> str | None:
        try:
            secret = path.read_text(encoding="utf-8").strip()
            is_exposed = can_be_read_by_others(path)
        except UnicodeDecodeError:
            self.mistakes.append(f"{where}: {path} cannot be read (it is not UTF-8)")
            return None
        except OSError as error:
            self.mistakes.append(f"{where}: {path} cannot be read ({error.strerror})")
            return None
        if is_exposed:
            self.warnings.append(f"{where}: other users can read {path}; run: chmod 600 {path}")
        if not secret:
            self.mistakes.append(f"{where}: {path} is empty")
            return None
        return secret
