"""Lambda entry point of the redrive: `redrive`."""

import os

from recovery.redrive.app import build

app = build(os.environ)
redrive = app.redrive
