"""Packs the WordPress plugin as cabinet-widgets.zip: `make plugin`.

The same files always give the same bytes. Tests and hidden files are left out.

usage: python .ci/plugin_zip.py [TARGET]      TARGET defaults to dist/cabinet-widgets.zip
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "wordpress-shortcode" / "cabinet-widgets"
KINDS = {".php", ".js", ".json", ".txt", ".po", ".pot", ".mo", ".png", ".svg"}
FIRST_OF_JANUARY = (2020, 1, 1, 0, 0, 0)
UNIX = 3
READABLE_FILE = 0o100644


def build(target: Path) -> None:
    """Write the zip: names in order, one date, one mode."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = {
        path.relative_to(PLUGIN.parent).as_posix(): path
        for path in PLUGIN.rglob("*")
        if path.suffix in KINDS
    }
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in sorted(files.items()):
            if "/." in name:
                continue
            entry = zipfile.ZipInfo(name, FIRST_OF_JANUARY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = UNIX
            entry.external_attr = READABLE_FILE << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=9)


def main() -> None:
    """Write the zip where the command line says, and print its path."""
    target = ROOT / "dist" / "cabinet-widgets.zip"
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
    build(target)
    print(target)


if __name__ == "__main__":
    main()
