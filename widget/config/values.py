"""The types of values in ``widgets.toml``; each check raises ValueError that says what is wrong."""

import difflib
import ipaddress
import re
import ssl
from collections.abc import Collection
from datetime import timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
)
from werkzeug.security import check_password_hash

from widget.names import FIGURES

MIN_SECRET_BYTES = 32  # as RFC 7518 requires for HS256

FOLDER = "folder"
"""Under this name, the context of a validation has the folder that relative paths start from."""

WERKZEUG_METHOD = "scrypt:32768:8:1"  # what generate_password_hash uses by default
HASH_BEGINNING = re.compile("(scrypt|pbkdf2):")
DIGEST = re.compile("([0-9a-f]{64}){1,2}")  # SHA-256 or SHA-512, in hexadecimal digits
HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+")
PUBLIC_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
PORT = r"(:\d{1,5})?"
ORIGIN = re.compile(rf"https?://((\*\.)?[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]){PORT}")
PLACEHOLDERS = {"login", "from", "to"}
MAPPED_PREFIX_LENGTH = 96  # the IPv6 form of all IPv4 addresses is ::ffff:0:0/96

OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)", re.ASCII)
MAX_OFFSET = timedelta(hours=14)

IPv4Network = ipaddress.IPv4Network
IPv6Network = ipaddress.IPv6Network
Network = IPv4Network | IPv6Network

zones = cache(available_timezones)  # cached because it reads the names from disk


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint for a misspelled word; empty if no known word is similar."""
    matches = difflib.get_close_matches(word, known, n=1)
    if not matches:
        return ""
    best = matches[0]
    return f"; did you mean {best}?"


def check_base_url(value: str) -> str:
    """The URL of a service, without a trailing slash."""
    problem = ValueError("must be a URL such as https://example.com")
    try:
        parts = urlsplit(value)
        # Reading the port raises ValueError if there is no such port.
        is_http = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        raise problem from None
    host = parts.hostname or ""
    if is_http and host and not host.isascii():
        raise ValueError(f"must have its host in the form {ascii_host(host)}")
    # Paths are appended to the URL, so it must end with its own path.
    has_end = "?" in value or "#" in value
    # urlsplit removes line breaks. Files to deploy the service with contain the value.
    is_line = value.isprintable() and " " not in value
    if not is_http or not HOST.fullmatch(host) or has_end or not is_line:
        raise problem
    # It appears in messages of `check` and in logs.
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password")
    is_encrypted = parts.scheme == "https"
    if not is_encrypted and not is_loopback(host):
        raise ValueError(
            "must begin with https:// (http:// is accepted for loopback addresses only)"
        )
    return value.rstrip("/")


def ascii_host(host: str) -> str:
    """The form in which web servers and certificates write a name that is not ASCII."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return "xn--bcher-kva.example"


def check_public_url(value: str) -> str:
    """The URL of this service, which web servers also have to understand."""
    url = check_base_url(value)
    if not PUBLIC_PATH.fullmatch(urlsplit(url).path):
        raise ValueError("may contain letters, digits and . _ ~ - in its path, no others")
    return url


def proxies_before(public_url: str) -> int:
    """How many proxies are in front of the service at least, judging from its URL."""
    # The service itself speaks HTTP only.
    return int(public_url.startswith("https:"))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_zone(value: object) -> ZoneInfo:
    """A time zone by its IANA name."""
    if not isinstance(value, str) or value not in zones():
        raise ValueError("is not an IANA time zone such as Europe/Paris")
    return ZoneInfo(value)


def parse_clock(value: object) -> tzinfo:
    """The zone of an API's clock: an IANA name, or a fixed offset from UTC such as +03:00."""
    text = str(value)
    match = OFFSET.fullmatch(text)
    if match:
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset > MAX_OFFSET:
            raise ValueError("is more than 14 hours away from UTC, as no clock is")
        if sign == "-":
            offset = -offset
        return timezone(offset)
    if text in zones():
        return ZoneInfo(text)
    raise ValueError(
        "is neither an IANA time zone such as Europe/Athens nor an offset such as +03:00"
    )


def check_language(value: str) -> str:
    """A language tag that Babel knows."""
    try:
        Locale.parse(value, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise ValueError("is not a language tag such as en or pt-BR") from error
    return value


def parse_network(value: object) -> Network:
    """A network, written as CIDR or as IP and mask."""
    text = str(value)
    address, slash, mask = text.rpartition("/")
    try:
        if slash and ":" in mask:
            # Python reads IPv4 masks only.
            text = f"{address}/{ipv6_prefix_length(mask)}"
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            "is not a network: write IP/mask or CIDR, such as 203.0.113.0/255.255.255.0"
        ) from error
    if slash and "." in mask and mask != str(network.netmask):
        # Python accepts 0.0.0.255 as a host mask, the inverse of a network mask. If it was meant
        # otherwise, the wrong visitors would get in.
        raise ValueError(f"is not a network mask; did you mean /{network.netmask}?")
    return without_ipv4_mapping(network)


def ipv6_prefix_length(mask: str) -> int:
    """The number of ones at the beginning of an IPv6 mask; ValueError if there are others."""
    address = ipaddress.IPv6Address(mask)
    bits = f"{int(address):0128b}"
    ones = bits.rstrip("0")
    if "0" in ones:
        raise ValueError("its ones do not come first")
    return len(ones)


def without_ipv4_mapping(network: Network) -> Network:
    """A network, as IPv4 if it is the IPv6 form of one, such as ::ffff:203.0.113.0/120.

    Visitors' addresses are compared in the IPv4 form.
    """
    if isinstance(network, IPv4Network):
        return network
    # A larger network also has addresses that are no IPv4 addresses.
    if network.prefixlen < MAPPED_PREFIX_LENGTH:
        return network
    address = network.network_address.ipv4_mapped
    if address is None:
        return network
    prefix_length = network.prefixlen - MAPPED_PREFIX_LENGTH
    return IPv4Network((address, prefix_length))


def check_origin(value: str) -> str:
    """The origin of a site, as in Content-Security-Policy."""
    if not ORIGIN.fullmatch(value):
        raise ValueError(
            "is not an origin: write scheme and host without a path, such as"
            " https://blog.example.com"
        )
    return value


def check_figure(value: str) -> str:
    """The JSON name of a figure."""
    if value not in FIGURES:
        hint = did_you_mean(value, FIGURES)
        raise ValueError(f"is not the JSON name of a figure{hint}")
    return value


def check_hash(value: SecretStr) -> SecretStr:
    """The hash of a password, as ``cabinet-widgets password`` prints it."""
    text = value.get_secret_value()
    has_lost_parts = HASH_BEGINNING.match(text) and text.count("$") < 2
    if has_lost_parts:
        raise ValueError(
            "has too few dollar signs: in double quotes, a shell replaces them; write the hash in"
            " single quotes"
        )
    try:
        method, _, digest = text.split("$")
        is_hash = DIGEST.fullmatch(digest) is not None
        if method != WERKZEUG_METHOD:
            # Raises ValueError for methods and parameters that cannot be used. Skipped for the
            # usual method, because hashing takes long by design.
            check_password_hash(text, "")
    except (ValueError, TypeError):
        is_hash = False
    if not is_hash:
        raise ValueError("is not a password hash: create one with `cabinet-widgets password`")
    return value


def split_keys(secrets: SecretStr) -> tuple[bytes, ...]:
    """The secrets in ``"new,old"``, newest first."""
    keys = []
    for part in secrets.get_secret_value().split(","):
        key = part.strip()
        keys.append(key.encode())
    return tuple(keys)


def check_embed_secret(value: SecretStr) -> SecretStr:
    """One or more secrets, separated by commas."""
    for key in split_keys(value):
        if len(key) < MIN_SECRET_BYTES:
            raise ValueError(f"each secret must have at least {MIN_SECRET_BYTES} bytes")
    return value


def check_redis_url(value: SecretStr) -> SecretStr:
    """The URL of a Redis server.

    Checked here because the libraries that receive it repeat it in their errors, with the password.
    """
    try:
        parts = urlsplit(value.get_secret_value())
        is_redis = parts.scheme in ("redis", "rediss")
        # Reading the port raises ValueError if it is not a number.
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_redis = False
    if not is_redis or not is_complete:
        raise ValueError(
            "must be a URL such as redis://:password@127.0.0.1:6379/0 (in the password, write @ as"
            " %40)"
        )
    return value


def check_method(value: str) -> str:
    """The path of an API's function."""
    if "://" in value:
        raise ValueError("must be a path below base_url, without a host")
    used = set(re.findall(r"\{(\w+)\}", value))
    unknown = used - PLACEHOLDERS
    if unknown:
        raise ValueError("may contain the placeholders {login}, {from} and {to}, no others")
    return value


def check_link(value: str) -> str:
    """The URL of a page, which visitors can open."""
    parts = urlsplit(value)
    is_http = parts.scheme in ("http", "https")
    if not is_http or not parts.hostname or not value.isprintable() or " " in value:
        raise ValueError("must be the URL of a page, such as https://blog.example.com")
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password")
    return value


def check_line(value: str) -> str:
    """A text that stands in one line."""
    text = value.strip()
    if not text or not text.isprintable():
        raise ValueError("must be a text in one line")
    return text


def from_file(value: Path, info: ValidationInfo) -> Path:
    """A path that is relative to the folder of the file, as an absolute one."""
    folder: Path = (info.context or {}).get(FOLDER, Path())
    # An absolute path replaces the folder.
    return folder / value


def check_ca_file(value: str, info: ValidationInfo) -> str:
    """The path of a file with certificates; an empty path is allowed and stays empty."""
    # Checked when a configuration is read, where the folder is known.
    if not value or not info.context:
        return value
    path = from_file(Path(value), info)
    advice = "name a file with a certificate in PEM format"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise ValueError(f"contains no certificate; {advice}") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); {advice}") from None
    return str(path)


BaseUrl = Annotated[str, AfterValidator(check_base_url)]
CaFile = Annotated[str, AfterValidator(check_ca_file)]
Clock = Annotated[tzinfo, BeforeValidator(parse_clock), PlainSerializer(str)]
EmbedSecret = Annotated[SecretStr, AfterValidator(check_embed_secret)]
FigureName = Annotated[str, AfterValidator(check_figure)]
FilePath = Annotated[Path, AfterValidator(from_file)]
Language = Annotated[str, AfterValidator(check_language)]
Link = Annotated[str, AfterValidator(check_link)]
Method = Annotated[str, AfterValidator(check_method)]
Name = Annotated[str, Field(max_length=60), AfterValidator(check_line)]
NetworkValue = Annotated[Network, BeforeValidator(parse_network)]
Origin = Annotated[str, AfterValidator(check_origin)]
PasswordHash = Annotated[SecretStr, AfterValidator(check_hash)]
PublicUrl = Annotated[str, AfterValidator(check_public_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(check_redis_url)]
Seconds = Annotated[float, Field(gt=0, le=86400 * 7, strict=True)]
Zone = Annotated[ZoneInfo, BeforeValidator(parse_zone)]
