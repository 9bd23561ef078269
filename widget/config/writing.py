"""Writes ``widgets.toml``: values by their keys, such as ``accounts.main.login``, become TOML."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping

TomlValue = str | int | float | bool | list[str]

# Most lines of the template are comments: keys with an example, which have no effect.
HEADER = re.compile(r"(?:# )?\[(?P<section>[a-z0-9_.-]+)\](?P<rest>.*)")
ENTRY = re.compile(r"(?:# )?(?P<name>\w+) = .*?(?P<remark>\s+#.*)?")
# Where remarks stand in the template.
REMARK_COLUMN = 43


def to_toml(value: TomlValue) -> str:
    """A value as TOML."""
    # JSON writes these types in the same way, apart from one control character.
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x7f", r"\u007f")


def from_text(text: str) -> TomlValue:
    """The value that a text means: what it is as TOML if it is TOML, otherwise the text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    # A text with several lines could contain other keys.
    if len(parsed) > 1:
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    if isinstance(value, str | int | float | list):
        return value
    return text  # a date or a table


def entry(name: str, value: TomlValue, remark: str = "") -> str:
    """A line of the file; the remark stands where it does in the template."""
    line = f"{name} = {to_toml(value)}"
    if not remark:
        return line
    column = max(REMARK_COLUMN, len(line) + 2)
    return f"{line:<{column}}{remark.strip()}"


def section_of(key: str) -> str:
    """The table that a key belongs to."""
    section, _, _ = key.rpartition(".")
    return section


def name_of(key: str) -> str:
    """A key as it stands in its table."""
    _, _, name = key.rpartition(".")
    return name


def keys_of(template: str) -> set[str]:
    """All keys of a template, with effect or without."""
    keys = set()
    section = ""
    for line in template.splitlines():
        if header := HEADER.fullmatch(line):
            section = header["section"]
        elif match := ENTRY.fullmatch(line):
            keys.add(f"{section}.{match['name']}")
    return keys


def fill_in(template: str, values: Mapping[str, TomlValue]) -> str:
    """The template with values in the lines of their keys.

    Args:
        template: TOML, in which keys and tables without effect begin with ``# ``.
        values: by key. Keys that the template does not contain are added to their tables.
    """
    known = keys_of(template)
    missing = dict(values)
    section = ""
    lines: list[str] = []
    for line in template.splitlines():
        if header := HEADER.fullmatch(line):
            section = header["section"]
            lines += table_header(header, missing, known)
            continue
        match = ENTRY.fullmatch(line)
        # A line that is neither, such as a comment in words, stays as it is.
        if match is None:
            lines.append(line)
            continue
        name = match["name"]
        key = f"{section}.{name}"
        if key in missing:
            value = missing.pop(key)
            line = entry(name, value, match["remark"] or "")
        lines.append(line)
    text = "\n".join(lines)
    if not missing:
        return f"{text}\n"
    return f"{text}\n\n{tables(missing)}"


def table_header(
    header: re.Match[str], missing: dict[str, TomlValue], known: set[str]
) -> Iterator[str]:
    """The first line of a table, and the keys in it that the template does not have.

    Args:
        header: the line of the template.
        missing: the values that are not written yet. What is written is removed.
        known: the keys of the template.
    """
    section = header["section"]
    own = [key for key in missing if section_of(key) == section]
    if not own:
        yield header[0]
        return
    yield f"[{section}]{header['rest']}"
    for key in own:
        if key not in known:
            yield entry(name_of(key), missing.pop(key))


def tables(values: Mapping[str, TomlValue]) -> str:
    """The tables that contain some values, one after the other."""
    by_section: dict[str, list[str]] = {}
    for key, value in values.items():
        section = section_of(key)
        lines = by_section.setdefault(section, [f"[{section}]"])
        lines.append(entry(name_of(key), value))
    blocks = []
    for lines in by_section.values():
        block = "\n".join(lines)
        blocks.append(f"{block}\n")
    return "\n".join(blocks)
