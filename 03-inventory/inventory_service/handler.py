"""Lambda entry point of the inventory service: `reserve`."""

import os

from inventory_service.app import build

app = build(os.environ)
reserve = app.reserve
