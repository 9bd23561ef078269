"""One account without a file: its settings come from environment variables, for containers."""

from collections.abc import Mapping
from typing import Any

from widget.config.values import proxies_before

VARIABLES = {
    "CABINET_WIDGETS_LOGIN": "accounts.main.login",
    "CABINET_WIDGETS_PASSWORD": "accounts.main.password_env",
    "CABINET_WIDGETS_NAME": "accounts.main.name",
    "CABINET_WIDGETS_CURRENCY": "accounts.main.currency",
    "CABINET_WIDGETS_TIMEZONE": "accounts.main.timezone",
    "CABINET_WIDGETS_API": "api.base_url",
    "CABINET_WIDGETS_DIALECT": "api.dialect",
    "CABINET_WIDGETS_API_TIMEZONE": "api.timezone",
    "CABINET_WIDGETS_PUBLIC_URL": "server.public_url",
    "CABINET_WIDGETS_TRUSTED_PROXIES": "server.trusted_proxies",
}
"""The keys that the variables stand for. Only the login is required."""


def present(env: Mapping[str, str]) -> list[str]:
    """The variables that an environment has. An empty one counts as missing."""
    return [name for name in VARIABLES if env.get(name)]


def document(env: Mapping[str, str]) -> dict[str, Any]:
    """What a configuration file with the same settings would contain."""
    account: dict[str, Any] = {}
    server: dict[str, Any] = {}
    api: dict[str, Any] = {}
    tables = {"accounts.main": account, "server": server, "api": api}
    for name in present(env):
        section, _, key = VARIABLES[name].rpartition(".")
        value: str | int = env[name]
        if key == "password_env":
            value = name
        elif env[name].isdecimal() and key in ("login", "trusted_proxies"):
            value = int(env[name])
        tables[section][key] = value
    server.setdefault("trusted_proxies", proxies_before(str(server.get("public_url"))))
    return {"server": server, "api": api, "accounts": {"main": account}}
