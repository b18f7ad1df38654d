"""Lambda entry points of the payment service: `charge` and `refund`."""

import os

from payment_service.app import build

app = build(os.environ)
charge, refund = app.charge, app.refund
