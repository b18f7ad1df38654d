"""Lambda entry point of the shipping service: `prepare`."""

import os

from shipping_service.app import build

app = build(os.environ)
prepare = app.prepare
