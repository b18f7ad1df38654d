"""The payment service: charges and refunds orders, and publishes `PaymentProcessed`."""
