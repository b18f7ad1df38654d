"""The order service: takes orders, tells their status, and announces them as `OrderCreated`."""
