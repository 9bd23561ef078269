"""The service for Passenger, as in cPanel's "Setup Python App", and for uWSGI.

It reads ``widgets.toml`` and ``secrets.env`` in the folder of this file.
"""

import os
from pathlib import Path

from widget.app import from_environment

os.environ.setdefault("CABINET_WIDGETS_CONFIG", str(Path(__file__).with_name("widgets.toml")))
application = from_environment()
