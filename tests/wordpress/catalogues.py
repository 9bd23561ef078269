"""The plugin's catalogues: extracts the template, updates the translations and compiles them.

usage: python catalogues.py [--check]      --check changes nothing and fails if something is out of
    date
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[2] / "wordpress-shortcode" / "cabinet-widgets"
DOMAIN = "cabinet-widgets"
EDITOR = "cabinet-widgets-widget-editor-script"
BLOCK_TEXTS = {
    "title": "block title",
    "description": "block description",
    "keywords": "block keyword",
}
KEYWORDS = ("__:1,2t", "_n:1,2,4t", "esc_html__:1,2t", "esc_attr__:1,2t", "esc_html_e:1,2t")
SCRIPT = "blocks/widget/index.js"


def extract(folder: Path) -> Path:
    """The template of all texts of the plugin, written into a folder."""
    template = folder / f"{DOMAIN}.pot"
    sources = sorted(str(path.relative_to(PLUGIN)) for path in PLUGIN.rglob("*.php"))
    keywords = [f"--keyword={keyword}" for keyword in ("", *KEYWORDS)]
    shared = [
        "--from-code=UTF-8",
        "--add-comments=translators",
        "--no-wrap",
        "--sort-by-file",
        "--add-location=file",
        *keywords,
    ]
    xgettext = [
        "xgettext",
        "-D",
        str(PLUGIN),
        "-o",
        str(template),
        "--package-name=Cabinet Widgets",
        *shared,
    ]
    subprocess.run([*xgettext, "--language=PHP", *sources], check=True)
    subprocess.run(
        [*xgettext, "--join-existing", "--language=JavaScript", SCRIPT],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    body = re.sub(
        r'"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Report-Msgid-Bugs-To|Plural-Forms): .*\n',
        "",
        template.read_text(),
    )
    body = re.sub(
        r"^(#.*\n)+", "# Texts of Cabinet Widgets, under the same licence.\n", body, count=1
    )
    body = body.replace("charset=CHARSET", "charset=UTF-8").replace("#, fuzzy\n", "", 1)
    template.write_text(body + block_texts() + header_texts())
    return template


def block_texts() -> str:
    """The texts of block.json, with the contexts in which WordPress looks them up."""
    block = json.loads((PLUGIN / "blocks" / "widget" / "block.json").read_text())
    entries = []
    for key, context in BLOCK_TEXTS.items():
        texts = block[key] if isinstance(block[key], list) else [block[key]]
        entries += [
            f'\n#: blocks/widget/block.json\nmsgctxt "{context}"\nmsgid "{text}"\nmsgstr ""\n'
            for text in texts
        ]
    return "".join(entries)


def header_texts() -> str:
    """The plugin's description, as the list of plugins shows it."""
    header = (PLUGIN / f"{DOMAIN}.php").read_text()
    found = re.search(r"^ \* Description: +(.*)$", header, re.M)
    assert found
    return (
        f'\n#. Description of the plugin\n#: cabinet-widgets.php\nmsgid "{found[1]}"\nmsgstr ""\n'
    )


def update(folder: Path) -> None:
    """Writes template, translations and what is compiled of them into a folder."""
    template = extract(folder)
    for source in sorted((PLUGIN / "languages").glob("*.po")):
        target = folder / source.name
        merge = [
            "msgmerge",
            "--quiet",
            "--no-wrap",
            "--no-fuzzy-matching",
            "--sort-by-file",
            "--add-location=file",
            "-o",
            target,
            source,
            template,
        ]
        subprocess.run(merge, check=True)
        subprocess.run(
            ["msgattrib", "--no-obsolete", "--no-wrap", "-o", target, target], check=True
        )
        subprocess.run(
            ["msgfmt", "--check-format", "--no-hash", "-o", target.with_suffix(".mo"), target],
            check=True,
        )
        locale = source.stem.removeprefix(f"{DOMAIN}-")
        (folder / f"{DOMAIN}-{locale}-{EDITOR}.json").write_text(script_texts(target, locale))


def script_texts(catalogue: Path, locale: str) -> str:
    """The texts of the block's script as JSON, for wp.i18n."""
    from babel.messages.pofile import read_po

    with catalogue.open("rb") as file:
        messages = read_po(file)
    texts: dict[str, object] = {
        "": {"domain": "messages", "lang": locale, "plural-forms": messages.plural_forms}
    }
    for message in messages:
        if message.id and message.string and any(name == SCRIPT for name, _ in message.locations):
            texts[str(message.id)] = [message.string]
    return (
        json.dumps(
            {"domain": "messages", "locale_data": {"messages": texts}}, ensure_ascii=False, indent=1
        )
        + "\n"
    )


def outdated(folder: Path) -> list[str]:
    """The names of the plugin's catalogues that are out of date."""
    update(folder)
    names = {path.name for path in (*folder.iterdir(), *(PLUGIN / "languages").iterdir())}
    here = PLUGIN / "languages"
    return sorted(
        n
        for n in names
        if not (
            (here / n).exists()
            and (folder / n).exists()
            and (here / n).read_bytes() == (folder / n).read_bytes()
        )
    )


def main() -> int:
    if "--check" not in sys.argv:
        update(PLUGIN / "languages")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name in (names := outdated(Path(folder))):
            print(f"languages/{name} is out of date: run python tests/wordpress/catalogues.py")
        return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
