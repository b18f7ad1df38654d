"""The payment service: charges orders, gives the money back, announces it as `PaymentProcessed`."""
