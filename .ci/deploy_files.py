"""Writes the files of docs/deploy that the command ``deploy`` prints, with example values."""

from pathlib import Path

from widget.setup import deploy

FOLDER = Path(__file__).parent.parent / "docs" / "deploy"


def main() -> None:
    """Write all of them."""
    for what, name in deploy.TEMPLATES.items():
        path = FOLDER / name
        path.write_text(deploy.example(what), encoding="utf-8")
    without_certificate = FOLDER / "nginx-without-certificate.conf"
    without_certificate.write_text(deploy.example_without_certificate(), encoding="utf-8")


if __name__ == "__main__":
    main()
