"""The inventory service: reserves what was paid for, announces it as `InventoryUpdated`."""
