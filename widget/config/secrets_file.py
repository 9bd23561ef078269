"""``secrets.env``: the file next to ``widgets.toml`` that contains passwords, secrets and hashes.

Each line is ``NAME='value'``, so that shells, systemd and Docker Compose can read it as well.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from widget.config.secrets import can_be_read_by_others
from widget.errors import OperatorError

SECRETS_FILE = "secrets.env"

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What nobody but the owner of the file may do with it."""

LINE = re.compile(
    r"""
    (?:export[ \t]+)? (?P<name>[A-Za-z_][A-Za-z0-9_]*) =
    (?:
        '(?P<single>[^']*)'
        | "(?P<double>(?:[^"\\]|\\.)*)"
        | (?P<plain>[^'"\s]\S*)?
    )
    (?:[ \t]+\#.*)?
    """,
    re.VERBOSE,
)
SPECIAL = re.compile(r'(["\\$`])')
"""What shells replace in double quotes, unless a backslash precedes it."""
ESCAPED = re.compile(r'\\(["\\$`])')


@dataclass(frozen=True)
class Secrets:
    """What a file contains.

    Attributes:
        values: the secrets by the names of their variables.
        problem: why it cannot be read; empty if it can, and if it does not exist.
        warning: what the operator should know about it; empty if nothing.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""
    warning: str = ""


def read(path: Path) -> Secrets:
    """Read the file, which need not exist.

    Raises:
        OperatorError: a line of it cannot be understood. The line is not repeated.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        is_exposed = can_be_read_by_others(path)
    except FileNotFoundError:
        return Secrets()
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        # With systemd, only root can read the file, and the service gets its variables.
        return Secrets(problem=f"{path}: cannot be read ({error.strerror}); fix its permissions")
    warning = ""
    if is_exposed:
        warning = f"other users can read {path}; run: chmod 600 {path}"
    return Secrets(parse(text, path), warning=warning)


def parse(text: str, path: Path) -> dict[str, str]:
    """The variables of a file; ``path`` is for the error."""
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = LINE.fullmatch(stripped)
        if not match:
            raise OperatorError(f"{path}, line {number}: write NAME='value', in single quotes")
        values[match["name"]] = value_of(match)
    return values


def value_of(match: re.Match[str]) -> str:
    """The value in a line."""
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return ESCAPED.sub(r"\1", match["double"])
    return match["plain"] or ""


def quote(value: str) -> str:
    """A value in quotes. Shells, systemd and Docker Compose read the same from it."""
    if "'" not in value:
        return f"'{value}'"
    escaped = SPECIAL.sub(r"\\\1", value)
    return f'"{escaped}"'


def add(path: Path, secrets: Mapping[str, str]) -> None:
    """Add lines to the file. It is created if need be, so that only its owner can read it.

    Args:
        path: the file.
        secrets: values of one line each, by the names of their variables.

    Raises:
        OperatorError: the file exists and is not for the user alone.
        OSError: it cannot be written.
    """
    lines = []
    # The last line of a file that was written by hand may have no end.
    if needs_line_break(path):
        lines.append("\n")
    for name, value in secrets.items():
        line = f"{name}={quote(value)}\n"
        lines.append(line)
    # A link may lead to a file that somebody else can read.
    if path.is_symlink():
        raise OperatorError(f"{path} is a link; replace it by the file itself")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(path, flags, mode=0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise OperatorError(f"{path} belongs to another user; remove it, or become that user")
        if status.st_mode & OTHERS:
            raise OperatorError(f"{path} is not for you alone; run: chmod 600 {path}")
        file.writelines(lines)


def needs_line_break(path: Path) -> bool:
    """Whether a file exists whose last line has no end."""
    if not path.exists():
        return False
    text = path.read_bytes()
    return bool(text) and not text.endswith(b"\n")
