"""Lambda entry point of the order API: `api`. The tracker's is in `tracker.py`."""

import os

from order_service.app import build

app = build(os.environ)
api = app.api
