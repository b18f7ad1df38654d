"""Lambda entry point of the reconciler: `reconcile`."""

import os

from recovery.reconcile.app import build

app = build(os.environ)
reconcile = app.reconcile
