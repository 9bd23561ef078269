"""``python -m widget`` is the command ``cabinet-widgets``."""

from widget.cli import main

main()
