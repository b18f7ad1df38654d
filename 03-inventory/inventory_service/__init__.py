"""The inventory service: reserves what was paid for, and publishes `InventoryUpdated`."""
