"""Builds cabinet-widgets.zip reproducibly from the plugin, without tests or dot-files.

usage: python package.py [TARGET]      TARGET defaults to dist/cabinet-widgets.zip
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "wordpress-shortcode" / "cabinet-widgets"
KINDS = {".php", ".js", ".json", ".txt", ".po", ".pot", ".mo", ".png", ".svg"}


def build(target: Path) -> None:
    """Writes the zip: sorted names, one date, one mode."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = {
        str(path.relative_to(PLUGIN.parent)): path
        for path in PLUGIN.rglob("*")
        if path.suffix in KINDS
    }
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(name for name in files if "/." not in name):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o100644 << 16,
            )
            archive.writestr(entry, files[name].read_bytes(), compresslevel=9)


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "cabinet-widgets.zip"
    build(path)
    print(path)
