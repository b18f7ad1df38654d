"""Lambda entry point of the loyalty service: `award`."""

import os

from loyalty_service.app import build

app = build(os.environ)
award = app.award
