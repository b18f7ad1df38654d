"""The order service: accepts orders, returns their status, and publishes `OrderCreated`."""
