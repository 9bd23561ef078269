"""Files to deploy the service with: templates, filled in from the configuration.

``docs/deploy`` contains them as well, filled in from an example.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from widget import __version__, paths
from widget.config import Settings
from widget.config.secrets_file import SECRETS_FILE
from widget.errors import OperatorError

TEMPLATES = {
    "nginx": "nginx.conf",
    "caddy": "Caddyfile",
    "systemd": "cabinet-widgets.service",
    "compose": "compose.yaml",
}
"""The names of the files."""

BEHIND_TLS = ("nginx", "caddy")
"""Files for a web server that has a certificate for the public URL."""

LETS_ENCRYPT = Path("/etc/letsencrypt/live")

PROGRAM = Path("/opt/cabinet-widgets/bin/cabinet-widgets")
"""Where the documentation installs the command."""

PLAIN_PATH = re.compile(r"[\w/.@+~-]*")
"""Paths that mean the same in all of the files. In others, spaces and ``%`` need an escape."""

HTTP2_DIRECTIVE = (1, 25, 1)
"""The version of nginx that introduced ``http2 on``."""

WORKERS = {
    "SimpleCache": 1,
    "FileSystemCache": 2,
    "RedisCache": 2,
}
"""How many processes share a cache on one machine, by its type."""
REPLICAS = {
    "SimpleCache": 1,
    "FileSystemCache": 1,
    "RedisCache": 2,
}
"""How many containers share it: their file systems are separate."""

HOMES = (Path("/home"), Path("/root"))
"""Folders that the systemd unit hides from the service."""


@dataclass(frozen=True)
class Values:
    """What the templates contain.

    Attributes:
        public_url: the URL that visitors use.
        bind: the address and port at which the service listens.
        certificate: the file of the certificate with its chain; empty if there is none yet.
        key: the file of its private key.
        has_http2_directive: whether nginx is a version that warns about the older notation.
        has_own_certificate: whether it was named, instead of obtained from Let's Encrypt.
        config: the configuration file.
        secrets: the file of the secrets.
        has_secrets: whether it exists.
        program: the command ``cabinet-widgets``.
        workers: how many processes can share the cache on one machine.
        replicas: how many containers can share it.
    """

    public_url: str
    bind: str
    certificate: str
    key: str
    has_http2_directive: bool
    has_own_certificate: bool
    config: str
    secrets: str
    has_secrets: bool
    program: str
    workers: int
    replicas: int


EXAMPLE = Values(
    public_url="https://widgets.example.com",
    bind="127.0.0.1:8000",
    certificate="/etc/letsencrypt/live/widgets.example.com/fullchain.pem",
    key="/etc/letsencrypt/live/widgets.example.com/privkey.pem",
    has_http2_directive=False,
    has_own_certificate=False,
    config="/etc/cabinet-widgets/widgets.toml",
    secrets="/etc/cabinet-widgets/secrets.env",
    has_secrets=True,
    program=str(PROGRAM),
    workers=2,
    replicas=2,
)
"""The values in the documentation."""

CONTAINER_EXAMPLE = replace(EXAMPLE, config="./widgets.toml", secrets="secrets.env")
"""The same for containers, whose files are next to each other."""


def example(what: str) -> str:
    """A file as it is in the documentation."""
    if what == "compose":
        return render(what, CONTAINER_EXAMPLE)
    return render(what, EXAMPLE)


def example_without_certificate() -> str:
    """The file for nginx before there is a certificate, as it is in the documentation."""
    return render("nginx", replace(EXAMPLE, certificate="", key=""))


def render(what: str, values: Values) -> str:
    """A file, filled in.

    Args:
        what: one of ``TEMPLATES``.
        values: what it contains.
    """
    environment = Environment(
        loader=FileSystemLoader(paths.templates() / "deploy"),
        autoescape=select_autoescape(),  # for HTML only
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    url = urlsplit(values.public_url)
    template = environment.get_template(TEMPLATES[what])
    return template.render(
        **asdict(values),
        domain=url.hostname,
        host=url.netloc,
        port=url.port or 443,
        path=url.path,
        version=__version__,
    )


def fill_in(
    what: str,
    settings: Settings,
    config: Path,
    bind: str,
    certificate: tuple[str, str] | None,
) -> str:
    """A file for a configuration.

    Args:
        what: one of ``TEMPLATES``.
        settings: the configuration.
        config: its file.
        bind: the address and port at which the service listens.
        certificate: the files of a certificate and its key; None for that of Let's Encrypt, as soon
            as it exists.

    Raises:
        OperatorError: the public URL is not one that others can use, or a path cannot be written.
    """
    public_url = settings.server.public_url
    if what in BEHIND_TLS and not public_url.startswith("https:"):
        raise OperatorError(
            f"server.public_url is {public_url}; set it to the address that visitors will use,"
            " which begins with https://"
        )
    domain = urlsplit(public_url).hostname or ""
    certificate_path, key_path = certificate or lets_encrypt(domain)
    secrets = config.parent / SECRETS_FILE
    values = Values(
        public_url=public_url,
        bind=bind,
        certificate=certificate_path,
        key=key_path,
        has_http2_directive=installed_nginx() >= HTTP2_DIRECTIVE,
        has_own_certificate=certificate is not None,
        config=str(config),
        secrets=str(secrets),
        has_secrets=secrets.exists(),
        program=str(installed_program()),
        workers=WORKERS[settings.cache.type],
        replicas=REPLICAS[settings.cache.type],
    )
    check_paths(values)
    return render(what, values)


def check_paths(values: Values) -> None:
    """Make sure that the paths mean the same in the files.

    Raises:
        OperatorError: one contains a space or another special character.
    """
    for path in (values.certificate, values.key, values.config, values.program):
        if not PLAIN_PATH.fullmatch(path):
            raise OperatorError(
                f"{path}: such a path cannot be part of these files; use one that consists of"
                " letters, digits and / . _ -"
            )


def lets_encrypt(domain: str) -> tuple[str, str]:
    """The files of a domain's certificate and key from Let's Encrypt; empty if there are none."""
    folder = LETS_ENCRYPT / domain
    certificate = folder / "fullchain.pem"
    # False as well if only root may see it.
    if not os.path.exists(certificate):
        return "", ""
    return str(certificate), str(folder / "privkey.pem")


def installed_nginx() -> tuple[int, ...]:
    """The version of nginx on this machine; empty if there is none."""
    # It is often in a folder that is not in the search path of users.
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    try:
        ran = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", ran.stderr)
    if not match:
        return ()
    return tuple(map(int, match.groups()))


def installed_program() -> Path:
    """The command ``cabinet-widgets`` of this installation."""
    program = Path(sys.executable).with_name("cabinet-widgets")
    if program.exists():
        return program
    return PROGRAM


def warnings(what: str, config: Path) -> list[str]:
    """What may prevent the service from working with a file."""
    if what != "systemd":
        return []
    found = []
    for path in (config, installed_program()):
        way = (*reversed(path.parents), path)
        closed = [str(each) for each in way if not can_be_read_by_all(each)]
        if any(path.is_relative_to(home) for home in HOMES):
            found.append(
                f"warning: {path} is in a folder that the service cannot read; install the program"
                " in /opt/cabinet-widgets, and put the configuration into /etc/cabinet-widgets"
            )
        elif closed:
            found.append(
                f"warning: the user of the service cannot read {path}; run:"
                f" chmod o+rX {' '.join(closed)}"
            )
    return found


def can_be_read_by_all(path: Path) -> bool:
    """Whether all users may read a file, or go through a folder; True if it does not exist."""
    if not path.exists():
        return True
    needed = stat.S_IROTH
    if path.is_dir():
        needed = stat.S_IXOTH
    return bool(path.stat().st_mode & needed)
