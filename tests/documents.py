"""README and docs as tests read them: sections, tables, code blocks, links, deployment files."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
FOR_USERS = [README, *sorted(DOCS.rglob("*.md"))]
"""What the people who use or run the service read."""
ALL = [*FOR_USERS, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / ".github").rglob("*.md"))]


def read(document: Path) -> str:
    """The text of a document."""
    return document.read_text(encoding="utf-8")


def section(document: Path, heading: str) -> str:
    """The text below a heading, up to the next heading of the same or a higher level."""
    found = re.search(rf"(?m)^(#+) {re.escape(heading)}$", read(document))
    assert found, f"{document.name} has no heading {heading!r}"
    rest = read(document)[found.end() :]
    end = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", rest)
    return rest[: end.start()] if end else rest


def table(document: Path, heading: str, *columns: str) -> list[list[str]]:
    """The cells of each row of the table with these columns, somewhere below a heading."""
    header = f"| {' | '.join(columns)} |\n"
    text = section(document, heading)
    assert text.count(header) == 1, f"{document.name} has no table {columns} below {heading!r}"
    lines = text.partition(header)[2].partition("\n\n")[0].strip().splitlines()
    # A bar within a cell has a backslash before it.
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines[1:]]
    assert all(len(row) == len(columns) for row in rows), f"{document.name}: {heading}"
    return rows


def code(text: str) -> list[str]:
    """What is written as code (`so`) in a text, in order."""
    return re.findall(r"`([^`\n]+)`", text)


def code_block(document: Path, language: str) -> str:
    """The only code block of a document in a language."""
    blocks: list[str] = re.findall(rf"(?m)^```{language}\n(.*?)^```", read(document), re.DOTALL)
    assert len(blocks) == 1, f"{document.name} has {len(blocks)} blocks of {language}"
    return blocks[0]


def without_code_blocks(text: str) -> str:
    """A text without its code blocks, in which nothing is a heading or a link."""
    fenced = re.sub(r"(?ms)^```.*?^```$", "", text)
    return re.sub(r"(?m)^    .*$", "", fenced)


def links(document: Path) -> Iterator[str]:
    """The targets of all links and pictures."""
    yield from re.findall(r"\]\(([^)\s]+)\)", without_code_blocks(read(document)))


def anchors(document: Path) -> set[str]:
    """The names by which GitHub links to the headings of a document."""
    headings = re.findall(r"(?m)^#+ (.+)$", without_code_blocks(read(document)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def deployment_file(name: str) -> str:
    """A file of docs/deploy."""
    return read(DOCS / "deploy" / name)
