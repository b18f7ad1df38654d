"""Lambda entry point of the order tracker: `track`."""

import os

from order_service.tracker_app import build_tracker

app = build_tracker(os.environ)
track = app.track
