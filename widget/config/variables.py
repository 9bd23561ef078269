"""One account without a file: its settings come from environment variables, for containers."""

from collections.abc import Mapping

from widget.config.secrets import Toml
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

NUMBERS = ("login", "trusted_proxies")
"""Keys whose values are numbers. Environment variables are text."""


def present(env: Mapping[str, str]) -> list[str]:
    """The variables that an environment has. An empty one counts as missing."""
    return [name for name in VARIABLES if env.get(name)]


def document(env: Mapping[str, str]) -> Toml:
    """What a configuration file with the same settings would contain."""
    tables: dict[str, Toml] = {
        "accounts.main": {},
        "server": {},
        "api": {},
    }
    for name in present(env):
        section, _, key = VARIABLES[name].rpartition(".")
        text = env[name]
        value: str | int = text
        if key == "password_env":
            # A file names the variable too, and does not contain the password.
            value = name
        elif key in NUMBERS and text.isdecimal():
            value = int(text)
        tables[section][key] = value
    server = tables["server"]
    proxies = proxies_before(str(server.get("public_url")))
    server.setdefault("trusted_proxies", proxies)
    return {
        "server": server,
        "api": tables["api"],
        "accounts": {"main": tables["accounts.main"]},
    }
