"""Extracts the texts of the WordPress plugin, updates its translations and compiles them.

usage: python .ci/plugin_catalogues.py [--check]

With --check it changes nothing, and fails if something is out of date.
"""

import json
import re
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from babel.messages.pofile import read_po

PLUGIN = Path(__file__).resolve().parent.parent / "wordpress-shortcode" / "cabinet-widgets"
LANGUAGES = PLUGIN / "languages"
DOMAIN = "cabinet-widgets"
EDITOR = "cabinet-widgets-editor"
CONTEXTS = {
    "title": "block title",
    "description": "block description",
    "keywords": "block keyword",
}
"""The keys of block.json that are translated, with the contexts that WordPress uses for them."""
KEYWORDS = ("", "__:1,2t", "_n:1,2,4t", "esc_html__:1,2t", "esc_attr__:1,2t", "esc_html_e:1,2t")
SCRIPTS = "blocks/widget/*.js"
SERVICE = PLUGIN.parent.parent / "widget" / "locale"
"""The translations of the service, which has some of the plugin's texts too."""
ORDER = ("--no-wrap", "--sort-by-file", "--add-location=file")
# These headers change with every extraction, or would be empty.
UNUSED_HEADERS = (
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Language-Team",
    "Report-Msgid-Bugs-To",
    "Plural-Forms",
)


def extract(folder: Path) -> Path:
    """Write the template with all texts of the plugin into a folder; returns its path."""
    template = folder / f"{DOMAIN}.pot"
    xgettext = [
        "xgettext",
        f"--directory={PLUGIN}",
        f"--output={template}",
        "--package-name=Cabinet Widgets",
        "--from-code=UTF-8",
        "--add-comments=translators",
        *ORDER,
        *(f"--keyword={keyword}" for keyword in KEYWORDS),
    ]
    sources = sorted(str(path.relative_to(PLUGIN)) for path in PLUGIN.rglob("*.php"))
    subprocess.run([*xgettext, "--language=PHP", *sources], check=True)
    # xgettext warns about JavaScript that it does not know; the texts are extracted all the same.
    scripts = sorted(str(path.relative_to(PLUGIN)) for path in PLUGIN.glob(SCRIPTS))
    subprocess.run(
        [*xgettext, "--join-existing", "--language=JavaScript", *scripts],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    text = re.sub(rf'"({"|".join(UNUSED_HEADERS)}): .*\n', "", template.read_text())
    heading = "# Texts of Cabinet Widgets, under the same licence.\n"
    text = re.sub(r"^(#.*\n)+", heading, text, count=1)
    text = text.replace("charset=CHARSET", "charset=UTF-8").replace("#, fuzzy\n", "", 1)
    template.write_text(text + block_texts() + header_texts())
    return template


def block_texts() -> str:
    """The entries of the texts of block.json."""
    block = json.loads((PLUGIN / "blocks" / "widget" / "block.json").read_text())
    entries = []
    for key, context in CONTEXTS.items():
        texts = block[key] if isinstance(block[key], list) else [block[key]]
        entries += [block_entry(context, text) for text in texts]
    entries += [block_entry("block style label", style["label"]) for style in block["styles"]]
    return "".join(entries)


def block_entry(context: str, text: str) -> str:
    """One entry of the texts of block.json."""
    entry = f'msgctxt "{context}"\nmsgid "{text}"\nmsgstr ""\n'
    return f"\n#: blocks/widget/block.json\n{entry}"


def header_texts() -> str:
    """The plugin's description, which the list of plugins displays."""
    header = (PLUGIN / f"{DOMAIN}.php").read_text()
    found = re.search(r"^ \* Description: +(.*)$", header, re.M)
    assert found
    comment = "#. Description of the plugin\n#: cabinet-widgets.php"
    return f'\n{comment}\nmsgid "{found[1]}"\nmsgstr ""\n'


def update(folder: Path) -> None:
    """Write the template, the translations and the compiled translations into a folder."""
    template = extract(folder)
    for source in sorted(LANGUAGES.glob("*.po")):
        target = folder / source.name
        locale = source.stem.removeprefix(f"{DOMAIN}-")
        # What the service has translated already needs no second translation.
        service = SERVICE / f"{locale[:2]}.po"
        command = ["msgmerge", "--quiet", "--no-fuzzy-matching", f"--compendium={service}", *ORDER]
        subprocess.run([*command, "-o", target, source, template], check=True)
        subprocess.run(
            ["msgattrib", "--no-obsolete", "--no-wrap", "-o", target, target], check=True
        )
        subprocess.run(
            ["msgfmt", "--check-format", "--no-hash", "-o", target.with_suffix(".mo"), target],
            check=True,
        )
        (folder / f"{DOMAIN}-{locale}-{EDITOR}.json").write_text(script_texts(target, locale))


def script_texts(catalogue: Path, locale: str) -> str:
    """The translated texts of the block's scripts, as the JSON that wp.i18n reads."""
    with catalogue.open("rb") as file:
        messages = read_po(file)
    header = {"domain": "messages", "lang": locale, "plural-forms": messages.plural_forms}
    texts: dict[str, object] = {"": header}
    for message in messages:
        is_in_script = any(fnmatch(name, SCRIPTS) for name, _ in message.locations)
        if message.id and message.string and is_in_script:
            texts[str(message.id)] = [message.string]
    data = {"domain": "messages", "locale_data": {"messages": texts}}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def outdated(folder: Path) -> list[str]:
    """The names of the plugin's catalogues that would change now; the new ones go into a folder."""
    update(folder)
    names = {path.name for path in (*folder.iterdir(), *LANGUAGES.iterdir())}
    return sorted(name for name in names if content(folder / name) != content(LANGUAGES / name))


def content(path: Path) -> bytes | None:
    """The content of a file; None if there is no such file."""
    return path.read_bytes() if path.exists() else None


def main() -> int:
    """Update the catalogues, or check them; returns the exit code."""
    if "--check" not in sys.argv:
        update(LANGUAGES)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        names = outdated(Path(folder))
    for name in names:
        print(f"languages/{name} is out of date: run python .ci/plugin_catalogues.py")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
